/**
 * The contract of a store in this process: what a `Kv` can do, and what only the one who has the data can.
 *
 * EM1 A section is one synchronous piece of work: nothing else runs, and what it reads is what it changes.
 * EM2 What is handed out (snapshots, compactions) ends with `KV_CLOSED` when the store is closed under it.
 *
 * etcd: the client API of clientv3 (Maintenance), and what an embedded etcd can do.
 */
import type {
  Codec,
  CompactOptions,
  Entry,
  Kv,
  KvEvent,
  LeaseChoice,
  NamespaceOptions,
  Range,
  DeleteSelector,
  SignalOptions,
  Status,
} from '@varve/api';
import type { Compaction, Opened, Snapshot, StoreMetrics, WatchStats } from '@varve/watch';
import type { CheckOptions, CheckResult } from './check-store.ts';
import type { Hold, HoldOptions, HoldStatus } from './retain/hold.ts';
import type { RetainStatus } from './retain/retain-status.ts';

export interface SectionListOptions {
  /** At most so many entries. @default all */
  readonly limit?: number | undefined;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean | undefined;
}

/** The one writer, inside its section: everything is in the same tick, reads see its own writes. */
export interface WriteSection<K, V, W = V> {
  /** The revision before this transaction. */
  readonly revision: number;
  /** A key, own writes included. */
  get(key: K): Entry<K, V> | undefined;
  /** In one piece, so keep it small. */
  list(range: Range<K>, options?: SectionListOptions): readonly Entry<K, V>[];
  /** How many keys the range holds. */
  count(range: Range<K>): number;
  /**
   * Writes a key.
   * @throws KvError `KV_TOO_LARGE`, `KV_ENCODE`; LeaseError `LEASE_NOT_FOUND`: the section ends with it unless the body catches it, and this put is not done
   */
  put(key: K, value: W, options?: LeaseChoice): void;
  /** Returns how many keys were deleted. @throws KvError `KV_TOO_LARGE` for ranges of more than `limits.maxDeletes` */
  delete(key: DeleteSelector<K>): number;
  /**
   * The same section, as another name space of this store sees it.
   * @throws TypeError `KV_INVALID` for a name space of another store
   */
  in<L, X, Y>(namespace: Kv<L, X, Y>): WriteSection<L, X, Y>;
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

export interface SyncListOptions {
  /** At most so many entries, from 1 to 1000: nothing else runs meanwhile. */
  readonly limit: number;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean | undefined;
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
  /** How it was opened: from a checkpoint of the index, or by reading all records, and how many were read. */
  readonly opened: Opened;
  /** Commits that reached the medium since opening. */
  readonly commits: number;
  /** States held for reading now; 0 when nobody scans. */
  readonly openReads: number;
  readonly watch: WatchStats;
  /** Counters of the store under etcd's names. */
  readonly metrics: StoreMetrics;
  /** Holds that run, the oldest revision first. */
  readonly holds: readonly HoldStatus[];
  /** What keeping the store small has done; absent without the option `retain`. */
  readonly retain?: RetainStatus | undefined;
}

export interface HashResult {
  /** CRC-32C, unsigned. */
  readonly hash: number;
  /**
   * The compacted revision the hash was taken over, absent where nothing was compacted; hashes compare only where this is
   * equal, too.
   */
  readonly compactRevision?: number | undefined;
  /** The revision hashed up to. */
  readonly revision: number;
  /** The present revision. */
  readonly currentRevision: number;
}

/** A store in this process, whatever it has under it: all that needs no files. */
export interface MemoryKv<K = string, V = string, W = V> extends Kv<K, V, W> {
  /** The present revision, same tick. */
  readonly revision: number;
  /**
   * As `get`, in this tick. Not inside the body of `write`: use the section, which sees its own writes.
   * @throws KvError `KV_DECODE`, `KV_CLOSED`; TypeError `KV_INVALID`
   */
  getSync(key: K): Entry<K, V> | undefined;
  /**
   * The first entries of a range, or with `reverse` the last ones, in this tick; all of the present revision. Not inside the body of `write`.
   * @throws KvError `KV_DECODE`, `KV_CLOSED`; TypeError, RangeError `KV_INVALID`
   */
  listSync(range: Range<K>, options: SyncListOptions): readonly Entry<K, V>[];
  /**
   * Runs `body` as one transaction in one synchronous section: no other writer, no await.
   * If it throws, nothing of it remains and the error is passed on as it is.
   * A key may be changed more than once: watchers see each change, all of one revision. Once the store is compacted at that very
   * revision, history has the last of them only.
   * Inside, use the section: another write of the same store (`kv.put`, `kv.compact` and the like) is refused with
   * `BACKEND_NESTED`, and so is the section that called it, because what looked like a part of it would be missing.
   * @throws TypeError `KV_INVALID` when `body` returns a promise
   */
  write<T>(
    body: (section: WriteSection<K, V, W>) => Synchronous<T>,
    options?: SignalOptions,
  ): Promise<WriteResult<K, V, T>>;
  /**
   * As `Kv.compact`; the answer tells how far the work is.
   * @throws KvError `KV_HELD` above a revision that is held; MvccError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION`
   */
  compact(revision: number, options?: CompactOptions): Promise<Compaction>;
  /**
   * Keeps a revision, and all after it, readable until the hold is closed, its time is over, or the store is so many revisions ahead: the first of
   * these. Meanwhile `compact` above it is refused, and `retain` stops before it. Of this process: it does not outlive `close`.
   * @throws KvError `MVCC_COMPACTED` for a revision that is compacted or about to be; `MVCC_FUTURE_REVISION` for one above the present;
   * RangeError `KV_INVALID` for one that is further behind than `revisions`: the hold would have ended already
   */
  hold(revision: number, options?: HoldOptions): Hold;
  /**
   * The newest revision that was written at that date or before, so that `at` reads what was present then; `undefined` where nothing is known of
   * that time. The date may be in milliseconds since 1970. Needs `times: true`.
   * @throws KvError `MVCC_COMPACTED` where what was present then is compacted; TypeError `KV_INVALID` without times
   */
  revisionAt(date: Date | number): Promise<number | undefined>;
  /**
   * When a revision was written, by the wall clock, never before the revision before it; `undefined` where nobody noted it. Needs `times: true`.
   * @throws KvError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION`; TypeError `KV_INVALID` without times
   */
  timeOf(revision: number): Promise<Date | undefined>;
  /** As `Kv.namespace`. */
  namespace(prefix: K, options?: NamespaceOptions<never>): MemoryKv<K, V, W>;
  /** With values of its own, which its codec says. */
  namespace<V2, W2 = V2>(
    prefix: K,
    options: NamespaceOptions<V2, W2> & { readonly value: Codec<V2, W2> },
  ): MemoryKv<K, V2, W2>;
  /** Everything, history included, as the stream of a BoltDB file that etcd's tools accept with `--skip-hash-check`. Close or dispose it if you do not read it to its end. */
  snapshot(options?: SignalOptions): Promise<Snapshot>;
  /**
   * Reads everything that the present revision and the history need, and tells what is damaged or does not fit together. Reads go on
   * meanwhile, and writes. Of the whole store. It ends with `MVCC_COMPACTED` when its revision is compacted meanwhile: check again.
   */
  check(options?: CheckOptions): Promise<CheckResult>;
  /**
   * Gives the space of deleted records back to the medium. Writers wait meanwhile.
   * @throws BackendError `BACKEND_NOT_REPLACEABLE` for a file with several hard links, or mounted by itself; `BACKEND_READ_ONLY`
   */
  defrag(): Promise<void>;
  /** Sizes, counters, and what was repaired while opening, same tick. */
  stats(): Stats;
  /** Hash of the history up to a revision, 0 for the present one: equal histories have equal hashes. */
  hashByRev(revision?: number, options?: SignalOptions): Promise<HashResult>;
  /**
   * Resolves when every write called so far may be relied on: with `durability: 'interval'` as soon as it has had its turn.
   * Of a `transaction` this holds while its body waits for nothing but its own reads.
   */
  settled(): Promise<void>;
  /** Makes every write called so far durable, whatever the durability option; as `settled` for transactions. */
  commit(): Promise<void>;
}

/** A store in this process, with files to write to. */
export interface EmbeddedKv<K = string, V = string, W = V> extends MemoryKv<K, V, W> {
  /** As `Kv.namespace`. */
  namespace(prefix: K, options?: NamespaceOptions<never>): EmbeddedKv<K, V, W>;
  /** With values of its own, which its codec says. */
  namespace<V2, W2 = V2>(
    prefix: K,
    options: NamespaceOptions<V2, W2> & { readonly value: Codec<V2, W2> },
  ): EmbeddedKv<K, V2, W2>;
  /**
   * Writes everything, history included, to a new file that etcd's tools accept as a snapshot: a BoltDB file and its
   * SHA-256. The target has its name only when it is whole and durable; writers go on meanwhile.
   * @throws KvError `KV_EXISTS` when the target exists, `KV_BACKUP` when it cannot be written
   */
  backup(path: string, options?: BackupOptions): Promise<BackupResult>;
}
