/**
 * A file described as JSON: meta pages, free list, page counts, and every entry.
 *
 * LI1  Two walks and no memory of entries: the first for counts and digests, the second writes entries as it meets them.
 * LI2  `contentSha256` covers contents only (kind, key, value, sequence, in key order), so it is equal for equal contents
 *     whatever the layout. `crc32cOfBucketsAndPairs` is etcd's hash walk.
 * LI3  Nothing is made into one text or one sum that can be large: values, names and ranges go piece by piece.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { compareRuns } from '@varve/base/order';
import { crc32c } from '@varve/base/crc32c';
import { viewOf } from '../format/bytes.ts';
import { plausibleFreelist } from '../open/choose-meta.ts';
import type { MetaPages } from '../open/choose-meta.ts';
import { walkEntries } from './entry-walk.ts';
import { readListInSteps } from '../pages/freelist-read.ts';
import type { Meta } from '../format/meta.ts';
import type { PageFile } from '../pages/page-file.ts';
import { PageSet } from '../pages/page-set.ts';
import { soundPages } from '../pages/page-walk.ts';
import { piecesOf, withoutPauses } from './pieces.ts';

const SHORT_VALUE = 128;
const FEW_PAGES = 128;
const MOST_INDENT = 64;
/** Wrong ids after which no more of a free list is read. */
const HOPELESS = 1000;

/** Digests and counts of the contents. */
export interface ContentFacts {
  readonly contentSha256: string;
  readonly keyCount: number;
  readonly bucketCount: number;
  readonly maxDepth: number;
  readonly crc32cOfBucketsAndPairs: number;
}

/** Walks all entries. @throws BoltError BOLT_CORRUPT */
function contentFacts(pages: PageFile, meta: Meta): ContentFacts {
  const digest = createHash('sha256');
  let [keyCount, bucketCount, maxDepth, crc] = [0, 0, 0, 0];
  const sum = (bytes: Buffer): void => {
    for (const piece of piecesOf(bytes)) crc = crc32c(piece, crc);
  };
  for (const step of walkEntries(pages, meta)) {
    if (step.kind === 'end') {
      digest.update('E');
      continue;
    }
    if (step.depth <= 1) sum(step.key);
    if (step.kind === 'pair') {
      keyCount++;
      digest.update('K');
      part(digest, step.key);
      part(digest, step.value);
      if (step.depth === 1) sum(step.value);
      continue;
    }
    bucketCount++;
    maxDepth = Math.max(maxDepth, step.depth + 1);
    digest.update('B');
    part(digest, step.key);
    const sequence = Buffer.alloc(8);
    sequence.writeBigUInt64BE(step.tree.header.sequence);
    digest.update(sequence);
  }
  return { contentSha256: digest.digest('hex'), keyCount, bucketCount, maxDepth, crc32cOfBucketsAndPairs: crc };
}

function part(digest: Hash, bytes: Buffer): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  digest.update(length);
  for (const piece of piecesOf(bytes)) digest.update(piece);
}

/** The listing as JSON text, in pieces. */
export function* listing(pages: PageFile, chosen: MetaPages, size: number): IterableIterator<string> {
  const meta = chosen.active;
  const { ranges, ...facts } = pageFacts(pages, meta, size);
  const head = {
    schema: 'bolt-listing/1',
    size,
    pageSize: meta.pageSize,
    metas: chosen.records.map((record, page) => ({
      ...rawMeta(pages, page),
      ...(typeof record === 'string' ? { valid: false, problem: record } : { valid: true }),
    })),
    activeMeta: chosen.activePage,
    ...contentFacts(pages, meta),
    ...facts,
  };
  // The free list comes last in the head: its ranges may be millions.
  yield `${JSON.stringify(head, undefined, 1).slice(0, -'\n }\n}'.length)},\n  "ranges": [`;
  yield* rangeTexts(ranges);
  yield `]\n },\n "root": {"inline":false,"rootPage":"${meta.root}","sequence":"${meta.sequence}","entries":[`;
  yield* entryTexts(pages, meta);
  yield ']}\n}\n';
}

function* entryTexts(pages: PageFile, meta: Meta): IterableIterator<string> {
  let depth = 0;
  let first = true;
  for (const step of walkEntries(pages, meta)) {
    if (step.kind === 'end') {
      depth--;
      first = false;
      yield ']}}]';
      continue;
    }
    yield `${first ? '' : ','}\n${' '.repeat(Math.min(depth + 2, MOST_INDENT))}["`;
    for (const piece of piecesOf(step.key)) yield piece.toString('hex');
    if (step.kind === 'pair') {
      first = false;
      yield `",${JSON.stringify(valueText(step.value))}]`;
      continue;
    }
    const { root, sequence, inline } = step.tree.header;
    yield `",{"bucket":{"inline":${inline !== undefined},"rootPage":"${root}","sequence":"${sequence}","entries":[`;
    depth++;
    first = true;
  }
}

function valueText(value: Buffer): string | { readonly len: number; readonly sha256: string } {
  if (value.length <= SHORT_VALUE) return value.toString('hex');
  const digest = createHash('sha256');
  for (const piece of piecesOf(value)) digest.update(piece);
  return { len: value.length, sha256: digest.digest('hex') };
}

function rawMeta(pages: PageFile, page: number): object {
  const bytes = Buffer.alloc(80);
  pages.file.read(bytes, 0, bytes.length, page * pages.pageSize);
  const view = viewOf(bytes);
  const u64 = (at: number): string => view.getBigUint64(at, true).toString();
  const freelist = view.getBigUint64(48, true);
  return {
    page,
    pageId: u64(0),
    pageFlags: view.getUint16(8, true),
    magic: view.getUint32(16, true).toString(16).padStart(8, '0'),
    version: view.getUint32(20, true),
    pageSize: view.getUint32(24, true),
    flags: view.getUint32(28, true),
    root: u64(32),
    rootSequence: u64(40),
    freelist: freelist === 0xffff_ffff_ffff_ffffn ? 'none' : freelist.toString(),
    highWater: u64(56),
    txid: u64(64),
    checksum: view.getBigUint64(72, true).toString(16).padStart(16, '0'),
  };
}

type PageRow = readonly [page: number, type: string, count: number, overflow: number];

/** What is said of the free list, but for its ranges: the ids themselves. */
interface ListFacts {
  readonly synced: boolean;
  readonly page?: string;
  readonly overflow: number;
  readonly countForm?: 'u64' | 'u16';
  readonly count: number;
}

interface PageFacts {
  readonly pageCounts: Readonly<Record<string, number>>;
  readonly pages?: readonly PageRow[];
  readonly freelist: ListFacts;
  /** Ids whose ranges complete `freelist`. */
  readonly ranges: Float64Array;
}

function pageFacts(pages: PageFile, meta: Meta, size: number): PageFacts {
  const few = meta.highWater <= FEW_PAGES;
  const rows: PageRow[] = [
    [0, 'meta', 0, 0],
    [1, 'meta', 0, 0],
  ];
  const counts: Record<string, number> = { meta: 2, overflow: 0 };
  const used = new PageSet();
  const add = (page: number, type: string, count: number, overflow: number): void => {
    counts[type] = (counts[type] ?? 0) + 1;
    counts['overflow'] = (counts['overflow'] ?? 0) + overflow;
    if (few) rows.push([page, type, count, overflow]);
  };
  for (const visit of soundPages(pages, meta, used)) {
    if (visit === undefined) continue;
    const { page } = visit;
    add(page.id, page.leaf ? 'leaf' : 'branch', page.count, page.overflow);
  }
  const { ranges, ...freelist } = listFacts(pages, meta, used, add);
  for (const [first, after] of used.gaps(2, meta.highWater)) {
    counts['free'] = (counts['free'] ?? 0) + after - first;
    if (few) for (let id = first; id < after; id++) rows.push([id, 'free', 0, 0]);
  }
  counts['pastHighWater'] = Math.max(0, Math.floor(size / meta.pageSize) - meta.highWater);
  const table = few ? { pages: rows.toSorted((a, b) => a[0] - b[0]) } : {};
  return { pageCounts: sorted(counts), ...table, freelist, ranges };
}

function listFacts(
  pages: PageFile,
  meta: Meta,
  used: PageSet,
  add: (page: number, type: string, count: number, overflow: number) => void,
): ListFacts & { readonly ranges: Float64Array } {
  const id = meta.freelist;
  if (id === undefined || !plausibleFreelist(meta))
    return { synced: false, overflow: 0, count: 0, ranges: new Float64Array(0) };
  const { ids, overflow, long } = withoutPauses(readListInSteps(pages, meta, HOPELESS));
  used.addRun(id, overflow + 1);
  add(id, 'freelist', ids.length, overflow);
  const countForm = long ? 'u64' : 'u16';
  return { synced: true, page: String(id), overflow, countForm, count: ids.length, ranges: ids };
}

function* rangeTexts(ids: Float64Array): IterableIterator<string> {
  for (let i = 0; i < ids.length; i++) {
    const first = ids[i] as number;
    const comma = i === 0 ? '' : ',';
    while (ids[i + 1] === (ids[i] as number) + 1) i++;
    yield `${comma}\n   "${first}-${ids[i]}"`;
  }
}

function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  const names = Object.keys(counts).toSorted((a, b) =>
    compareRuns(Buffer.from(a), 0, a.length, Buffer.from(b), 0, b.length),
  );
  return Object.fromEntries(names.map((name) => [name, counts[name] as number]));
}
