/**
 * A file described as JSON: meta pages, free list, page counts, and every entry.
 *
 * L1  Two walks and no memory of entries: the first for counts and digests, the second writes entries as it meets them.
 * L2  `contentSha256` covers contents only (kind, key, value, sequence, in key order), so it is equal for equal contents
 *     whatever the layout. `crc32cOfBucketsAndPairs` is etcd's hash walk.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { compareBytes, viewOf } from './bytes.ts';
import { plausibleFreelist } from './choose-meta.ts';
import type { MetaPages } from './choose-meta.ts';
import { crc32c } from './crc32c.ts';
import { decodeFreelist } from './freelist-page.ts';
import type { Meta } from './meta.ts';
import { readBucketHeader } from './page.ts';
import type { PageFile } from './page-file.ts';
import { PageTree, rootTree } from './page-tree.ts';
import { childPages, rootReference } from './reachable.ts';
import { TreeCursor } from './tree-cursor.ts';

const SHORT_VALUE = 128;
const FEW_PAGES = 128;

/** A walker's step: an entry, or the end of the bucket that was entered last. */
type Step =
  | { readonly kind: 'pair'; readonly key: Buffer; readonly value: Buffer; readonly depth: number }
  | { readonly kind: 'begin'; readonly key: Buffer; readonly tree: PageTree; readonly depth: number }
  | { readonly kind: 'end'; readonly depth: number };

/** Every entry of a state, depth first, without recursion. Top-level buckets have depth 0. */
export function* walkEntries(pages: PageFile, meta: Meta): IterableIterator<Step> {
  const cursors = [new TreeCursor(rootTree(pages, meta, true))];
  for (let cursor = cursors.at(-1); cursor !== undefined; cursor = cursors.at(-1)) {
    const depth = cursors.length - 1;
    if (!cursor.next()) {
      cursors.pop();
      if (depth > 0) yield { kind: 'end', depth: depth - 1 };
      continue;
    }
    const { source, keyAt, keyLength, valueLength, page, stamp } = cursor;
    const valueAt = keyAt + keyLength;
    const key = source.subarray(keyAt, valueAt);
    if (!cursor.isBucket) {
      yield { kind: 'pair', key, value: source.subarray(valueAt, valueAt + valueLength), depth };
      continue;
    }
    const tree = new PageTree(
      pages,
      meta,
      readBucketHeader(source, valueAt, valueLength, meta.highWater, page, stamp),
      true,
    );
    yield { kind: 'begin', key, tree, depth };
    cursors.push(new TreeCursor(tree));
  }
}

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
    crc = crc32c(bytes, 0, bytes.length, crc);
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
  digest.update(length).update(bytes);
}

/** The listing as JSON text, in pieces. */
export function* listing(pages: PageFile, chosen: MetaPages, size: number): IterableIterator<string> {
  const meta = chosen.active;
  const head = {
    schema: 'bolt-listing/1',
    size,
    pageSize: meta.pageSize,
    metas: chosen.records.map((record, page) => ({
      ...rawMeta(pages, page),
      ...(typeof record === 'string' ? { valid: false, problem: record } : { valid: true }),
    })),
    activeMeta: chosen.activePage,
    ...pageFacts(pages, meta, size),
    ...contentFacts(pages, meta),
  };
  yield `${JSON.stringify(head, undefined, 1).slice(0, -2)},\n "root": {"inline":false,"rootPage":"${meta.root}","sequence":"${meta.sequence}","entries":[`;
  const separators = ['\n  '];
  for (const step of walkEntries(pages, meta)) {
    if (step.kind === 'end') {
      separators.pop();
      yield ']}}]';
      continue;
    }
    const top = separators.length - 1;
    const start = separators[top] as string;
    if (!start.startsWith(',')) separators[top] = `,${start}`;
    if (step.kind === 'pair') {
      yield `${start}["${step.key.toString('hex')}",${JSON.stringify(valueText(step.value))}]`;
      continue;
    }
    const { root, sequence, inline } = step.tree.header;
    yield `${start}["${step.key.toString('hex')}",{"bucket":{"inline":${inline !== undefined},"rootPage":"${root}","sequence":"${sequence}","entries":[`;
    separators.push(`\n${' '.repeat(separators.length + 2)}`);
  }
  yield ']}\n}\n';
}

function valueText(value: Buffer): string | { readonly len: number; readonly sha256: string } {
  if (value.length <= SHORT_VALUE) return value.toString('hex');
  return { len: value.length, sha256: createHash('sha256').update(value).digest('hex') };
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

function pageFacts(pages: PageFile, meta: Meta, size: number): object {
  const rows: PageRow[] = [
    [0, 'meta', 0, 0],
    [1, 'meta', 0, 0],
  ];
  const counts: Record<string, number> = { meta: 2, overflow: 0 };
  const used = new Uint8Array(meta.highWater);
  const add = (page: number, type: string, count: number, overflow: number): void => {
    used.fill(1, page, page + overflow + 1);
    counts[type] = (counts[type] ?? 0) + 1;
    counts['overflow'] = (counts['overflow'] ?? 0) + overflow;
    rows.push([page, type, count, overflow]);
  };
  const waiting = [rootReference(meta)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { id, stamp, from } = next;
    if (used[id] === 1) continue;
    const { page } = pages.inspect(id, meta, stamp, from);
    add(id, page.leaf ? 'leaf' : 'branch', page.count, page.overflow);
    for (const child of childPages(page, meta)) waiting.push(child);
  }
  const freelist = listFacts(pages, meta, add);
  for (let id = 2; id < meta.highWater; id++) if (used[id] === 0) add(id, 'free', 0, 0);
  counts['pastHighWater'] = Math.max(0, Math.floor(size / meta.pageSize) - meta.highWater);
  const table = meta.highWater <= FEW_PAGES ? { pages: rows.toSorted((a, b) => a[0] - b[0]) } : {};
  return { freelist, pageCounts: sorted(counts), ...table };
}

function listFacts(
  pages: PageFile,
  meta: Meta,
  add: (page: number, type: string, count: number, overflow: number) => void,
): object {
  const id = meta.freelist;
  if (id === undefined || !plausibleFreelist(meta)) return { synced: false, overflow: 0, count: 0, ranges: [] };
  const { ids, overflow, long } = decodeFreelist(pages.run(id, meta), id, meta.highWater);
  add(id, 'freelist', ids.length, overflow);
  const ranges: string[] = [];
  for (let i = 0; i < ids.length; i++) {
    const first = ids[i] as number;
    while (ids[i + 1] === (ids[i] as number) + 1) i++;
    ranges.push(`${first}-${ids[i]}`);
  }
  return { synced: true, page: String(id), overflow, countForm: long ? 'u64' : 'u16', count: ids.length, ranges };
}

function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  const names = Object.keys(counts).toSorted((a, b) =>
    compareBytes(Buffer.from(a), 0, a.length, Buffer.from(b), 0, b.length),
  );
  return Object.fromEntries(names.map((name) => [name, counts[name] as number]));
}
