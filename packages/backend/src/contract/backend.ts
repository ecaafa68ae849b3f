/**
 * What the store sees: ordered buckets with one writer, readers that wait for nobody, and group commit.
 *
 * BA1  A write is one synchronous section (`batchTx`). Readers see all of a section or none of it (BD1).
 * BA2  Finished sections are visible to every reader opened afterwards, before they are on the medium.
 * BA3  A commit writes a run of finished sections, all or none, in order. One commit is in flight at a time.
 * BA4  A failed commit is final: `batchTx` and `forceCommit` throw `BACKEND_FAILED` with that cause from then on;
 *     reads go on. Opening anew recovers (law 8).
 * BA5  Nothing grows without bound: `admit()` waits while commits lag behind (law 9).
 * BA6  Over an engine that is open for reading only, everything that writes (`batchTx`, `admit`, `defrag`) is refused with
 *     `BACKEND_READ_ONLY` before it begins; `forceCommit` has nothing to do, and `preCommit` never runs.
 *
 * etcd: server/storage/backend (spec backend.md). Departs: deletes are buffered like puts (BD2), scans are exact
 * unions (BD7), scoped callbacks stand for lock and unlock.
 */
import type { World } from '@varve/base/world';
import type { Aside } from './aside.ts';
import type { Bucket } from './bucket.ts';
import type { Entry, Room, ScanOptions, Snapshot } from './engine.ts';
import type { RowSearch } from './row-search.ts';

/** Point reads of one state. */
export interface ReadTx {
  /**
   * The value, or `undefined`. The bytes are shared and stay as they are; do not write to them. They may be a view of a
   * block of up to 1 MiB that lives as long as they do: copy what you keep for long. Same tick.
   */
  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined;
  /**
   * Finds the values of all keys of a search, which was asked nothing since it was cleared: `search.blocks` and the places in them say
   * where they are, bytes as of `get`. Same tick.
   */
  find(bucket: Bucket, search: RowSearch): void;
}

/** A state kept as it is until disposed. May be held across awaits; what it pins is kept, so dispose it. */
export interface ConcurrentReadTx extends ReadTx, Disposable {
  /** Rows in byte order, in non-empty chunks. A bucket that does not exist has no rows. */
  scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]>;
}

/** The one writer, inside its section. Sees its own changes. It ends with the section: later calls throw `BACKEND_CLOSED`. */
export interface BatchTx extends ReadTx {
  /** Creates the bucket unless it exists. */
  createBucket(bucket: Bucket): void;
  /** Removes the bucket and its rows; a missing one is fine. */
  deleteBucket(bucket: Bucket): void;
  /**
   * Inserts or overwrites. Copies both arrays.
   * @throws BackendError `BACKEND_NO_BUCKET` when the bucket does not exist
   * @throws BackendError `BACKEND_KEY_ORDER` in an append-only bucket, unless the key is greater than all before it
   * @throws RangeError for an empty key, one of more than 32,768 bytes, or a value of 2 GiB (what BoltDB can hold)
   */
  put(bucket: Bucket, key: Uint8Array, value: Uint8Array): void;
  /**
   * As `put`, and copies nothing: the key is `block` from `start` to `keyEnd`, the value goes on from there to `end`. Lent until
   * `holds` denies it: nobody changes these bytes before, also if the section is undone. The engine may write to the `room` around them
   * (`Backend.room`), which is the row's alone. What is read of a small value later is a copy; a long one is a view of the block.
   * @throws as `put`; RangeError for a place that does not lie in the block with its room
   */
  putLent(bucket: Bucket, block: Uint8Array, start: number, keyEnd: number, end: number): void;
  /** Removes the row; a missing one is fine. Copies the key. @throws BackendError `BACKEND_NO_BUCKET` */
  delete(bucket: Bucket, key: Uint8Array): void;
}

export interface BackendOptions {
  /** Changes that make a commit start by itself. @default 10_000 */
  readonly batchLimit?: number | undefined;
  /**
   * Longest time that a finished section waits for its commit to start, in milliseconds; a program that ends by itself commits
   * before it ends. What ends it at once (`process.exit`, a signal, a crash) loses what waits. @default 100
   */
  readonly batchIntervalMs?: number | undefined;
  /**
   * Runs as the last section of every commit, also of one that `forceCommit`, `defrag` or `close` asks for; never over an
   * engine that is open for reading only. If it throws, the commit has failed. It must not ask for a commit: a `preCommit` that
   * calls `forceCommit` commits for ever.
   */
  readonly preCommit?: ((tx: BatchTx) => void) | undefined;
  /** Clock and randomness, for tests: `@varve/base/world`. @default Node's */
  readonly world?: World | undefined;
}

export interface Backend extends AsyncDisposable {
  /** Reads the finished state of this moment. The transaction ends when `body` returns. Costs next to nothing. */
  readTx<T>(body: (tx: ReadTx) => T): T;
  /**
   * Runs `body` as the writer. It sees its own changes; nobody else does before it returns, and if it throws nobody
   * ever does. It must be synchronous.
   * @throws BackendError `BACKEND_NESTED` inside another section; `BACKEND_FAILED`, `BACKEND_CLOSED`, `BACKEND_READ_ONLY`
   * @throws TypeError when `body` returns a promise; the section is undone
   */
  batchTx<T>(body: (tx: BatchTx) => T): T;
  /** Pins the finished state of this moment. @throws BackendError `BACKEND_NESTED` inside a section */
  concurrentReadTx(): ConcurrentReadTx;
  /** Names of the buckets of the finished state, in byte order. @throws BackendError `BACKEND_NESTED` inside a section */
  buckets(): readonly string[];
  /**
   * Resolves at once unless commits lag behind; await it before a section. Rejects with what `batchTx` would throw: a caller
   * that still waits when the backend closes gets `BACKEND_CLOSED`, and has written nothing.
   */
  admit(): Promise<void>;
  /**
   * True when `admit()` would resolve at once, which saves the await. Now and then it is false although nothing lags, so that
   * a tight loop of writes gives the event loop a turn.
   */
  readonly admitting: boolean;
  /**
   * Resolves when every section that finished before the call is durable. Callers share one commit.
   * Rejects with `BACKEND_FAILED` (cause: what the engine said) or `BACKEND_CLOSED`.
   */
  forceCommit(): Promise<void>;
  /**
   * The number of the commit that a section finishing now will be in. Commits that have something to write are numbered
   * from 1, in order; sections between which this stays the same become durable together.
   */
  readonly nextCommit: number;
  /**
   * Everything finished, as one BoltDB file (commits first): the state of that commit, which starts at the call or, when
   * one is under way, after it. Writers go on meanwhile. Dispose it or read it to its end.
   */
  snapshot(options?: { readonly signal?: AbortSignal | undefined }): Promise<Snapshot>;
  /**
   * CRC-32C over the committed state, bucket by bucket in the order of their names, as etcd computes it.
   * @param ignore rows to leave out; absent: none
   */
  hash(ignore?: (bucket: string, key: Uint8Array) => boolean): Promise<number>;
  /** Commits, then gives the space of deleted rows back. Sections go on meanwhile; at most, writers wait in `admit()`. */
  defrag(): Promise<void>;
  /** Whether `find` is less work than `get` for each: the engine has a way of its own. */
  readonly readsTogether: boolean;
  /** What `putLent` leaves free around a row's key and value. */
  readonly room: Room;
  /**
   * Whether bytes of a block that was lent (`BatchTx.putLent`) may still be looked at: by a commit that is to come, by a reader, by whoever was
   * given a view of them here. False: its owner may write to it again. Same tick.
   */
  holds(block: Uint8Array): boolean;
  /** Bytes on the medium, sampled after each commit and defrag. */
  readonly size: number;
  /** The part of `size` that holds rows. */
  readonly sizeInUse: number;
  /** Concurrent read transactions and snapshots that are open now. */
  readonly openReadTxN: number;
  /** Commits that reached the medium since opening. */
  readonly commits: number;
  /** False where a commit does not survive the process (memory). */
  readonly durable: boolean;
  /**
   * Files beside the store, where the engine has them: not part of it, of no commit, and in no snapshot. Calls that are under way when
   * the backend closes end with `BACKEND_CLOSED`, and so do later ones; a wrong name is a TypeError.
   */
  readonly aside: Aside | undefined;
  /** True where nothing can be written: the engine is open for reading only. */
  readonly readOnly: boolean;
  /** What was repaired or dropped while opening, one sentence each. */
  readonly warnings: readonly string[];
  /** Aborts when a commit has failed, with the `BACKEND_FAILED` error as its reason: for those who wait for nothing else. */
  readonly failure: AbortSignal;
  /**
   * Commits every section that finished before the call, then closes the engine; open readers and snapshots end.
   * Idempotent; every other call afterwards gets `BACKEND_CLOSED`. Rejects with `BACKEND_FAILED`, with everything closed, when a
   * commit failed and no call has said so yet.
   */
  close(): Promise<void>;
}
