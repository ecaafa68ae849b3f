/**
 * Counts over one state, from a walk of every page.
 *
 * bbolt: bucket.go (Stats). Departs: one walk for the whole file; sizes count what entries take, headers included.
 */
import type { Slice } from '@varve/base/pace';
import type { BoltStats } from '../bolt.ts';
import type { Meta } from '../format/meta.ts';
import { BUCKET_HEADER, readBucketHeader } from '../format/page.ts';
import type { Page } from '../format/page.ts';
import type { PageFile } from '../pages/page-file.ts';
import { PageSet } from '../pages/page-set.ts';
import { soundPages } from '../pages/page-walk.ts';

/** Entries a step. */
const STEP = 64;

type Counts = { -readonly [K in keyof BoltStats]: BoltStats[K] };

/** @throws BoltError BOLT_CORRUPT on a damaged tree */
export function countState(pages: PageFile, meta: Meta, freePages: number, slice: Slice): Promise<BoltStats> {
  return slice.run(countInSteps(pages, meta, freePages));
}

function* countInSteps(pages: PageFile, meta: Meta, freePages: number): Generator<void, BoltStats> {
  const size = meta.highWater * meta.pageSize;
  const counts: Counts = {
    pageSize: meta.pageSize,
    txid: meta.txid,
    size,
    sizeInUse: size - freePages * meta.pageSize,
    freePages,
    branchPages: 0,
    branchOverflowPages: 0,
    branchBytesUsed: 0,
    leafPages: 0,
    leafOverflowPages: 0,
    leafBytesUsed: 0,
    keys: 0,
    buckets: 0,
    inlineBuckets: 0,
    inlineBytesUsed: 0,
    depth: 0,
  };
  for (const visit of soundPages(pages, meta, new PageSet())) {
    if (visit !== undefined) yield* countPage(visit.page, visit.depth + 1, meta, counts);
    yield;
  }
  return counts;
}

function* countPage(page: Page, depth: number, meta: Meta, counts: Counts): Generator<void> {
  counts.depth = Math.max(counts.depth, depth);
  if (page.leaf) {
    counts.leafPages++;
    counts.leafOverflowPages += page.overflow;
    counts.leafBytesUsed += page.dataEnd;
    yield* countLeaf(page, meta, counts);
  } else {
    counts.branchPages++;
    counts.branchOverflowPages += page.overflow;
    counts.branchBytesUsed += page.dataEnd;
  }
}

function* countLeaf(page: Page, meta: Meta, counts: Counts): Generator<void> {
  for (let i = 0; i < page.count; i++) {
    if (i % STEP === STEP - 1) yield;
    if (!page.isBucket(i)) {
      counts.keys++;
      continue;
    }
    counts.buckets++;
    const length = page.valueLength(i);
    const at = page.keyAt(i) + page.keyLength(i);
    const { inline } = readBucketHeader(page.bytes, at, length, meta.highWater, page.id, page.stamp(i));
    if (inline === undefined) continue;
    counts.inlineBuckets++;
    counts.inlineBytesUsed += length - BUCKET_HEADER;
    counts.keys += inline.count;
  }
}
