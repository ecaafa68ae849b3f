/**
 * The contract of varve as its users meet it: typed keys and values over revisions, on one machine or on a cluster.
 *
 * K1  A resolved write is durable, with `durability: 'commit'` (law 1), and every read that starts afterwards sees it.
 * K2  Reads answer from one revision each (law 2); `at(revision)` chooses it.
 * K3  Arguments are checked as a whole before anything happens; a refused call changes nothing.
 * K4  Bytes that come out are the caller's own; bytes that go in may be changed as soon as the call has returned.
 * K5  A `Kv` may be a cluster: everything that could need a round trip is a promise or an async iterable. What only a
 *     store in this process can do is in `EmbeddedKv` (decision 10).
 *
 * Wrong arguments are `TypeError` or `RangeError` with code `KV_INVALID`. Errors of the layers below keep their codes:
 * reads below the compacted revision end with `MVCC_COMPACTED` (its `compactRevision` is the oldest that can be read),
 * reads above the present with `MVCC_FUTURE_REVISION`, everything after a failed commit with `BACKEND_FAILED`.
 *
 * etcd: the client API of clientv3 (KV, Watch, Maintenance).
 */
import type { Compaction, HashResult, Snapshot, StoreMetrics, WatchStats } from '@varve/watch';
import type { Codec } from './codec.ts';
import type { Op, Txn, TxnResult } from './operations.ts';

/** Which keys. `{}` is all of them; bounds are compared as encoded bytes. */
export type Range<K> =
  /** Keys that begin with `prefix`. */
  | { readonly prefix: K; readonly start?: undefined; readonly end?: undefined }
  /** Keys from `start` on (the first key, if absent) up to and without `end` (to the last key, if absent). */
  | { readonly prefix?: undefined; readonly start?: K | undefined; readonly end?: K | undefined };

/** One key, or a range of keys. A plain object is a range, anything else a key. */
export type Selector<K> = K | Range<K>;

/** A key as one revision left it. */
export interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  /** Changes since its creation, from 1. */
  readonly version: number;
  /** Revision that created it. */
  readonly createRevision: number;
  /** Revision of its last change. */
  readonly modRevision: number;
  /** Lease it is attached to; 0n for none. */
  readonly lease: bigint;
}

/** A key was written. */
export interface PutEvent<K, V> extends Entry<K, V> {
  readonly type: 'put';
  /** The revision of this change, as `modRevision`. */
  readonly revision: number;
  /** The key before this revision, for watches that asked; absent for creations and where it is compacted. */
  readonly previous?: Entry<K, V> | undefined;
}

/** A key was deleted. */
export interface DeleteEvent<K, V> {
  readonly type: 'delete';
  readonly key: K;
  /** Never there; named so that `event.value` may be asked of any event. */
  readonly value?: undefined;
  readonly revision: number;
  /** The key before this revision, for watches that asked; absent where it is compacted. */
  readonly previous?: Entry<K, V> | undefined;
}

export type KvEvent<K, V> = PutEvent<K, V> | DeleteEvent<K, V>;

export interface SignalOptions {
  /** Aborting rejects with the signal's own reason. A write that has begun is finished all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends SignalOptions {
  /** At most so many entries. @default all */
  readonly limit?: number | undefined;
}

export interface PageOptions extends SignalOptions {
  /** Entries a page, from 1. @default 100 */
  readonly limit?: number | undefined;
  /** `next` of the page before; reads on at that page's revision. @default the first page */
  readonly cursor?: string | undefined;
  /** Count all entries of the range, too. @default false */
  readonly total?: boolean | undefined;
}

export interface Page<K, V> {
  readonly entries: readonly Entry<K, V>[];
  /** The revision that was read, the same for all pages of one walk. */
  readonly revision: number;
  /** Opaque text that leads to the next page of the same range; absent on the last one. */
  readonly next?: string | undefined;
  /** Entries in the whole range, if asked for. */
  readonly total?: number | undefined;
}

/** Reads. Each call answers from one revision. */
export interface Reader<K, V> {
  /** The entry of a key, or `undefined`. @throws KvError `KV_DECODE` */
  get(key: K, options?: SignalOptions): Promise<Entry<K, V> | undefined>;
  /**
   * The entries of a range in byte order of their keys, all of one revision: the present one when the first entry is asked
   * for. Read page by page below; holds nothing, so leaving early is free and a slow reader may meet `MVCC_COMPACTED`.
   */
  list(range: Range<K>, options?: ListOptions): AsyncIterable<Entry<K, V>>;
  /**
   * A part of a range, and how to go on. A cursor outlives the process: it ends only when its revision is compacted.
   * @throws TypeError `KV_INVALID` for a cursor of another range
   */
  page(range: Range<K>, options?: PageOptions): Promise<Page<K, V>>;
  /** How many keys the range holds. */
  count(range: Range<K>, options?: SignalOptions): Promise<number>;
}

export interface PutOptions extends SignalOptions {
  /** Answer with the entry that was replaced. @default false */
  readonly previous?: boolean | undefined;
}

export interface PutResult<K, V> {
  /** The revision this put made. */
  readonly revision: number;
  /** What was replaced, if asked for; absent when the key is new. */
  readonly previous?: Entry<K, V> | undefined;
}

export interface DeleteOptions extends SignalOptions {
  /** Answer with the entries that were deleted. @default false */
  readonly previous?: boolean | undefined;
}

export interface DeleteResult<K, V> {
  /** The revision this deletion made, or the one it found when there was nothing to delete. */
  readonly revision: number;
  /** How many keys were deleted. */
  readonly deleted: number;
  /** What was deleted, in byte order of the keys, if asked for. */
  readonly previous?: readonly Entry<K, V>[] | undefined;
}

/** Reads and buffered writes of one attempt of `transaction`. Of no use once the body has returned. */
export interface Transaction<K, V> {
  /** The revision that this attempt reads. */
  readonly revision: number;
  /** A key, own writes included (those with `version`, `createRevision` and `modRevision` 0). */
  get(key: K): Promise<Entry<K, V> | undefined>;
  /** The entries of a range, own writes included. What appears in it or leaves it meanwhile counts as a change, too. */
  list(range: Range<K>): Promise<readonly Entry<K, V>[]>;
  /** Buffered until the body returns; the last change of a key counts. */
  put(key: K, value: V): void;
  /** Buffered until the body returns. */
  delete(key: K): void;
}

export interface TransactionOptions extends SignalOptions {
  /** Runs of the body before it gives up with `KV_CONFLICT`. @default 1000 */
  readonly attempts?: number | undefined;
}

export interface TransactionResult<T> {
  /** What the body returned in the attempt that counted. */
  readonly value: T;
  /** The revision the transaction made, or the one it read when it changed nothing. */
  readonly revision: number;
  /** Runs of the body, from 1. */
  readonly attempts: number;
}

export interface HistoryOptions extends SignalOptions {
  /** First revision wanted. @default the oldest that is retained */
  readonly from?: number | undefined;
}

export interface WatchOptions extends SignalOptions {
  /** First revision wanted: the past is read from history, the future is waited for. @default the next one */
  readonly from?: number | undefined;
  /** Give the present state first, as puts, and then everything after it: no gap, no repetition. Not with `from`. */
  readonly initial?: boolean | undefined;
  /** Deliver `previous` with each event. @default false */
  readonly previous?: boolean | undefined;
  /** Leave out the other kind. @default both */
  readonly only?: 'put' | 'delete' | undefined;
  /** While nothing happens, `batches()` gives an empty batch after each such time. @default never */
  readonly progressIntervalMs?: number | undefined;
}

/** All changes of one revision that the watch is about. */
export interface WatchBatch<K, V> {
  /** The revision of these changes. Of an `initial` batch: the revision whose state it is part of. */
  readonly revision: number;
  /** In the order of the transaction. Empty in a bookmark: everything up to `revision` has been handed out. */
  readonly events: readonly KvEvent<K, V>[];
  /** Part of the state that `initial` asked for; a bookmark follows the last part. */
  readonly initial: boolean;
}

/**
 * Events as they are pulled: in revision order, each once, until compaction, `close` or the signal ends it (law 4).
 * Single consumer: either `for await` over it, or over `batches()`, once. Leaving the loop ends the watch.
 * A start that is compacted, also in the middle, ends it with `MVCC_COMPACTED`: go on with `from: error.compactRevision`,
 * or with `initial`. An aborted signal ends it with the signal's reason; closing the store ends it without error.
 */
export interface Watch<K, V> extends AsyncIterable<KvEvent<K, V>>, AsyncDisposable {
  /** The same, grouped by revision. */
  batches(): AsyncIterable<WatchBatch<K, V>>;
  /**
   * Everything at or below has been handed out, the present event included: `from: revision + 1` goes on without gap or
   * repetition. 0 until then, and while the initial state is being given.
   */
  readonly revision: number;
  /** The revision that was present when the watch began. On a cluster, await it before a write that shall be seen. */
  started(): Promise<number>;
  /** Ends the watch; a pending pull ends without event. Idempotent. */
  close(): Promise<void>;
}

export interface NamespaceOptions<V> {
  /** How values of the namespace are stored. @default as outside */
  readonly value?: Codec<V> | undefined;
}

export interface CompactOptions extends SignalOptions {
  /** Resolve when the old records are gone from the store, not when the decision is durable. @default false */
  readonly physical?: boolean | undefined;
}

export interface CompactResult {
  /** The oldest revision that can be read from now on. */
  readonly revision: number;
}

export interface Status {
  /** The present revision; 1 in a new store. */
  readonly revision: number;
  /** The oldest revision that can be read; 0 where nothing was compacted. */
  readonly compactRevision: number;
  /** Bytes on the medium. */
  readonly size: number;
  /** The part of `size` that holds data. */
  readonly sizeInUse: number;
}

/** A key-value store with history. Open one with `open()`. */
export interface Kv<K = string, V = string> extends Reader<K, V>, AsyncDisposable {
  /**
   * Writes a key.
   * @throws KvError `KV_TOO_LARGE`, `KV_ENCODE`; TypeError `KV_INVALID` for an empty key or a wrong type
   */
  put(key: K, value: V, options?: PutOptions): Promise<PutResult<K, V>>;
  /**
   * Deletes a key, or all keys of a range. Nothing to delete is fine, and makes no revision.
   * One transaction, so in an embedded store one piece of work: 100,000 keys hold the event loop for about a second.
   * Where others must be served meanwhile, delete in pages.
   */
  delete(key: Selector<K>, options?: DeleteOptions): Promise<DeleteResult<K, V>>;
  /**
   * Carries out `then` if every condition holds, else `else`, as one revision.
   * Both branches are checked before anything runs, nested transactions included.
   * @throws KvError `KV_DUPLICATE_KEY` when a branch puts a key twice, or puts one that it deletes (D8)
   * @throws KvError `KV_TOO_LARGE` for more operations or deeper nesting than the limits
   */
  txn<const Then extends readonly Op<K, V>[] = readonly [], const Else extends readonly Op<K, V>[] = readonly []>(
    txn: Txn<K, V, Then, Else>,
    options?: SignalOptions,
  ): Promise<TxnResult<K, V, Then, Else>>;
  /**
   * Runs `body` against one revision, buffers its writes and commits them if nothing it read has changed meanwhile;
   * otherwise runs it again. It may run several times: keep other effects out of it. If it throws, nothing is written.
   * @throws KvError `KV_CONFLICT` after `attempts` runs
   */
  transaction<T>(
    body: (tx: Transaction<K, V>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<TransactionResult<T>>;
  /** The store as `revision` left it. @throws RangeError `KV_INVALID` for anything but an integer from 1 */
  at(revision: number): Reader<K, V>;
  /**
   * All retained changes of one key up to the present, oldest first; of one revision only the last.
   * Ends with `MVCC_COMPACTED` when `from` is given and compacted.
   */
  history(key: K, options?: HistoryOptions): AsyncIterable<KvEvent<K, V>>;
  /**
   * Follows a key or a range, from any revision that is retained. Begins with the call, not with the first pull.
   * A failed commit ends it with `BACKEND_FAILED`, and refuses new ones.
   */
  watch(key: Selector<K>, options?: WatchOptions): Watch<K, V>;
  /**
   * The keys that begin with `prefix`, without it, as a `Kv` of their own.
   * A view: closing it does nothing; `compact` and `status` speak of the whole store.
   */
  namespace<W = V>(prefix: K, options?: NamespaceOptions<W>): Kv<K, W>;
  /**
   * Gives up history below `revision`: reads below end with `MVCC_COMPACTED` from now on, answers at or above it never
   * change (law 5).
   * @throws MvccError `MVCC_COMPACTED` at or below the compacted revision, `MVCC_FUTURE_REVISION` above the present
   */
  compact(revision: number, options?: CompactOptions): Promise<CompactResult>;
  status(options?: SignalOptions): Promise<Status>;
  /**
   * Makes finished writes durable, ends watches, gives everything back. Idempotent; later calls get `..._CLOSED`.
   * Rejects when a commit failed, then or before; everything is given back all the same.
   */
  close(): Promise<void>;
}

/** The one writer, inside its section: everything is in the same tick, reads see its own writes. */
export interface WriteSection<K, V> {
  /** The revision before this transaction. */
  readonly revision: number;
  get(key: K): Entry<K, V> | undefined;
  /** In one piece, so keep it small. */
  list(range: Range<K>, options?: { readonly limit?: number | undefined }): readonly Entry<K, V>[];
  count(range: Range<K>): number;
  put(key: K, value: V): void;
  /** Returns how many keys were deleted. */
  delete(key: Selector<K>): number;
}

/** `T`, unless it is a promise: what is awaited inside a section would run outside of it. */
export type Synchronous<T> = T extends PromiseLike<unknown> ? never : T;

export interface WriteResult<K, V, T> {
  /** What the body returned. */
  readonly value: T;
  /** The revision it made, or the one it found when it changed nothing. */
  readonly revision: number;
  /** What it changed, in order; decoded by the call. */
  events(): readonly KvEvent<K, V>[];
}

export interface BackupProgress {
  readonly writtenBytes: number;
  readonly totalBytes: number;
}

export interface BackupOptions extends SignalOptions {
  /** Called after each chunk. What it throws ends the backup. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
}

export interface BackupResult {
  readonly path: string;
  /** Bytes of the file, trailing hash included. */
  readonly size: number;
}

export interface Stats extends Status {
  /** False where nothing outlives the process (memory). */
  readonly durable: boolean;
  /** True where every write is refused with `BACKEND_READ_ONLY`: a file opened so. */
  readonly readOnly: boolean;
  /** What was repaired or dropped while opening, one sentence each. */
  readonly warnings: readonly string[];
  /** Commits that reached the medium since opening. */
  readonly commits: number;
  /** States held for reading now; 0 when nobody scans. */
  readonly openReads: number;
  readonly watch: WatchStats;
  /** Counters of the store under etcd's names. */
  readonly metrics: StoreMetrics;
}

/** A store in this process. */
export interface EmbeddedKv<K = string, V = string> extends Kv<K, V> {
  /** The present revision, same tick. */
  readonly revision: number;
  /**
   * Runs `body` as one transaction in one synchronous section: no other writer, no await.
   * If it throws, nothing of it remains and the error is passed on as it is (law 3).
   * @throws TypeError when `body` returns a promise; BackendError `BACKEND_NESTED` inside another section
   */
  write<T>(
    body: (section: WriteSection<K, V>) => Synchronous<T>,
    options?: SignalOptions,
  ): Promise<WriteResult<K, V, T>>;
  /** As `Kv.compact`; the answer tells how far the work is. */
  compact(revision: number, options?: CompactOptions): Promise<Compaction>;
  namespace<W = V>(prefix: K, options?: NamespaceOptions<W>): EmbeddedKv<K, W>;
  /**
   * Writes everything, history included, to a new file that etcd's tools accept as a snapshot: a BoltDB file and its
   * SHA-256. The target has its name only when it is whole and durable; writers go on meanwhile.
   * @throws KvError `KV_EXISTS` when the target exists, `KV_BACKUP` when it cannot be written
   */
  backup(path: string, options?: BackupOptions): Promise<BackupResult>;
  /** The BoltDB file of `backup` as a stream, without the hash. Dispose it if you do not read it to its end. */
  snapshot(options?: SignalOptions): Promise<Snapshot>;
  /** Gives the space of deleted records back to the medium. */
  defrag(): Promise<void>;
  stats(): Stats;
  /** Hash of the history up to a revision, 0 for the present one: equal histories have equal hashes (law 6). */
  hashByRev(revision?: number, options?: SignalOptions): Promise<HashResult>;
  /** Resolves when everything written so far may be relied on: at once with `durability: 'interval'`. */
  settled(): Promise<void>;
  /** Makes everything written so far durable, whatever the durability option. */
  commit(): Promise<void>;
}
