/**
 * What an engine implements: nine members over named buckets of byte keys and byte values, and what it may add.
 *
 * ENG1  The Backend calls `commit`, `compact` and `close` one at a time, and nothing after `close`.
 * ENG2  Point reads answer in the same tick; scans, commits and everything else that may be long are asynchronous.
 * ENG3  A view shows committed changes only: all of a commit or none of it.
 * ENG4  Bytes given to an engine are not changed afterwards by anybody, unless it says that it does not hold them (`Engine.holds`);
 *     bytes it gives out are never changed by it, and the receiver does not write to them. The room around a row (`Room`) is the
 *     engine's, from the call of `commit` until that has settled.
 * ENG5  A bucket that does not exist reads as an empty one. The Backend checks before it writes to one.
 * ENG6  A bucket is known by its name: the Backend may ask with another object of that name. `appendOnly` of the one that
 *     created it holds.
 * ENG7  After `close` every call throws or rejects with `BACKEND_CLOSED`, and so do views and scans that were open; closing
 *     again is fine.
 * ENG8  An engine that is open for reading only says so in `readOnly`: its state never changes, `commit` and `compact` reject
 *     with `BACKEND_READ_ONLY`, and the medium is not touched. The Backend does not even ask.
 * ENG9  A scan keeps to its range and to byte order, and gives no empty chunk. The Backend looks, and an engine that does not is
 *     `BACKEND_CORRUPT`.
 *
 * ENG10  What is optional changes no answer: the Backend does without, more slowly.
 *
 * Engines are simple on purpose: batching, read-your-writes, counters and hashes stand once, in the Backend.
 * Run `@varve/backend/conformance` on yours.
 */
import type { Aside } from './aside.ts';
import type { Bucket } from './bucket.ts';
import type { RowSearch } from './row-search.ts';

/** One row of a bucket. */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** `crc32c` of key and value, one behind the other, where it was asked for (`ScanOptions.sums`) and is known. */
  readonly sum?: number | undefined;
  /** Beside a sum: how long key and value are together. */
  readonly bytes?: number | undefined;
}

export interface ScanOptions {
  /** First key that may appear. @default the bucket's first */
  readonly start?: Uint8Array | undefined;
  /** First key that may not appear any more. @default none: to the bucket's last */
  readonly end?: Uint8Array | undefined;
  /** Rows per chunk, at most. @default 256 */
  readonly chunkSize?: number | undefined;
  /** Aborting ends the scan with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The rows of a chunk, and their bytes, are looked at only until the next one is asked for: then an engine may have read others into the
   * same memory. For those who go through much and keep nothing. @default false
   */
  readonly lent?: boolean | undefined;
  /** Rows are to say their sum where an engine, which checks them, has it anyway: for those who hash what they go through. @default false */
  readonly sums?: boolean | undefined;
}

/** One step of a commit. `put` and `delete` are in byte order of no kind: apply them as they come. */
export type Change =
  | { readonly type: 'createBucket'; readonly bucket: Bucket }
  | { readonly type: 'deleteBucket'; readonly bucket: Bucket }
  | { readonly type: 'put'; readonly bucket: Bucket; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly bucket: Bucket; readonly key: Uint8Array };

/**
 * What one commit consists of, in order: an array of changes is one, and so is what the Backend gives. Iterating makes the
 * changes one by one. An engine for which an object a row is too much asks for their places in blocks: `packChanges(changes)`.
 */
export interface Changes extends Iterable<Change> {
  readonly length: number;
}

/** Free bytes around a row's key and value, for what an engine frames rows with. Whole numbers, at most 64 each. */
export interface Room {
  /** Before the key. */
  readonly before: number;
  /** Behind the value, or behind the key of a delete. */
  readonly after: number;
}

/** One committed state. */
export interface EngineView {
  /** The value, or `undefined` where there is none. Same tick. */
  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined;
  /** Rows in byte order, in non-empty chunks of at most `chunkSize`; the state is that of the call. */
  scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]>;
  /** Names of all buckets, empty ones included, in byte order. */
  buckets(): readonly string[];
  /**
   * Finds the values of all keys of a search: for each that there is, it calls `search.found`. Same tick. For an engine that can
   * read many with less work than one by one. @default `get` for each
   */
  readonly find?: ((bucket: Bucket, search: RowSearch) => void) | undefined;
}

/** A view that stays as it is until it is disposed. */
export interface PinnedView extends EngineView, Disposable {}

export interface Engine extends EngineView {
  /** The committed state of this moment, kept readable over any number of commits until disposed. Same tick. */
  pin(): PinnedView;
  /**
   * All changes, in order, or none; resolves when they would survive a power cut (memory: at once).
   * A rejection is final for the engine: the Backend never calls `commit` again.
   * @param changes as good as they are until the promise has settled, and then none: nothing of them is kept longer but bytes
   */
  commit: (changes: Changes) => Promise<void>;
  /** Gives space of deleted rows back to the medium. Answers stay the same; pinned views stay readable. */
  compact(): Promise<void>;
  /** Bytes the medium holds for this engine. */
  readonly size: number;
  /** The part of `size` that holds live rows; an estimate where the medium keeps no count. */
  readonly sizeInUse: number;
  /** Gives back files, locks and memory. Views that are still pinned end here. */
  close(): Promise<void>;
  /**
   * The greatest key of a bucket, `undefined` where there is none; of an append-only one it may also be a greater one that was
   * there and was deleted. Asked once for each append-only bucket, when a Backend opens. @default found by scanning the bucket
   */
  readonly last?: ((bucket: Bucket) => Promise<Uint8Array | undefined>) | undefined;
  /**
   * What the Backend leaves free around the rows of a commit, so that they can be written out of the blocks they lie in.
   * Rows of one block that follow each other, room included, are one piece of it. @default none
   */
  readonly room?: Room | undefined;
  /**
   * Whether bytes that settled commits took out of this block may still be looked at where they lie, by the engine or by somebody
   * whom it gave a view of them. Asked before a block is written again. @default always: it is left to the collector
   */
  readonly holds?: ((block: Uint8Array) => boolean) | undefined;
  /** False where a commit does not survive the process; absent means true. */
  readonly durable?: boolean | undefined;
  /** True where nothing can be written; absent means false. */
  readonly readOnly?: boolean | undefined;
  /**
   * A whole BoltDB file of this moment's committed state, where the engine has a cheaper way than a scan.
   * Optional: the Backend builds one from a pinned view otherwise.
   */
  readonly snapshot?: ((options?: { readonly signal?: AbortSignal | undefined }) => Promise<Snapshot>) | undefined;
  /** Files beside the store, for what can be made anew from its rows, such as an index. @default none: it is made anew */
  readonly aside?: Aside | undefined;
  /** What was repaired or dropped while opening, one sentence each. */
  readonly warnings?: readonly string[] | undefined;
}

/** A consistent copy as a stream of bytes: one BoltDB file. Single consumer. */
export interface Snapshot extends AsyncIterable<Uint8Array>, AsyncDisposable {
  /** Bytes in all, known before the first chunk. */
  readonly size: number;
  /** Gives it up, read to its end or not. Idempotent. */
  close(): Promise<void>;
}
