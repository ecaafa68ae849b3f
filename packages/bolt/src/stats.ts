/**
 * Counts over one state, from a walk of every page.
 *
 * bbolt: bucket.go (Stats). Departs: one walk for the whole file; sizes count what entries take, headers included.
 */
import type { BoltStats } from './bolt.ts';
import { corrupt } from './errors.ts';
import type { Meta } from './meta.ts';
import { BUCKET_HEADER, readBucketHeader } from './page.ts';
import type { Page } from './page.ts';
import type { PageFile } from './page-file.ts';
import { childPages, rootReference } from './reachable.ts';
import type { PageReference } from './reachable.ts';
import type { Slices } from './slices.ts';

type Counts = { -readonly [K in keyof BoltStats]: BoltStats[K] };

/** @throws BoltError BOLT_CORRUPT on a damaged tree */
export async function countState(pages: PageFile, meta: Meta, freePages: number, slices: Slices): Promise<BoltStats> {
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
  const waiting: { readonly page: PageReference; readonly depth: number }[] = [{ page: rootReference(meta), depth: 1 }];
  let budget = meta.highWater;
  for (let visit = waiting.pop(); visit !== undefined; visit = waiting.pop()) {
    if (budget-- === 0) throw corrupt(meta.root, 'a tree with more pages than the file');
    const { id, stamp, from } = visit.page;
    const { page } = pages.inspect(id, meta, stamp, from);
    counts.depth = Math.max(counts.depth, visit.depth);
    if (page.leaf) {
      counts.leafPages++;
      counts.leafOverflowPages += page.overflow;
      counts.leafBytesUsed += page.dataEnd;
      for (const root of countLeaf(page, meta, counts)) waiting.push({ page: root, depth: 1 });
    } else {
      counts.branchPages++;
      counts.branchOverflowPages += page.overflow;
      counts.branchBytesUsed += page.dataEnd;
      for (const child of childPages(page, meta)) waiting.push({ page: child, depth: visit.depth + 1 });
    }
    if (slices.due()) await slices.rest();
  }
  return counts;
}

function countLeaf(page: Page, meta: Meta, counts: Counts): PageReference[] {
  const roots: PageReference[] = [];
  for (let i = 0; i < page.count; i++) {
    if (!page.isBucket(i)) {
      counts.keys++;
      continue;
    }
    counts.buckets++;
    const length = page.valueLength(i);
    const { root, inline, stamp } = readBucketHeader(
      page.bytes,
      page.keyAt(i) + page.keyLength(i),
      length,
      meta.highWater,
      page.id,
      page.stamp(i),
    );
    if (inline === undefined) {
      roots.push({ id: root, stamp, from: page.id });
      continue;
    }
    counts.inlineBuckets++;
    counts.inlineBytesUsed += length - BUCKET_HEADER;
    counts.keys += inline.count;
  }
  return roots;
}
