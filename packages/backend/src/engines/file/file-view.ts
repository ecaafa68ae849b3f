/**
 * One committed state of the file, read through transactions of its own.
 *
 * FV1  Point reads copy: what they return outlives the page cache, and whoever keeps one value must not keep its page.
 *     Scans lend: their rows are mostly used and let go.
 * FV2  A scan that has begun goes on when its view is disposed; the state is held until both have ended.
 */
import type { Bolt, Entry as BoltEntry, ReadBucket, ReadTransaction } from '@varve/bolt';
import { Slice, type Turns } from '@varve/base/pace';
import type { Bucket } from '../../contract/bucket.ts';
import type { Entry, PinnedView, ScanOptions } from '../../contract/engine.ts';
import { BackendError } from '../../contract/errors.ts';
import { nameBytes, nameText } from './bucket-name.ts';
import { fileFailure } from './failure.ts';

const defaultChunkSize = 256;
/** A chunk of large rows ends there: its pages are read in one go, and are in memory together. */
const chunkBytes = 256 * 1024;

export class FileView implements PinnedView {
  readonly #path: string;
  readonly #clock: Turns;
  readonly #points: ReadTransaction;
  readonly #scans: ReadTransaction;
  /** By name (ENG6); `null` where there is none. */
  readonly #buckets = new Map<string, ReadBucket | null>();
  /** The view itself, and its scans. */
  #holders = 1;
  #disposed = false;

  constructor(bolt: Bolt, clock: Turns) {
    this.#path = bolt.path;
    this.#clock = clock;
    // Opened in one tick, so both pin the same state.
    this.#points = bolt.read();
    this.#scans = bolt.read({ borrow: true });
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    try {
      return this.#bucket(bucket)?.get(key);
    } catch (error) {
      throw fileFailure(error, this.#path);
    }
  }

  buckets(): readonly string[] {
    this.#checkOpen();
    try {
      const names: string[] = [];
      const cursor = this.#points.root.cursor();
      for (let more = cursor.first(); more; more = cursor.next()) {
        if (cursor.isBucket) names.push(nameText(cursor.key));
      }
      return names;
    } catch (error) {
      throw fileFailure(error, this.#path);
    }
  }

  lastKey(bucket: Bucket): Uint8Array | undefined {
    this.#checkOpen();
    try {
      const cursor = this.#bucket(bucket)?.cursor();
      for (let more = cursor?.last(); more === true; more = cursor?.prev()) {
        // A nested bucket is not ours.
        if (cursor?.isBucket === false) return cursor.key;
      }
      return undefined;
    } catch (error) {
      throw fileFailure(error, this.#path);
    }
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    this.#checkOpen();
    // Held from the call on, not from the first pull: a scan shows the state of its call.
    this.#holders += 1;
    return new FileScan(this.#scans, this.#path, bucket, options, new Slice(this.#clock), () => this.#release());
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#release();
  }

  #bucket({ name }: Bucket): ReadBucket | null {
    let found = this.#buckets.get(name);
    if (found === undefined) {
      found = this.#points.bucket(nameBytes(name)) ?? null;
      this.#buckets.set(name, found);
    }
    return found;
  }

  #release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#points.end();
    this.#scans.end();
  }

  #checkOpen(): void {
    if (this.#disposed) throw new BackendError('BACKEND_CLOSED', 'this view has ended');
  }
}

/** The rows of one bucket, in chunks. Single consumer. */
class FileScan implements AsyncIterableIterator<readonly Entry[], void> {
  readonly #tx: ReadTransaction;
  readonly #path: string;
  readonly #bucket: Bucket;
  readonly #options: ScanOptions;
  readonly #release: () => void;
  readonly #slice: Slice;
  #rows: IterableIterator<BoltEntry> | undefined;
  #ended = false;

  constructor(
    tx: ReadTransaction,
    path: string,
    bucket: Bucket,
    options: ScanOptions,
    slice: Slice,
    release: () => void,
  ) {
    this.#tx = tx;
    this.#path = path;
    this.#bucket = bucket;
    this.#options = options;
    this.#slice = slice;
    this.#release = release;
  }

  async next(): Promise<IteratorResult<readonly Entry[], void>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#options.signal?.throwIfAborted();
      if (this.#slice.over) await this.#slice.turn();
      const chunk = this.#chunk();
      if (chunk.length > 0) return { done: false, value: chunk };
    } catch (error) {
      this.#end();
      throw fileFailure(error, this.#path);
    }
    this.#end();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<readonly Entry[], void>> {
    this.#end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #chunk(): Entry[] {
    const { start, end, chunkSize = defaultChunkSize } = this.#options;
    // Throws when the file was closed meanwhile, also when no row is left.
    void this.#tx.root.sequence;
    this.#rows ??= this.#tx.bucket(nameBytes(this.#bucket.name))?.entries({ start, end });
    const chunk: Entry[] = [];
    let bytes = 0;
    while (this.#rows !== undefined && chunk.length < chunkSize && bytes < chunkBytes) {
      const next = this.#rows.next();
      if (next.done === true) break;
      const { key, value } = next.value;
      // A nested bucket has no value, and is not ours.
      if (value === undefined) continue;
      chunk.push({ key, value });
      bytes += key.length + value.length;
    }
    return chunk;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
  }
}
