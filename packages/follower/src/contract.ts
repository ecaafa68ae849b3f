/**
 * What a follower is to its user: a `Kv` whose reads are answered here, from a copy that follows a source, and whose writes are the source's.
 *
 * FLW1  What it answers is a state that the source had, or has: under the source's revisions, versions and leases, one revision for a call.
 *       Which one, and how far that is behind, is known (`behind`).
 * FLW2  Who writes through it reads what was written: a write is answered when it is here, too. Who has the revision of somebody else's write
 *       reads `atLeast` that.
 * FLW3  What it does not hold is asked of the source: keys outside of its range, and what was before its copy began.
 * FLW4  A source that cannot be reached is waited for; reads go on, and say how far behind they are. Whatever else ends the following ends
 *       reads and watches with its reason: no old state is shown for ever without a word.
 * FLW5  History that is gone while nobody followed is made up for by copying again, which readers see as one step; a watch that needed it
 *       ends with `MVCC_COMPACTED`, or lists again with `resync`.
 */
import type {
  ClusterOptions,
  Codec,
  CountOptions,
  Entry,
  Items,
  KeyCodec,
  KeysOptions,
  Kv,
  ListOptions,
  NamespaceOptions,
  Page,
  PageOptions,
  Range,
  SignalOptions,
  Status,
} from '@varve/api';
import type { World } from '@varve/base/world';
import type { Location } from '@varve/kv/layers';

/** Keys and values as they are stored: open the source with `key: bytes` and `value: bytes`. */
export type ByteKv = Kv<Uint8Array, Uint8Array>;

/** How new a read must be. */
export interface AtLeastOption {
  /**
   * The read waits until the follower has come to this revision of the source, at most `waitMs`. Not for reads of `at(revision)`.
   * @default what was written through this follower and answered, unless `readYourWrites` is false; else what is here
   */
  readonly atLeast?: number | undefined;
}

export interface FollowOptions<K = string, V = string, W = V> {
  /** Which keys are copied, as they are stored. @default all of them */
  readonly range?: Range<Uint8Array> | undefined;
  /** How keys are stored in the source. @default utf8 */
  readonly key?: KeyCodec<K> | undefined;
  /** How values are stored in the source. @default utf8 */
  readonly value?: Codec<V, W> | undefined;
  /**
   * Where the copy is kept: a folder or an engine of its own, which outlives the process, so that the next follower copies only what has changed
   * since. @default in memory
   */
  readonly location?: Location | undefined;
  /** Decoded records kept in memory, in bytes. @default 64 MiB */
  readonly cacheBytes?: number | undefined;
  /** What it does not hold: asked of the source, or refused (`KV_INVALID` for keys, `MVCC_COMPACTED` for the past). @default 'source' */
  readonly elsewhere?: 'source' | 'refuse' | undefined;
  /** Whether a write waits until it can be read here. Without it, use the revision of the answer with `atLeast`. @default true */
  readonly readYourWrites?: boolean | undefined;
  /** How long a read, or the answer of a write, waits for a revision to come. @default 10_000 */
  readonly waitMs?: number | undefined;
  /** Reads are refused with `KV_BEHIND` when it is not known that they are newer than that. At least twice `checkMs`. @default never */
  readonly maxBehindMs?: number | undefined;
  /** How often the source is asked where it is: what `behind.ms` is as exact as. @default 1000 */
  readonly checkMs?: number | undefined;
  /**
   * Give up history so that no more than so many revisions before the present can be read here. @default as much as the source, once it gives up
   * some
   */
  readonly historyRevisions?: number | undefined;
  /** How long a source that cannot be reached is waited for between two tries, at the most. @default 5000 */
  readonly retryMs?: number | undefined;
  /** Closes the follower. */
  readonly signal?: AbortSignal | undefined;
  /** For tests only: `@varve/base/world`. @default the host's */
  readonly world?: World | undefined;
}

/** Options where the source is given by its name, and opened with `open` of `@varve/kv`. */
export interface FollowClusterOptions<K = string, V = string, W = V> extends FollowOptions<K, V, W> {
  /** How the cluster is reached. */
  readonly cluster?: ClusterOptions | undefined;
}

export interface Behind {
  /** So many revisions of the source are known to be missing. */
  readonly revisions: number;
  /**
   * The follower has everything that the source had so many milliseconds ago, or newer. When all is well it goes up to `checkMs` and back.
   * Absent while the source has not been reached since the follower was opened.
   */
  readonly ms?: number | undefined;
}

/** A first copy, or another one; changes are followed; the source is waited for; it is over. */
export type FollowerPhase = 'copying' | 'following' | 'waiting' | 'ended';

/** `revision` is that of the follower; sizes are those of the copy. */
export interface FollowerStatus extends Status {
  readonly phase: FollowerPhase;
  readonly behind: Behind;
  /** The newest revision of the source that was heard of. */
  readonly sourceRevision: number;
  /** Copies of the whole range, the first one included, since it was opened. */
  readonly copies: number;
  /** Changes that were followed since it was opened. */
  readonly events: number;
  /** Reads, watches among them, that were asked of the source. */
  readonly elsewhere: number;
  /** Why it waits, or why it ended. */
  readonly reason?: string | undefined;
}

export interface CaughtUpOptions extends SignalOptions {
  /** @default the follower's `waitMs` */
  readonly waitMs?: number | undefined;
}

/** A `Kv` that reads here and writes there. */
export interface Follower<K = string, V = string, W = V> extends Kv<K, V, W> {
  /** How far behind it is, same tick. */
  readonly behind: Behind;
  /** Resolves when it has come to where the source was when it was opened. Rejects when it ends before, or is closed (`KV_CLOSED`). */
  readonly synced: Promise<void>;
  /**
   * Resolves when everything up to this revision of the source is here, or everything that the source has now, with the follower's revision.
   * @throws KvError `KV_BEHIND` when that takes longer than `waitMs`
   */
  caughtUp(revision?: number, options?: CaughtUpOptions): Promise<number>;
  get(key: K, options?: SignalOptions & AtLeastOption): Promise<Entry<K, V> | undefined>;
  getMany(keys: readonly K[], options?: SignalOptions & AtLeastOption): Promise<readonly (Entry<K, V> | undefined)[]>;
  list(range: Range<K>, options?: ListOptions & AtLeastOption): Items<Entry<K, V>>;
  keys(range: Range<K>, options?: KeysOptions & AtLeastOption): Items<K>;
  page(range: Range<K>, options?: PageOptions & AtLeastOption): Promise<Page<K, V>>;
  count(range: Range<K>, options?: CountOptions & AtLeastOption): Promise<number>;
  /** Of the follower: it answers at once, whatever the source does. */
  status(options?: SignalOptions): Promise<FollowerStatus>;
  namespace(prefix: K, options?: NamespaceOptions<never>): Follower<K, V, W>;
  namespace<V2, W2 = V2>(
    prefix: K,
    options: NamespaceOptions<V2, W2> & { readonly value: Codec<V2, W2> },
  ): Follower<K, V2, W2>;
}
