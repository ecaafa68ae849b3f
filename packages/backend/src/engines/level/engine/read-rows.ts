/**
 * The rows of one bucket in byte order, in chunks.
 *
 * RWS1  The state is that of the call, and it is held until the scan has ended or was left.
 * RWS2  A scan begins with LevelDB's iterator. One that turns out to be long goes on in the tables themselves: that
 *     takes a third less, but is dearer to begin. Of a state that does not lie in tables all of its rows are put there
 *     first, when that is less than the scan has before it; LevelDB's iterator goes on meanwhile.
 * RWS3  Where the tables cannot be read so (`table-rows.ts`, ENG4), LevelDB's iterator takes over behind the last chunk.
 */
import type { Entry, ScanOptions } from '../../../contract/engine.ts';
import { BackendError } from '../../../contract/errors.ts';
import type { Committed } from './committed.ts';
import type { Files } from '../files.ts';
import { LevelRows } from './level-rows.ts';
import { bound, boundAfter, type Slot } from './rows.ts';
import { isForLevel, TableRows } from '../tables/table-rows.ts';

const DEFAULT_CHUNK = 256;
/** Rows from tables that come at once: half a millisecond of work. */
const TABLE_ROWS = 1024;

type Chunk = readonly Entry[];
const END: IteratorResult<Chunk> = { done: true, value: undefined };

/** What a scan reads from. */
export interface ScanSource {
  readonly files: Files;
  readonly longScan: LongScan;
  /** Whether all operations up to this one, by LevelDB's numbers, lie in tables. */
  inTables(sequence: number): boolean;
  /** Puts all operations so far into tables; whether that worked. Never rejects. */
  intoTables(): Promise<boolean>;
}

/** When a scan is long enough to read tables without LevelDB. */
export interface LongScan {
  /** Rows that it has gone over. */
  readonly rows: number;
  /** Bytes of tables that it has before it, about. */
  readonly bytes: number;
  /** The same where rows in memory have to be put into tables first. */
  readonly bytesToWrite: number;
}

/** @throws RangeError for a `chunkSize` that is not a positive integer */
function checkedChunkSize(options: ScanOptions | undefined): number {
  const size = options?.chunkSize ?? DEFAULT_CHUNK;
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError('chunkSize must be a positive integer');
  return size;
}

export class RowScan implements AsyncIterableIterator<Chunk> {
  readonly #source: ScanSource;
  readonly #slot: Slot | undefined;
  readonly #options: ScanOptions;
  readonly #chunkSize: number;
  readonly #onEnd: (scan: RowScan) => void;
  #state: Committed | undefined;
  #rows: LevelRows | TableRows | undefined;
  #rowN = 0;
  /** Of the last row that was handed out. */
  #lastKey: Uint8Array | undefined;
  #mayBeLong = true;
  #liesInTables = false;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /**
   * @param state held by the caller for this scan, which releases it
   */
  constructor(
    source: ScanSource,
    state: Committed,
    bucket: string,
    options: ScanOptions,
    onEnd: (scan: RowScan) => void,
  ) {
    this.#chunkSize = checkedChunkSize(options);
    this.#source = source;
    this.#state = state;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#slot = state.directory.get(bucket);
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
    if (this.#state === undefined || this.#slot === undefined) return await this.#end();
    try {
      this.#options.signal?.throwIfAborted();
      this.#rows ??= this.#fromLevel(this.#slot, this.#state, bound(this.#slot, this.#options.start));
      const chunk = await this.#nextChunk(this.#slot, this.#state, this.#rows);
      this.#options.signal?.throwIfAborted();
      if (chunk.length === 0) return await this.#end();
      this.#rowN += chunk.length;
      this.#lastKey = chunk[chunk.length - 1]!.key;
      if (this.#mayBeLong && this.#rowN >= this.#source.longScan.rows) {
        await this.#lookAhead(this.#slot, this.#state, chunk);
      }
      if (this.#liesInTables) await this.#goOn(this.#slot, this.#state, chunk);
      return { done: false, value: chunk };
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  async #nextChunk(slot: Slot, state: Committed, rows: LevelRows | TableRows): Promise<Chunk> {
    try {
      return await rows.next();
    } catch (error) {
      if (!(rows instanceof TableRows) || this.#lastKey === undefined || !isForLevel(error)) throw error;
      await rows.close();
      const lastKey = this.#lastKey;
      const next = this.#fromLevel(slot, state, bound(slot, Buffer.concat([lastKey, Uint8Array.of(0)])));
      this.#rows = next;
      return await next.next();
    }
  }

  /** @param start LevelDB's first key that may appear */
  #fromLevel(slot: Slot, state: Committed, start: Uint8Array): LevelRows {
    return new LevelRows(state, slot, start, this.#stop(slot), this.#chunkSize);
  }

  /** LevelDB's first key that may not appear. */
  #stop(slot: Slot): Uint8Array {
    return this.#options.end === undefined ? boundAfter(slot) : bound(slot, this.#options.end);
  }

  /** Finds out whether the scan is long enough for RWS2. */
  async #lookAhead(slot: Slot, state: Committed, chunk: Chunk): Promise<void> {
    this.#mayBeLong = false;
    const source = this.#source;
    const bytes = await state.level.approximateSize(behind(slot, chunk), this.#stop(slot));
    if (source.inTables(state.sequence)) {
      this.#liesInTables = bytes >= source.longScan.bytes;
    } else if (bytes >= source.longScan.bytesToWrite) {
      void source.intoTables().then((worked) => (this.#liesInTables = worked));
    }
  }

  /** Goes on behind this chunk in the tables. */
  async #goOn(slot: Slot, state: Committed, chunk: Chunk): Promise<void> {
    this.#liesInTables = false;
    const before = this.#rows;
    this.#rows = new TableRows(this.#source.files, state, {
      slot,
      after: behind(slot, chunk),
      end: this.#stop(slot),
      chunkSize: Math.min(this.#chunkSize, TABLE_ROWS),
    });
    await before?.close();
  }

  async #end(): Promise<IteratorResult<Chunk>> {
    const state = this.#state;
    if (state === undefined) return END;
    this.#state = undefined;
    try {
      await this.#rows?.close();
    } finally {
      this.#rows = undefined;
      state.release();
      this.#onEnd(this);
    }
    return END;
  }
}

/** LevelDB's key of a chunk's last row. */
function behind(slot: Slot, chunk: Chunk): Uint8Array {
  return bound(slot, chunk[chunk.length - 1]!.key);
}
