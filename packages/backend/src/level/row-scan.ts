/**
 * The rows of one bucket in byte order, in chunks.
 *
 * S1  The state is that of the call, and it is held until the scan has ended or was left.
 * S2  While the caller works on a chunk, LevelDB fetches the next one.
 * S3  One fetch is at most `FETCH_ROWS` rows or about a mebibyte: turning rows into JavaScript values happens on the
 *     main thread, about 2 us each. Every fetch comes through the event loop, so others get their turn.
 */
import type { Entry, ScanOptions } from '../engine.ts';
import { BackendError } from '../errors.ts';
import type { Committed } from './committed.ts';
import type { Level, LevelIterator } from './driver.ts';
import { SLOT_BYTES, bound, boundAfter, decodeValue, type Slot } from './rows.ts';

const DEFAULT_CHUNK = 256;
const FETCH_ROWS = 512;
const FETCH_BYTES = 1 << 20;

type Stored = ReadonlyArray<readonly [key: Uint8Array, value: Uint8Array]>;
type Chunk = readonly Entry[];
const END: IteratorResult<Chunk> = { done: true, value: undefined };

/** @throws RangeError for a `chunkSize` that is not a positive integer */
function checkedChunkSize(options: ScanOptions | undefined): number {
  const size = options?.chunkSize ?? DEFAULT_CHUNK;
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError('chunkSize must be a positive integer');
  return size;
}

export class RowScan implements AsyncIterableIterator<Chunk> {
  readonly #level: Level;
  readonly #slot: Slot | undefined;
  readonly #options: ScanOptions;
  readonly #chunkSize: number;
  readonly #onEnd: (scan: RowScan) => void;
  #state: Committed | undefined;
  #iterator: LevelIterator | undefined;
  #fetching: Promise<Stored> | undefined;
  #rows: Stored = [];
  #used = 0;
  #fetchRows: number;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param state held by the caller for this scan, which releases it */
  constructor(level: Level, state: Committed, bucket: string, options: ScanOptions, onEnd: (scan: RowScan) => void) {
    this.#chunkSize = checkedChunkSize(options);
    this.#level = level;
    this.#state = state;
    this.#slot = state.directory.get(bucket);
    this.#options = options;
    this.#onEnd = onEnd;
    this.#fetchRows = Math.min(this.#chunkSize, FETCH_ROWS);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Chunk>> {
    return this.#inTurn(() => this.#next());
  }

  return(): Promise<IteratorResult<Chunk>> {
    return this.#inTurn(() => this.#end());
  }

  /** The engine closes: the scan's next step says so. */
  close(): Promise<unknown> {
    this.#closed = true;
    return this.return();
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #next(): Promise<IteratorResult<Chunk>> {
    if (this.#closed) throw new BackendError('BACKEND_CLOSED', 'The store was closed during the scan');
    if (this.#state === undefined) return END;
    try {
      this.#options.signal?.throwIfAborted();
      if (this.#used === this.#rows.length) await this.#fetch();
      this.#options.signal?.throwIfAborted();
      if (this.#rows.length === 0) return await this.#end();
      return { done: false, value: this.#chunk() };
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  async #fetch(): Promise<void> {
    const { slot, state } = { slot: this.#slot, state: this.#state as Committed };
    if (slot === undefined) return;
    this.#iterator ??= this.#level.iterator({
      gte: bound(slot, this.#options.start),
      lt: this.#options.end === undefined ? boundAfter(slot) : bound(slot, this.#options.end),
      snapshot: state.fix().snapshot,
      fillCache: false, // a scan reads each block once: it would push out what point reads keep warm
      highWaterMarkBytes: FETCH_BYTES,
    });
    try {
      this.#rows = await (this.#fetching ?? this.#iterator.nextv(this.#fetchRows));
    } catch (error) {
      throw state.readError(error, slot);
    } finally {
      this.#fetching = undefined;
    }
    this.#used = 0;
    if (this.#rows.length === 0) return;
    this.#fetchRows = Math.min(this.#fetchRows * 2, FETCH_ROWS);
    this.#fetching = this.#iterator.nextv(this.#fetchRows);
    this.#fetching.catch(() => undefined); // whoever awaits it hears of it; a scan that was left need not
  }

  #chunk(): Chunk {
    const { slot, state } = { slot: this.#slot as Slot, state: this.#state as Committed };
    const end = Math.min(this.#used + this.#chunkSize, this.#rows.length);
    const chunk: Entry[] = [];
    for (; this.#used < end; this.#used++) {
      const [storedKey, stored] = this.#rows[this.#used] as Stored[number];
      const key = new Uint8Array(storedKey.buffer, storedKey.byteOffset + SLOT_BYTES, storedKey.length - SLOT_BYTES);
      const value = decodeValue(slot, key, 0, stored);
      if (value === undefined) throw state.damaged(slot, key);
      chunk.push({ key, value });
    }
    return chunk;
  }

  async #end(): Promise<IteratorResult<Chunk>> {
    const state = this.#state;
    if (state === undefined) return END;
    this.#state = undefined;
    this.#rows = [];
    try {
      await this.#iterator?.close();
    } finally {
      state.release();
      this.#onEnd(this);
    }
    return END;
  }
}
