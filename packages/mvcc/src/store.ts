/**
 * The contract of the store: a key space in which every transaction makes a revision and every revision can be read
 * until it is compacted.
 *
 * STE1  One write transaction is one synchronous section and makes one revision, or none when it changes nothing (law 3).
 * STE2  There is a newest finished revision, at which writers work, and a visible one, at which everybody else reads.
 *     With `durability: 'commit'` a finished revision becomes visible when it is durable (law 1); with `'interval'` at
 *     once.
 * STE3  A revision reads the same until it is compacted, then every read of it ends with `MVCC_COMPACTED` (laws 2, 5).
 * STE4  A key's records are etcd's bytes; equal histories have equal hashes (law 6).
 *
 * etcd: server/storage/mvcc/kv.go, kvstore.go (spec sections 6 to 13). Departs: D1 to D9; leases are attached by the
 * layer above, from what `write` returns.
 */
import type { World } from '@varve/base/world';
import type { Backend, BatchTx, Bucket, Entry, ScanOptions, Snapshot } from '@varve/backend';
import type { RangeEnd } from '@varve/index';
import type { ObserverFactory } from './observer.ts';

/** A key as one revision left it. Bytes are shared with the store's cache: do not write to them. */
export interface KeyValue {
  readonly key: Uint8Array;
  /** Empty in a deletion. */
  readonly value: Uint8Array;
  /** Revision that created the key; 0 in a deletion. */
  readonly createRevision: number;
  /** Revision of this change. */
  readonly modRevision: number;
  /** Changes since the creation, from 1; 0 in a deletion. */
  readonly version: number;
  /** Lease the key is attached to; 0n for none. */
  readonly lease: bigint;
}

/** One change of a transaction. Frozen: all who hear of it get the same object. */
export interface Change {
  readonly type: 'put' | 'delete';
  /** A deletion has `key` and `modRevision`, everything else empty or zero. */
  readonly kv: KeyValue;
}

export interface RangeOptions {
  /** Read the state after this revision; 0 or absent: the present. */
  readonly revision?: number | undefined;
  /** At most so many; 0 or absent: all. Ignored for a single key. */
  readonly limit?: number | undefined;
  /** Count only: no key-values, no limit. @default false */
  readonly countOnly?: boolean | undefined;
  /** Leave out values and leases: answered from the index alone. @default false */
  readonly keysOnly?: boolean | undefined;
  /** Make `count` the number of matches, whatever the limit. @default false */
  readonly withTotal?: boolean | undefined;
  /** From the last key to the first, so that a limit takes the last ones. @default false */
  readonly reverse?: boolean | undefined;
}

export interface SliceOptions {
  /** Aborting rejects with the signal's own reason, at the next slice. */
  readonly signal?: AbortSignal | undefined;
}

export interface DeleteRangeOptions {
  /** At most so many keys, the first ones in byte order; at least 1. For large ranges, page by page. @default all */
  readonly limit?: number | undefined;
}

export interface DeleteRangeResult {
  readonly deleted: number;
  /** With `limit`: whether it left live keys of the range. */
  readonly more?: boolean | undefined;
  /** The current revision after the deletion. */
  readonly revision: number;
}

export interface HistoryOptions {
  /** First revision wanted. @default 0: the oldest that is retained */
  readonly from?: number | undefined;
  /** At most so many changes; 0 or absent: all. */
  readonly limit?: number | undefined;
}

export interface RangeResult {
  /** In byte order of the keys, or the reverse where that was asked for. */
  readonly kvs: readonly KeyValue[];
  /** Matches: all of them with `withTotal` or `countOnly`, else the number returned. */
  readonly count: number;
  /** The current revision of the transaction that answered, also when an older one was read. */
  readonly revision: number;
}

export interface GetOptions {
  /** Read the state after this revision; 0 or absent: the present. */
  readonly revision?: number | undefined;
  /**
   * Leave out value and lease: answered from the index alone, as comparisons of revisions and versions want it. The key is the
   * array that was asked with. @default false
   */
  readonly keyOnly?: boolean | undefined;
}

/** Reads at one pinned revision. It does not hold compaction back: once the revision is compacted, reads end with `MVCC_COMPACTED`. */
export interface ReadTxn extends Disposable {
  /** The revision this transaction reads at. */
  rev(): number;
  /** The compacted revision when it was opened, 0 for none. */
  firstRev(): number;
  /** One key, same tick. @throws MvccError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION`, `MVCC_CORRUPT`, `MVCC_CLOSED` */
  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined;
  /** A range, in slices. Errors as `get`. */
  range(key: Uint8Array, end: RangeEnd, options?: RangeOptions & SliceOptions): Promise<RangeResult>;
  /** The same in this tick, so keep it small: set a limit. */
  rangeNow(key: Uint8Array, end: RangeEnd, options?: RangeOptions): RangeResult;
  /** Ends the transaction; calls afterwards throw `MVCC_CLOSED`. Idempotent. */
  end(): void;
}

/** Rows of buckets the store does not own, in the same commit as the transaction's own. @throws TypeError for a bucket of the store's */
export interface RowsTx extends Pick<BatchTx, 'get' | 'put' | 'delete' | 'createBucket' | 'deleteBucket'> {}

/** Reads rows of buckets the store does not own, as writers see them: what has finished, durable or not. */
export interface Rows {
  /** The value, or `undefined`. Same tick; the bytes are shared, as `ReadTx.get` says. @throws MvccError `MVCC_CLOSED`; TypeError for a bucket of the store's */
  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined;
  /**
   * Rows in byte order, in non-empty chunks, of the state in which the iteration begins. A bucket that does not exist has none.
   * @throws as `get`; MvccError `MVCC_CLOSED` also when the store is closed or moved to other data meanwhile
   */
  scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]>;
}

/** The one writer, inside its section. It ends with the section: later calls throw `MVCC_CLOSED`. */
export interface WriteTxn {
  /** The revision before this transaction, also after changes. */
  rev(): number;
  /** The compacted revision, 0 before any compaction. */
  firstRev(): number;
  /** Sees this transaction's changes; once there is a change, the revision to read may be the one that it makes. */
  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined;
  /** As `get`, for a range; synchronous, so keep it small. */
  range(key: Uint8Array, end: RangeEnd, options?: RangeOptions): RangeResult;
  /**
   * Puts a key; copies both arrays. Returns the revision this transaction makes.
   * @throws RangeError for an empty key; TypeError for anything but bytes
   */
  put(key: Uint8Array, value: Uint8Array, lease?: bigint): number;
  /**
   * Deletes the live keys of the range, in byte order.
   * @throws MvccError `MVCC_TOO_LARGE` when the ranges of this section hold more keys than `maxDeletes`; the call has deleted
   * none. Delete page by page, each in a section of its own: with `limit`, as long as the result says `more`
   */
  deleteRange(key: Uint8Array, end?: RangeEnd, options?: DeleteRangeOptions): DeleteRangeResult;
  /**
   * Whether a key of the range was put or deleted after `revision`, this transaction's own changes included. An optimistic
   * transaction asks this before it writes. Reads no record, and where few revisions have passed not even the index.
   * @throws MvccError `MVCC_COMPACTED` when it is not known any more; `MVCC_FUTURE_REVISION`
   */
  changedSince(revision: number, key: Uint8Array, end?: RangeEnd): boolean;
  /** The changes so far, in order. */
  changes(): readonly Change[];
  /** Rows of other layers, written in the same commit as this transaction. */
  readonly rows: RowsTx;
  /**
   * Records which entry of a log above this store was applied last; makes no revision.
   * Returns false, and changes nothing, for an index that is not greater than the stored one.
   */
  setAppliedIndex(index: bigint, term: bigint): boolean;
}

/** What a finished section leaves. Writers see it at once, everybody else when it is `settled`. */
export interface Finished<T> {
  /** What the body returned. */
  readonly value: T;
  /** The revision it made, or the one it found when it changed nothing. */
  readonly revision: number;
  /** In execution order: sub-revision 0, 1, 2 ... */
  readonly changes: readonly Change[];
}

export interface HashResult {
  /** CRC-32C, unsigned. */
  readonly hash: number;
  /** The compacted revision the hash was taken over, 0 for none (etcd: -1); hashes compare only where this is equal, too. */
  readonly compactRevision: number;
  /** The revision hashed up to. */
  readonly revision: number;
  readonly currentRevision: number;
}

/** A compaction that was accepted and is durable; the work goes on in the background. */
export interface Compaction {
  /** The oldest revision that can be read since. */
  readonly revision: number;
  /** Records looked at and removed so far. */
  readonly progress: { readonly scanned: number; readonly removed: number };
  /** Resolves after the last batch. Rejects with `MVCC_CLOSED` when the store closes first; the next opening finishes it. */
  finished(): Promise<void>;
}

/** One live key that carries a lease, as found by the restore. */
export interface LeaseAttachment {
  readonly key: Uint8Array;
  readonly lease: bigint;
}

/** Counters and gauges of one store, under etcd's metric names without their prefix. */
export type StoreMetrics = Readonly<Record<string, number>>;

export interface RestoreProgress {
  /** Records read so far. */
  readonly records: number;
  /** Revision of the newest of them. */
  readonly revision: number;
}

/** How a history came to be in memory. */
export interface Opened {
  /** Records that were read: the newer ones, where there was a checkpoint. */
  readonly records: number;
  /** Revision of the index checkpoint that was used; absent: everything was read. */
  readonly checkpoint?: number | undefined;
  /** Why no checkpoint was used, in some words. */
  readonly reason?: string | undefined;
}

export interface StoreOptions {
  /**
   * When a finished transaction may be seen and acknowledged: after its commit, or at once. With `'interval'`, a program that
   * ends by itself first commits what was acknowledged; `process.exit`, a signal and a crash lose what is not committed
   * yet. @default 'commit'
   */
  readonly durability?: 'commit' | 'interval' | undefined;
  /** Memory for records that were read or written lately, in bytes, everything included. @default 64 MiB */
  readonly cacheBytes?: number | undefined;
  /** Records per compaction batch. @default 256: about a millisecond */
  readonly compactionBatchLimit?: number | undefined;
  /** Pause after each compaction batch, in milliseconds from its commit. @default as long as the batch took, if others need the time */
  readonly compactionPauseMs?: number | undefined;
  /**
   * How many keys the range deletions of one section may delete: this is done in one step, in which nothing else
   * runs. @default 20_000: 50 to 200 milliseconds
   */
  readonly maxDeletes?: number | undefined;
  /** Records per chunk while the index is rebuilt. @default 10_000 */
  readonly restoreChunkLimit?: number | undefined;
  /**
   * Read every record, whatever checkpoint of the index there is. @default false
   */
  readonly verify?: boolean | undefined;
  /**
   * The store holds a part of another one's history, under that one's revisions: most of them may be missing, and `writeAt` and `advance`
   * say which come next. Its history has no hash. @default false
   */
  readonly sparse?: boolean | undefined;
  /**
   * The index is saved beside the store, where the engine has a place for it, so that the next opening reads only newer records: after so
   * many changes, if they are half as many as there are keys, and with fewer at close and after compactions (an eighth of the keys, and
   * 10,000, where this is not less). 0: never. @default 1_000_000
   */
  readonly checkpointEvery?: number | undefined;
  /** Who hears of what happens in the store, in this order. @default none */
  readonly observers?: readonly ObserverFactory[] | undefined;
  /** Called after each chunk of a restore. */
  readonly onRestoreProgress?: ((progress: RestoreProgress) => void) | undefined;
  /** The clock, for tests: `@varve/base/world`. @default Node's */
  readonly world?: World | undefined;
}

export interface Store extends AsyncDisposable {
  /** The visible revision; 1 in a new store. */
  rev(): number;
  /** The compacted revision, 0 before any compaction. */
  firstRev(): number;
  /** The newest finished revision; ahead of `rev()` while commits are under way. */
  finishedRev(): number;
  /** As the option. */
  readonly durability: 'commit' | 'interval';
  /** How the present data were opened. */
  readonly opened: Opened;

  /** One key at the visible revision or an older one, same tick. @throws MvccError as `ReadTxn.get` */
  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined;
  /**
   * A range at one revision. Large ones are read in slices, and end with `MVCC_COMPACTED` when compaction overtakes them.
   * One of up to 256 keys is answered in the same tick, its promise resolved already: a loop that awaits nothing else
   * lets no timer and no I/O run.
   */
  range(key: Uint8Array, end: RangeEnd, options?: RangeOptions & SliceOptions): Promise<RangeResult>;
  /**
   * The retained changes of a key up to the visible revision, oldest first, one per revision. Same tick, so set a limit
   * where a key may have many, and go on from the revision after the last one.
   * @throws MvccError `MVCC_COMPACTED` when `from` is below the compacted revision, as `range` and `changes` do
   */
  history(key: Uint8Array, options?: HistoryOptions): readonly Change[];
  /**
   * All retained changes of the revisions from `from` on and below `to`, in order. They come in chunks of `chunkSize` changes
   * (1000 unless told); no revision is split over two chunks, and a chunk has fewer changes where these are large, or where
   * reading goes over from the medium to memory.
   * @throws MvccError `MVCC_COMPACTED` when `from` is below the compacted revision, also when compaction overtakes it
   */
  changes(
    from: number,
    to: number,
    options?: SliceOptions & { readonly chunkSize?: number | undefined },
  ): AsyncIterable<readonly Change[]>;
  /** Pins a revision: the visible one, or an older one. */
  read(options?: Pick<GetOptions, 'revision'>): ReadTxn;

  /**
   * Runs `body` as one transaction, in one synchronous section.
   * If it throws, nothing of it remains, and the error is passed on as it is.
   * A key may be changed more than once: each is a change of the same revision, and watchers see them all. Once the store is compacted
   * at that very revision, its history has the last of them only.
   * @throws MvccError `MVCC_CLOSED`; BackendError `BACKEND_FAILED`, `BACKEND_NESTED`; TypeError when `body` returns a promise
   */
  write<T>(body: (txn: WriteTxn) => T): Finished<T>;
  /**
   * As `write`, in a sparse store: the transaction of `revision`. Those between the newest one and it have changed nothing here. When the body
   * changes nothing, neither has this one.
   * @throws RangeError for a revision that is not above `finishedRev()`; TypeError in a store that is not sparse
   */
  writeAt<T>(revision: number, body: (txn: WriteTxn) => T): Finished<T>;
  /** Everything up to `revision` is here: it has changed nothing, nor have those before it that are missing. @throws as `writeAt` */
  advance(revision: number): void;
  /** A transaction of one put; returns its revision. */
  put(key: Uint8Array, value: Uint8Array, lease?: bigint): number;
  /** A transaction of one deletion. @throws MvccError `MVCC_TOO_LARGE` as `WriteTxn.deleteRange` */
  deleteRange(key: Uint8Array, end?: RangeEnd, options?: DeleteRangeOptions): DeleteRangeResult;
  /**
   * Await it before a write when `admitting` is false: commits lag behind. A caller that still waits when the store closes gets
   * `MVCC_CLOSED` and has written nothing: await such writes before you close.
   */
  admit(): Promise<void>;
  /** False while commits lag behind: `admit()` then tells when it is true again. */
  readonly admitting: boolean;
  /**
   * Resolves when everything finished before the call may be acknowledged: durable and visible with `'commit'`, at once
   * with `'interval'`. All callers of one commit share one promise. Rejects with `BACKEND_FAILED`.
   */
  settled(): Promise<void>;
  /** Makes everything that was finished before the call durable and visible, whatever the durability option. */
  commit(): Promise<void>;

  /**
   * Accepts compaction at `revision`: when the promise resolves the decision is durable and every read below answers
   * `MVCC_COMPACTED`; the records go in the background, one compaction after another.
   * @throws MvccError `MVCC_COMPACTED` at or below the compacted revision, `MVCC_FUTURE_REVISION` above the visible one
   * @throws RangeError below 1
   */
  compact(revision: number): Promise<Compaction>;
  /** Resolves when all compactions accepted so far have ended. */
  compactionBarrier(): Promise<void>;

  /** Hash of the whole backend after a commit; for tests of equal stores. */
  hash(): Promise<{ readonly hash: number; readonly revision: number }>;
  /** Hash of the history up to `revision`, equal to etcd's; 0 or below: up to the current one. */
  hashByRev(revision: number, options?: SliceOptions): Promise<HashResult>;

  /** A BoltDB file of everything finished. */
  snapshot(options?: SliceOptions): Promise<Snapshot>;
  /** Gives space back to the medium. */
  defrag(): Promise<void>;
  /** Swaps the data under the store for that of another backend, which the caller closes later. */
  restore(backend: Backend): Promise<void>;
  /** Keys with a lease, as the last open or restore found them. Held packed: each call makes a new array. */
  readonly leaseAttachments: readonly LeaseAttachment[];
  /** The same, made one by one, for whoever keeps them from then on: the store forgets them with this call. */
  takeLeaseAttachments(): Iterable<LeaseAttachment>;
  /** Reads rows of others, such as leases, of the data that the store has now; a section changes them with `WriteTxn.rows`. */
  readonly rows: Rows;
  /** The applied index and term, both 0n where never set. */
  appliedIndex(): { readonly index: bigint; readonly term: bigint };
  /** Sizes, counters and warnings of what is below. */
  readonly backend: Pick<
    Backend,
    'size' | 'sizeInUse' | 'openReadTxN' | 'commits' | 'durable' | 'warnings' | 'failure'
  >;
  /** Counters since opening, under etcd's names. */
  readonly metrics: StoreMetrics;

  /**
   * Ends background work, and waits until everything that was finished before is settled. Saves the index where that is worth it. Does not close the backend, in
   * which another store may be opened then. With `'interval'` the backend commits the rest when it closes. Idempotent.
   */
  close(): Promise<void>;
}
