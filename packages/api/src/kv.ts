/**
 * The contract of varve as its users meet it: typed keys and values over revisions, on one machine or on a cluster.
 *
 * KK1  A resolved write is durable, with `durability: 'commit'` (law 1), and every read that starts afterwards sees it.
 * KK2  Reads answer from one revision each (law 2); `at(revision)` chooses it.
 * KK3  Arguments are checked as a whole before anything happens; a refused call changes nothing.
 * KK4  Bytes that come out are the caller's own; bytes that go in may be changed as soon as the call has returned.
 * KK5  Writes take effect in the order of the calls, awaited or not: after `put(a); put(b)` the revision of `b` is the
 *     higher one, and whoever sees `b` sees `a`. One that is refused or aborted does not stop those behind it. What a crash
 *     leaves is a prefix. An optimistic `transaction` takes effect when its body has returned.
 * KK6  Every call gives the event loop a turn once a slice of it is over (law 10): a loop that polls starves nobody.
 * KK7  A `Kv` may be a cluster: everything that could need a round trip is a promise or an async iterable. What only a
 *     store in this process can do is in `EmbeddedKv` of `@varve/kv`.
 * KK8  Where its key and its value do, everything that comes out survives `JSON.stringify`.
 *
 * Wrong arguments are `TypeError` or `RangeError` with code `KV_INVALID`. After `close` it is `KV_CLOSED`, for whatever was
 * opened or begun before, too. Every code there is stands in errors.ts, whichever package throws it:
 * reads below the compacted revision end with `MVCC_COMPACTED` (its `compactRevision` is the oldest that can be read),
 * reads above the present with `MVCC_FUTURE_REVISION`, everything after a failed commit with `BACKEND_FAILED`.
 *
 * etcd: the client API of clientv3 (KV, Watch, Maintenance).
 */
import type { ChangesOptions, Difference, DiffOptions } from './changes.ts';
import type { Codec } from './codec.ts';
import type { LeaseChoice, Leases } from './lease.ts';
import type {
  CountOptions,
  HistoryOptions,
  Items,
  KeysOptions,
  ListOptions,
  PageOptions,
  UndecodableOption,
} from './list-options.ts';
import type { Op, Txn, TxnResult } from './operations.ts';
import type { OptimisticWrites } from './optimistic.ts';
import type { Undoing } from './undo.ts';
import type { CompactOptions, CompactResult, Status } from './upkeep.ts';

/**
 * Which keys. `{}` is all of them; bounds are compared as encoded bytes.
 * With a `prefix` and a bound, both whole keys: the part of the prefix from `start` on, or up to `end`.
 */
export interface Range<K> {
  /** Keys that begin with it. @default every key */
  readonly prefix?: K | undefined;
  /** Keys from it on. Where there is a prefix, it begins with that. @default the first key */
  readonly start?: K | undefined;
  /** Keys up to and without it. Where there is a prefix, it begins with that. @default to the last key */
  readonly end?: K | undefined;
}

/** One key, or a range of keys. A plain object is a range, anything else a key. */
export type Selector<K> = K | Range<K>;

/** A range that names some bound. */
export type BoundedRange<K> = Range<K> & ({ readonly prefix: K } | { readonly start: K } | { readonly end: K });

/** What to delete: one key, a range that names a bound, or everything, which has to be said. */
export type DeleteSelector<K> = K | BoundedRange<K> | { readonly all: true };

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
  /** Lease it is attached to, as the hexadecimal text that etcd's tools print; absent where there is none. */
  readonly lease?: string | undefined;
}

/** What an event of a watch of several selectors says of them. */
export interface Matched {
  /** Which of the selectors the key lies in: their places in `any`, ascending. Only of a watch of `{ any }`. */
  readonly ranges?: readonly number[] | undefined;
}

/** A key was written. */
export interface PutEvent<K, V> extends Entry<K, V>, Matched {
  readonly type: 'put';
  /** The revision of this change, as `modRevision`. */
  readonly revision: number;
  /** The key before this revision, for watches that asked; absent for creations and where it is compacted. */
  readonly previous?: Entry<K, V> | undefined;
}

/** A key was deleted. */
export interface DeleteEvent<K, V> extends Matched {
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

export interface Page<K, V> {
  readonly entries: readonly Entry<K, V>[];
  /** The revision that was read, the same for all pages of one walk. */
  readonly revision: number;
  /**
   * Opaque text that leads to the next page of the same range and direction; absent on the last one. It may be handed out: it tells nothing
   * of what lies outside of the name space.
   */
  readonly next?: string | undefined;
  /** Entries in the whole range, if asked for. */
  readonly total?: number | undefined;
}

/** Reads. Each call answers from one revision. */
export interface Reader<K, V> {
  /** The entry of a key, or `undefined`. @throws KvError `KV_DECODE` */
  get(key: K, options?: SignalOptions): Promise<Entry<K, V> | undefined>;
  /**
   * The entries of some keys, all of one revision, each at the place of its key; `undefined` where there is none. A key may come twice.
   * @throws KvError `KV_DECODE`
   */
  getMany(keys: readonly K[], options?: SignalOptions): Promise<readonly (Entry<K, V> | undefined)[]>;
  /**
   * The entries of a range in byte order of their keys, or with `reverse` from the last to the first, all of one revision: the present one when the first entry is asked
   * for. Read page by page below; holds nothing, so leaving early is free and a slow reader may meet `MVCC_COMPACTED`.
   */
  list(range: Range<K>, options?: ListOptions): Items<Entry<K, V>>;
  /** As `list`, the keys alone: no value is read, unless the order is that of the values. */
  keys(range: Range<K>, options?: KeysOptions): Items<K>;
  /**
   * A part of a range, and how to go on. A cursor outlives the process: it ends only when its revision is compacted.
   * @throws TypeError `KV_INVALID` for a cursor of another range, direction, name space or revision
   */
  page(range: Range<K>, options?: PageOptions): Promise<Page<K, V>>;
  /** How many keys the range holds. With a filter each of them is looked at. */
  count(range: Range<K>, options?: CountOptions): Promise<number>;
}

export interface PutOptions extends SignalOptions, LeaseChoice {
  /** Answer with the entry that was replaced. @default false */
  readonly previous?: boolean | undefined;
}

export interface PutResult<K, V> {
  /** The revision this put made. */
  readonly revision: number;
  /** What was replaced, if asked for; absent when the key is new. */
  readonly previous?: Entry<K, V> | undefined;
  /** With `ttl`: the lease that was granted. */
  readonly lease?: string | undefined;
}

export interface DeleteOptions extends SignalOptions {
  /** Answer with the entries that were deleted. @default false */
  readonly previous?: boolean | undefined;
  /** Delete so many keys of the range at most, the first ones, and tell whether there are more. @default all */
  readonly limit?: number | undefined;
}

export interface DeleteResult<K, V> {
  /** The revision this deletion made, or the one it found when there was nothing to delete. */
  readonly revision: number;
  /** How many keys were deleted. */
  readonly deleted: number;
  /** With a `limit`: whether keys of the range were left. */
  readonly more?: boolean | undefined;
  /** What was deleted, in byte order of the keys, if asked for. */
  readonly previous?: readonly Entry<K, V>[] | undefined;
}

/** Reads and buffered writes of one attempt of `transaction`. Of no use once the body has returned. */
export interface Transaction<K, V, W = V> {
  /** The revision that this attempt reads. */
  readonly revision: number;
  /** A key, own writes included (those with `version`, `createRevision` and `modRevision` 0). */
  get(key: K): Promise<Entry<K, V> | undefined>;
  /** Some keys as `get` has them, each at its place. */
  getMany(keys: readonly K[]): Promise<readonly (Entry<K, V> | undefined)[]>;
  /** The entries of a range, own writes included. What appears in it or leaves it meanwhile counts as a change, too. */
  list(range: Range<K>): Promise<readonly Entry<K, V>[]>;
  /**
   * Buffered until the body returns; the last change of a key counts. Leases are looked for when it is committed: one that is not there
   * then rejects the whole call with `LEASE_NOT_FOUND`.
   */
  put(key: K, value: W, options?: LeaseChoice): void;
  /** Buffered until the body returns. */
  delete(key: K): void;
  /**
   * The same attempt, as another name space of this store sees it: what is read and written there is a part of it.
   * @throws TypeError `KV_INVALID` for a name space of another store
   */
  in<L, X, Y>(namespace: Kv<L, X, Y>): Transaction<L, X, Y>;
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

export interface WatchOptions extends SignalOptions, UndecodableOption {
  /** First revision wanted: the past is read from history, the future is waited for. @default the next one */
  readonly from?: number | undefined;
  /** Give the present state first, as puts, and then everything after it: no gap, no repetition. Not with `from`. @default false */
  readonly initial?: boolean | undefined;
  /** Deliver `previous` with each event. @default false */
  readonly previous?: boolean | undefined;
  /** Leave out the other kind. @default both */
  readonly only?: 'put' | 'delete' | undefined;
  /** While nothing happens, `batches()` gives an empty batch after each such time. @default never */
  readonly progressIntervalMs?: number | undefined;
  /**
   * When history that the watch needs is compacted, list the present state again and go on after it, instead of ending with
   * `MVCC_COMPACTED`. Read it as `batches()`, which say so: an empty batch with `resync` begins the new state, and what is not
   * in it is gone. @default false
   */
  readonly resync?: boolean | undefined;
}

/** All changes of one revision that the watch is about. */
export interface WatchBatch<K, V> {
  /** The revision of these changes. Of an `initial` batch: the revision whose state it is part of. */
  readonly revision: number;
  /** In the order of the transaction. Empty in a bookmark: everything up to `revision` has been handed out. */
  readonly events: readonly KvEvent<K, V>[];
  /** Part of the state that `initial` or `resync` asked for; a bookmark follows the last part. */
  readonly initial: boolean;
  /** The state is listed again after a compaction. The first of these batches is empty: forget what you have. */
  readonly resync?: true | undefined;
}

/**
 * What to watch: a key, a range, or several of both as one. Of several, an event that lies in more than one comes once, and says
 * which. `{ any }` and not an array, because an array may be a key.
 */
export type WatchSelector<K> = Selector<K> | { readonly any: readonly Selector<K>[] };

/**
 * Events as they are pulled: in revision order, each once, until compaction, `close` or the signal ends it.
 * Single consumer: either `for await` over it, or over `batches()`, once. Leaving the loop ends the watch.
 * A start that is compacted, also in the middle, ends it with `MVCC_COMPACTED`: go on with `from: error.compactRevision`,
 * or with `initial`. An aborted signal ends it with the signal's reason; closing the store ends it without error.
 * It is of one store: on a cluster, where another one stands at the address after a lost connection, or an older copy, it ends with `KV_REPLACED`.
 */
export interface Watch<K, V> extends AsyncIterable<KvEvent<K, V>>, AsyncDisposable {
  /** The same, grouped by revision. */
  batches(): AsyncIterable<WatchBatch<K, V>>;
  /**
   * Everything at or below has been handed out, the present event included: `from: revision + 1` goes on without gap or
   * repetition. Of a watch that has seen nothing yet it is the revision before its beginning. Only with `initial` it is 0
   * until the last entry of the state has been handed out: a watch that ended before begins again with `initial`.
   */
  readonly revision: number;
  /** The revision that was present when the watch began. On a cluster, await it before a write that shall be seen. */
  started(): Promise<number>;
  /** Ends the watch; a pending pull ends without event. Idempotent. */
  close(): Promise<void>;
  /**
   * Lets the process end by itself while a pull waits for an event, as `unref` of Node's timers and sockets. On a cluster it changes nothing: an
   * open watch keeps the process alive there, as its connection does, whether a pull waits or not.
   */
  unref(): this;
  /** A pull that waits keeps the process alive (the default). On a cluster it changes nothing. */
  ref(): this;
}

export interface NamespaceOptions<V, W = V> {
  /** How values of the namespace are stored. @default as outside */
  readonly value?: Codec<V, W> | undefined;
}

/** A key-value store with history, of keys `K` and values `V`; `W` is what it takes for a value, where that is not what it gives. Open one with `open()`. */
export interface Kv<K = string, V = string, W = V>
  extends Reader<K, V>, Leases, OptimisticWrites<K, V, W>, Undoing<K>, AsyncDisposable {
  /**
   * Writes a key. Resolves when the write may be relied on: durable, unless `durability` is `'interval'`.
   * `put(a); put(b)` need not be awaited one by one: they take effect in the order of the calls. In an embedded store
   * those of one tick share a commit, unless commits are behind, and `settled()` counts all that were called before it. Each
   * can be refused for itself, so look at each promise; what must happen together is a `txn`.
   * @throws KvError `KV_TOO_LARGE`, `KV_ENCODE`; TypeError `KV_INVALID` for an empty key or a wrong type; `LEASE_NOT_FOUND`, with `ttl`
   *   `LEASE_TTL_TOO_LARGE`
   * @throws KvError `KV_DECODE` with `previous`, when the codec refuses what was replaced: in an embedded store nothing was written then, on a
   *   cluster the put is done, with its lease. The same holds of all writes that answer with what was stored
   */
  put(key: K, value: W, options?: PutOptions): Promise<PutResult<K, V>>;
  /**
   * Deletes a key, or the keys of a range; all keys there are only as `{ all: true }`. Nothing to delete is fine, and makes no
   * revision.
   * One transaction, so in an embedded store one piece of work, ten microseconds a key. Many keys are deleted in parts, each
   * a revision: `while ((await kv.delete(range, { limit: 1000 })).more);`
   * @throws KvError `KV_TOO_LARGE` for a range of more keys than `limits.maxDeletes`; nothing is deleted
   * @throws TypeError `KV_INVALID` for a range that is all keys, such as `{}`
   */
  delete(key: DeleteSelector<K>, options?: DeleteOptions): Promise<DeleteResult<K, V>>;
  /**
   * Carries out `then` if every condition holds, else `else`, as one revision. Ranges that conditions test may be long;
   * what operations read and delete is one piece of work, so keep that small.
   * Both branches are checked before anything runs, nested transactions included.
   * @throws KvError `KV_DUPLICATE_KEY` when a branch puts a key twice, or puts one that it deletes
   * @throws KvError `KV_TOO_LARGE` for more operations, conditions, nesting or deletions than the limits
   */
  txn<const Then extends readonly Op<K, W>[] = readonly [], const Else extends readonly Op<K, W>[] = readonly []>(
    txn: Txn<K, W, Then, Else>,
    options?: SignalOptions,
  ): Promise<TxnResult<K, V, Then, Else>>;
  /**
   * Runs `body` against one revision, buffers its writes and commits them if nothing it read has changed meanwhile;
   * otherwise runs it again. It may run several times: keep other effects out of it. If it throws, nothing is written.
   * @throws KvError `KV_CONFLICT` after `attempts` runs
   */
  transaction<T>(
    body: (tx: Transaction<K, V, W>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<TransactionResult<T>>;
  /** The store as `revision` left it. @throws RangeError `KV_INVALID` for anything but an integer from 1 */
  at(revision: number): Reader<K, V>;
  /**
   * All retained changes of one key up to the present, oldest first; of one revision only the last.
   * Ends with `MVCC_COMPACTED` when `from` is given and compacted.
   * @throws KvError `MVCC_FUTURE_REVISION` for an `until` above the present
   */
  history(key: K, options?: HistoryOptions): Items<KvEvent<K, V>>;
  /**
   * The changes of a key or a range after `since`, in revision order, up to the present: what a copy of that age lacks. Reads
   * every change of the store in between. Where the answer is empty, the copy is as new as `until`.
   * @throws KvError `MVCC_COMPACTED` for a `since` below the compacted revision: list anew, and go on from the revision of the
   *   list; `MVCC_FUTURE_REVISION` for revisions above the present; RangeError `KV_INVALID` for an `until` below `since`
   */
  changes(key: Selector<K>, options: ChangesOptions): Items<KvEvent<K, V>>;
  /**
   * What leads from one revision to another, either of which may be the older one: a difference for each key that they have
   * differently, in the order of the keys. Holds a part of the keys at a time, and reads no value of keys that are equal.
   * @throws KvError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION`; RangeError `KV_INVALID` for anything but integers from 1
   */
  diff(first: number, second: number, range: Range<K>, options?: DiffOptions): Items<Difference<K, V>>;
  /**
   * Follows a key, a range, or `{ any: [...] }` of both, in one order, from any revision that is retained. Begins with the call, not with the first pull. While a pull
   * waits for an event the process stays alive, unless the watch is `unref`ed; on a cluster as long as the watch is open.
   * A failed commit ends it with `BACKEND_FAILED`, and refuses new ones.
   * @throws TypeError, RangeError `KV_INVALID`; `WATCH_EMPTY_RANGE` for a range whose end is at or before its start. Both by the call itself
   */
  watch(key: WatchSelector<K>, options?: WatchOptions): Watch<K, V>;
  /**
   * The keys that begin with `prefix`, without it, as a `Kv` of their own.
   * A view: closing it does nothing; `compact` and `status` speak of the whole store.
   */
  namespace(prefix: K, options?: NamespaceOptions<never>): Kv<K, V, W>;
  /** With values of its own, which its codec says. */
  namespace<V2, W2 = V2>(
    prefix: K,
    options: NamespaceOptions<V2, W2> & { readonly value: Codec<V2, W2> },
  ): Kv<K, V2, W2>;
  /**
   * Gives up history below `revision`: reads below end with `MVCC_COMPACTED` from now on, answers at or above it never
   * change.
   * @throws MvccError `MVCC_COMPACTED` at or below the compacted revision, `MVCC_FUTURE_REVISION` above the present
   */
  compact(revision: number, options?: CompactOptions): Promise<CompactResult>;
  /** The present revision, the compacted one, and sizes. */
  status(options?: SignalOptions): Promise<Status>;
  /**
   * Lets in every write that was called before, makes it durable, ends watches, gives everything back. Idempotent; later
   * calls get `KV_CLOSED`, and so does a `transaction` whose body still waits for something else than its own reads.
   * Rejects when a commit failed, then or before; everything is given back all the same.
   */
  close(): Promise<void>;
}
