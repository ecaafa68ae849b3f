/**
 * A whole file from sorted entries, in one pass, page after page, in file order.
 *
 * TB1  Pages are emitted in ascending order without gaps from page 2 on; the root and the free list (empty) come last, so
 *     the meta pages are known at the end. The same entries give the same pages, so a first pass over lengths alone tells
 *     the size.
 * TB2  Memory: one unfinished page a level and open bucket, and the names of finished inline buckets in their parent's
 *     unfinished leaf. A branch page goes out as soon as it is full.
 * TB3  Branches have two children at least: the last two entries of a level are held back until more come.
 */
import type { Meta } from '../format/meta.ts';
import { NO_SEALS, PAGE_HEADER } from '../format/meta.ts';
import { BRANCH_FLAG, BUCKET_HEADER, ELEMENT, LEAF_FLAG } from '../format/page.ts';
import { setU64, viewOf } from '../format/bytes.ts';
import { freelistBytes, encodeFreelist } from '../format/freelist-page.ts';
import { NO_STAMP, SEAL_BYTES, STAMP_BYTES, seal } from '../format/seal.ts';

/** A key, or in a measuring pass its length. */
export type Part = Uint8Array | number;

/** Where finished runs go. In a measuring pass `fill` is never called. */
export type EmitRun = (pages: number, fill: (run: Uint8Array) => void) => void;

/** How to lay pages out. */
export interface BuilderOptions {
  readonly pageSize: number;
  readonly fillPercent: number;
  readonly txid: number;
  readonly pageChecksums: boolean;
  /** What the seals of this file bear; its pages vouch for each other with it. */
  readonly stamp: number;
  /** Parts are lengths; nothing is filled. */
  readonly measuring: boolean;
}

interface Item {
  readonly key: Part;
  /** Leaf: the value; branch: nothing. */
  readonly value: Part;
  /** Branch: the child page. Leaf: nothing. */
  readonly child: number;
  /** As in a node: what the seal of the child, or of a bucket's root page, bears; 0 for a pair. */
  readonly stamp: number;
}

interface Level {
  items: Item[];
  bytes: number;
}

interface OpenBucket {
  readonly name: Part;
  readonly sequence: bigint;
  /** From the leaves up. */
  readonly levels: Level[];
  hasBuckets: boolean;
}

/** Builds one file. Begin and end buckets and put pairs in key order. */
export class TreeBuilder {
  readonly #options: BuilderOptions;
  readonly #emit: EmitRun;
  readonly #open: OpenBucket[] = [newBucket(0, 0n)];
  readonly #threshold: number;
  readonly #usable: number;
  readonly #stamp: number;
  readonly #stampBytes: number;
  #nextPage = 2;

  constructor(options: BuilderOptions, emit: EmitRun) {
    this.#options = options;
    this.#emit = emit;
    this.#stamp = options.pageChecksums ? options.stamp : NO_STAMP;
    this.#stampBytes = options.pageChecksums ? STAMP_BYTES : 0;
    this.#usable = options.pageSize - (options.pageChecksums ? SEAL_BYTES : 0);
    this.#threshold = Math.min(Math.floor(options.pageSize * options.fillPercent), this.#usable);
  }

  beginBucket(name: Part, sequence: bigint): void {
    this.#open.push(newBucket(name, sequence));
  }

  put(key: Part, value: Part): void {
    this.#add(this.#open.at(-1) as OpenBucket, 0, { key, value, child: 0, stamp: 0 });
  }

  endBucket(): void {
    const bucket = this.#open.pop() as OpenBucket;
    const parent = this.#open.at(-1) as OpenBucket;
    parent.hasBuckets = true;
    const [leaf] = bucket.levels as [Level];
    const inline =
      bucket.levels.length === 1 && !bucket.hasBuckets && leaf.bytes <= Math.floor(this.#options.pageSize / 4);
    const value = inline ? this.#inlineValue(bucket, leaf) : this.#headerValue(this.#finish(bucket), bucket.sequence);
    this.#add(parent, 0, { key: bucket.name, value, child: 0, stamp: inline ? NO_STAMP : this.#stamp });
  }

  /** Emits what is left; the meta record of the file. */
  finish(): Meta {
    const { pageSize, txid, pageChecksums } = this.#options;
    const root = this.#finish(this.#open.pop() as OpenBucket);
    const bytes = freelistBytes(0) + (pageChecksums ? SEAL_BYTES : 0);
    const freelist = this.#place(Math.floor(bytes / pageSize) + 1, (run, id, pages) =>
      encodeFreelist(run, id, pages, new Float64Array(0)),
    );
    const stamps = { rootStamp: this.#stamp, listStamp: this.#stamp };
    const seals = pageChecksums ? { sealedSince: 1, sealedUpTo: txid, ...stamps } : NO_SEALS;
    return { pageSize, root, sequence: 0n, freelist, highWater: this.#nextPage, txid, ...seals };
  }

  #add(bucket: OpenBucket, depth: number, item: Item): void {
    const level = (bucket.levels[depth] ??= { items: [], bytes: PAGE_HEADER });
    const bytes = this.#itemBytes(item);
    if (depth === 0 && level.items.length >= 2 && level.bytes + bytes > this.#threshold) {
      this.#flush(bucket, 0, level.items.length);
    } else if (depth > 0 && level.bytes > this.#threshold && level.items.length >= 5) {
      this.#flush(bucket, depth, this.#fitting(level));
    }
    level.items.push(item);
    level.bytes += bytes;
  }

  /** Entries of a branch that fill one page, two at least left over. */
  #fitting(level: Level): number {
    let bytes = PAGE_HEADER;
    let count = 0;
    for (; count < level.items.length - 2; count++) {
      const item = this.#itemBytes(level.items[count] as Item);
      if (count >= 2 && bytes + item > this.#threshold) break;
      bytes += item;
    }
    return count;
  }

  #flush(bucket: OpenBucket, depth: number, count: number): void {
    const level = bucket.levels[depth] as Level;
    const items = level.items.splice(0, count);
    let bytes = 0;
    for (const item of items) bytes += this.#itemBytes(item);
    level.bytes -= bytes;
    const id = this.#placeItems(items, PAGE_HEADER + bytes, depth === 0);
    this.#add(bucket, depth + 1, { key: (items[0] as Item).key, value: 0, child: id, stamp: this.#stamp });
  }

  #finish(bucket: OpenBucket): number {
    for (let depth = 0; ; depth++) {
      const level = bucket.levels[depth] as Level;
      while (depth > 0 && level.bytes > this.#usable && level.items.length >= 5)
        this.#flush(bucket, depth, this.#fitting(level));
      if (depth === bucket.levels.length - 1) return this.#placeItems(level.items, level.bytes, depth === 0);
      if (level.items.length > 0) this.#flush(bucket, depth, level.items.length);
    }
  }

  #placeItems(items: readonly Item[], bytes: number, leaf: boolean): number {
    const pages = Math.ceil((bytes + this.#options.pageSize - this.#usable) / this.#options.pageSize);
    return this.#place(pages, (run, id) => {
      writeItems(run, 0, id, pages, items, leaf);
      if (this.#options.pageChecksums) writeStamps(run, items);
    });
  }

  #place(pages: number, fill: (run: Uint8Array, id: number, pages: number) => void): number {
    const id = this.#nextPage;
    this.#nextPage += pages;
    this.#emit(pages, (run) => {
      fill(run, id, pages);
      if (this.#options.pageChecksums) seal(run, viewOf(run), this.#options.txid, this.#stamp);
    });
    return id;
  }

  #itemBytes({ key, value, stamp }: Item): number {
    return ELEMENT + lengthOf(key) + lengthOf(value) + (stamp === 0 ? 0 : this.#stampBytes);
  }

  #headerValue(root: number, sequence: bigint): Part {
    if (this.#options.measuring) return BUCKET_HEADER;
    const value = new Uint8Array(BUCKET_HEADER);
    setU64(viewOf(value), 0, root);
    viewOf(value).setBigUint64(8, sequence, true);
    return value;
  }

  #inlineValue(bucket: OpenBucket, leaf: Level): Part {
    if (this.#options.measuring) return BUCKET_HEADER + leaf.bytes;
    const value = new Uint8Array(BUCKET_HEADER + leaf.bytes);
    viewOf(value).setBigUint64(8, bucket.sequence, true);
    writeItems(value, BUCKET_HEADER, 0, 1, leaf.items, true);
    return value;
  }
}

function newBucket(name: Part, sequence: bigint): OpenBucket {
  return { name, sequence, levels: [{ items: [], bytes: PAGE_HEADER }], hasBuckets: false };
}

function lengthOf(part: Part): number {
  return typeof part === 'number' ? part : part.length;
}

function writeStamps(run: Uint8Array, items: readonly Item[]): void {
  const stamps = items.map(({ stamp }) => stamp).filter((stamp) => stamp !== 0);
  const view = viewOf(run);
  let at = run.length - SEAL_BYTES - stamps.length * STAMP_BYTES;
  for (const stamp of stamps) {
    view.setInt32(at, stamp, true);
    at += STAMP_BYTES;
  }
}

function writeItems(
  target: Uint8Array,
  start: number,
  id: number,
  pages: number,
  items: readonly Item[],
  leaf: boolean,
): void {
  const view = viewOf(target);
  setU64(view, start, id);
  view.setUint16(start + 8, leaf ? LEAF_FLAG : BRANCH_FLAG, true);
  view.setUint16(start + 10, items.length, true);
  view.setUint32(start + 12, pages - 1, true);
  let element = start + PAGE_HEADER;
  let data = element + items.length * ELEMENT;
  for (const { key, value, child, stamp } of items) {
    view.setUint32(leaf ? element + 4 : element, data - element, true);
    view.setUint32(leaf ? element + 8 : element + 4, lengthOf(key), true);
    if (leaf) {
      view.setUint32(element, stamp === 0 ? 0 : 1, true);
      view.setUint32(element + 12, lengthOf(value), true);
    } else setU64(view, element + 8, child);
    target.set(key as Uint8Array, data);
    data += lengthOf(key);
    if (leaf) {
      target.set(value as Uint8Array, data);
      data += lengthOf(value);
    }
    element += ELEMENT;
  }
}
