/**
 * A whole file streamed from sorted rows, its length known before the first byte.
 *
 * BU1  Two passes over the rows: lengths decide the layout, and with it the size and the meta pages, which come first; then
 *     the same layout is filled. Neither pass keeps rows.
 * BU2  Rows that are not the same in both passes, or not in order, end the stream with an error before it can look whole.
 */
import { checkOptions, isBoolean, isInteger, isSignal, type Rules } from '@varve/base/options';
import { compareRuns } from '@varve/base/order';
import { hostWorld } from '@varve/base/host';
import { isWorld } from '@varve/base/world';
import { Slice } from '@varve/base/pace';
import type { BoltImage, BuildOptions, BuildRow, BuildRowLengths, BuildSource, Bytes, RowChunks } from '../bolt.ts';
import { toBytes } from '../format/bytes.ts';
import { isChunkSize, isFillPercent, isPageSize, isSequence } from '../option-rules.ts';
import { BoltError } from '../errors.ts';
import { encodeMeta, olderRecord } from '../format/meta.ts';
import type { Meta } from '../format/meta.ts';
import { LONGEST_KEY, LONGEST_VALUE } from '../format/page.ts';
import { stampOf } from '../format/seal.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { BuilderOptions, Part } from './tree-builder.ts';

const DEFAULT_CHUNK = 262_144;

const RULES: Rules<BuildOptions> = {
  pageSize: isPageSize,
  fillPercent: isFillPercent,
  txid: isInteger(1),
  sequence: isSequence,
  pageChecksums: isBoolean,
  chunkBytes: isChunkSize,
  signal: isSignal,
  world: isWorld,
};

/**
 * Measures the rows; resolves with the stream.
 * @throws RangeError on bad options; rejects with BOLT_ROWS when rows are too large or buckets are not in order
 */
export async function buildBolt(source: BuildSource, options: BuildOptions = {}): Promise<BoltImage> {
  checkSource(source);
  checkOptions(options, RULES);
  const { pageSize = 4096, fillPercent = 0.9, txid = 2, pageChecksums = true, chunkBytes = DEFAULT_CHUNK } = options;
  const { world = hostWorld, signal } = options;
  const stamp = stampOf(world.random.unique(), txid);
  const layout = { pageSize, fillPercent, txid, pageChecksums, stamp };
  const newSlice = (): Slice => new Slice(world.clock, { signal });
  const measured = await measure(source, { ...layout, measuring: true }, newSlice());
  const meta = { ...measured, sequence: options.sequence ?? 0n };
  return new BuiltImage(source, meta, { ...layout, measuring: false }, chunkBytes, newSlice);
}

function checkSource(source: BuildSource): void {
  if (typeof source?.rows !== 'function') throw new TypeError('source must have a function rows');
  if (source.lengths !== undefined && typeof source.lengths !== 'function')
    throw new TypeError('lengths must be a function');
  if (source.buckets !== undefined && !Array.isArray(source.buckets)) throw new TypeError('buckets must be an array');
}

async function measure(source: BuildSource, layout: BuilderOptions, slice: Slice): Promise<Meta> {
  const builder = new TreeBuilder(layout, () => undefined);
  const groups = new Buckets(builder, source.buckets, false);
  const chunks: RowChunks<BuildRow | BuildRowLengths> = source.lengths?.() ?? source.rows();
  for await (const rows of chunks) {
    for (const row of rows) {
      groups.enter(row.bucket);
      if ('key' in row) groups.put(row.key.length, row.value.length);
      else groups.put(row.keyLength, row.valueLength);
      if (slice.due()) await slice.turn();
    }
  }
  groups.end();
  return builder.finish();
}

class BuiltImage implements BoltImage {
  readonly size: number;
  readonly txid: number;
  readonly #source: BuildSource;
  readonly #meta: Meta;
  readonly #layout: BuilderOptions;
  readonly #chunkBytes: number;
  readonly #newSlice: () => Slice;
  #taken = false;

  constructor(source: BuildSource, meta: Meta, layout: BuilderOptions, chunkBytes: number, newSlice: () => Slice) {
    this.#source = source;
    this.#meta = meta;
    this.#layout = layout;
    this.#chunkBytes = chunkBytes;
    this.#newSlice = newSlice;
    this.size = meta.highWater * meta.pageSize;
    this.txid = meta.txid;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#taken) throw new BoltError('BOLT_ENDED', 'the file was streamed already');
    this.#taken = true;
    return this.#chunks();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    const { pageSize, highWater } = this.#meta;
    const slice = this.#newSlice();
    let ready: Uint8Array[] = [metaPages(this.#meta)];
    let readyBytes = 2 * pageSize;
    let pagesLeft = highWater - 2;
    const builder = new TreeBuilder(this.#layout, (pages, fill) => {
      pagesLeft -= pages;
      if (pagesLeft < 0) throw different();
      const run = new Uint8Array(pages * pageSize);
      fill(run);
      ready.push(run);
      readyBytes += run.length;
    });
    const take = (): Uint8Array => {
      const chunk = new Uint8Array(readyBytes);
      let at = 0;
      for (const run of ready) {
        chunk.set(run, at);
        at += run.length;
      }
      ready = [];
      readyBytes = 0;
      return chunk;
    };
    const groups = new Buckets(builder, this.#source.buckets, true);
    for await (const rows of this.#source.rows()) {
      for (const row of rows) {
        groups.enter(row.bucket);
        groups.put(row.key, row.value);
        if (readyBytes >= this.#chunkBytes) yield take();
        if (slice.due()) await slice.turn();
      }
    }
    groups.end();
    const meta = builder.finish();
    if (pagesLeft !== 0 || meta.root !== this.#meta.root) throw different();
    yield take();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  close(): Promise<void> {
    this.#taken = true;
    return Promise.resolve();
  }
}

/** Groups rows by bucket, in order, with the buckets that have none. */
class Buckets {
  readonly #builder: TreeBuilder;
  readonly #empty: Uint8Array[];
  readonly #checkKeys: boolean;
  #given: Bytes | undefined;
  #name: Uint8Array | undefined;
  #key: Uint8Array | undefined;

  constructor(builder: TreeBuilder, names: readonly Bytes[] | undefined, checkKeys: boolean) {
    this.#builder = builder;
    this.#checkKeys = checkKeys;
    this.#empty = (names ?? []).map((name) => toBytes(name, 'bucket')).toSorted((a, b) => order(a, b));
  }

  enter(bucket: Bytes): void {
    if (bucket === this.#given) return;
    const name = toBytes(bucket, 'bucket');
    const before = this.#name;
    this.#given = bucket;
    if (before !== undefined) {
      const difference = order(before, name);
      if (difference === 0) return;
      if (difference > 0) throw new BoltError('BOLT_ROWS', 'buckets are not in byte order');
      this.#builder.endBucket();
    }
    this.#emptyOnes(name);
    this.#begin(name);
  }

  put(key: Part, value: Part): void {
    const keyLength = typeof key === 'number' ? key : key.length;
    const valueLength = typeof value === 'number' ? value : value.length;
    if (keyLength === 0) throw new BoltError('BOLT_ROWS', 'an empty key');
    if (keyLength > LONGEST_KEY || valueLength > LONGEST_VALUE) {
      throw new BoltError(
        'BOLT_ROWS',
        `a row of ${keyLength} and ${valueLength} bytes is larger than the format allows`,
      );
    }
    if (this.#checkKeys && typeof key !== 'number') {
      const before = this.#key;
      if (before !== undefined && order(before, key) >= 0)
        throw new BoltError('BOLT_ROWS', 'keys are not in byte order');
      this.#key = key;
    }
    this.#builder.put(key, value);
  }

  end(): void {
    if (this.#name !== undefined) this.#builder.endBucket();
    this.#emptyOnes(undefined);
  }

  #begin(name: Uint8Array): void {
    this.#name = name;
    this.#key = undefined;
    this.#builder.beginBucket(name, 0n);
  }

  /** Buckets without rows that come before `limit`. */
  #emptyOnes(limit: Uint8Array | undefined): void {
    for (let next = this.#empty[0]; next !== undefined; next = this.#empty[0]) {
      if (limit !== undefined && order(next, limit) > 0) return;
      this.#empty.shift();
      if (
        (limit !== undefined && order(next, limit) === 0) ||
        (this.#name !== undefined && order(next, this.#name) <= 0)
      )
        continue;
      this.#begin(next);
      this.#builder.endBucket();
    }
  }
}

function order(a: Uint8Array, b: Uint8Array): number {
  return compareRuns(a, 0, a.length, b, 0, b.length);
}

function different(): BoltError {
  return new BoltError('BOLT_ROWS', 'the rows of the second pass are not those of the first');
}

function metaPages(meta: Meta): Uint8Array {
  const metas = new Uint8Array(2 * meta.pageSize);
  encodeMeta(metas.subarray(0, meta.pageSize), 0, meta);
  encodeMeta(metas.subarray(meta.pageSize), 1, olderRecord(meta));
  return metas;
}
