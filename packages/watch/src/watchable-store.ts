/**
 * The contract of the watchable store: a `Store` whose visible changes reach watchers, each once, in order, from any
 * revision that is not compacted.
 *
 * WAT1  A watcher gets every matching event with revision >= its start exactly once, in revision order, a revision never
 *     split over two responses, or one compaction notice (law 4).
 * WAT2  Watchers see only visible revisions (law 1), and before anybody who reads through this store: when `rev()` says R,
 *     every synced watcher has been handed R or is a victim of it.
 * WAT3  A stream's queue is bounded; a watcher whose queue is full becomes a victim and costs one batch until its
 *     consumer reads on (law 9). No writer and no other watcher waits for it.
 * WAT4  The cost of a write grows with the watchers that match it, not with the watchers there are.
 *
 * etcd: server/storage/mvcc/watchable_store.go, watcher.go (spec watch.md). Departs: consumers pull; previous values
 * come with the event; what the spec calls bugs of 3.4 is done right.
 */
import type { Backend, Change, KeyValue, RangeEnd, SliceOptions, Store } from '@varve/mvcc';

/** One change as a watcher gets it. Frozen, and shared by all watchers that want the same. Its bytes are shared, too: do not write to them. */
export interface Event extends Change {
  /** The key before this transaction, for watchers that asked for it. Absent for a creation, and where it was compacted. */
  readonly previous?: KeyValue | undefined;
}

/** What a stream delivers, in the order of its queue. */
export type WatchResponse =
  /** Events, at least one. `revision` is the visible revision when the response was made; no event is newer. */
  | { readonly type: 'events'; readonly watchId: number; readonly events: readonly Event[]; readonly revision: number }
  /** Everything at or below `revision` has been delivered before; `watchId` -1 speaks for all watchers of the stream. */
  | { readonly type: 'progress'; readonly watchId: number; readonly revision: number }
  /** History that the watcher needs is gone: watch again from `compactRevision` on. Nothing follows for this watcher. */
  | { readonly type: 'compacted'; readonly watchId: number; readonly compactRevision: number };

export type EventFilter = 'noput' | 'nodelete';

export interface WatchOptions {
  /** First revision wanted; 0 or absent: the next one. A past revision is read from history, a future one is waited for. @default 0 */
  readonly from?: number | undefined;
  /** Events to leave out. @default none */
  readonly filters?: readonly EventFilter[] | undefined;
  /** Deliver `previous`. @default false */
  readonly previous?: boolean | undefined;
  /** The id to use; 0 or absent: the stream's next free one. Negative ids are accepted. */
  readonly watchId?: number | undefined;
}

/** Many watchers on one bounded queue, with one consumer: `next()` or `for await`. Leaving the loop closes the stream. */
export interface WatchStream extends AsyncIterable<WatchResponse>, AsyncDisposable {
  /**
   * Registers a watcher, and returns its id and the visible revision of that moment: without `from`, exactly the
   * events above that revision will come. Nothing is delivered in the same tick.
   * @throws WatchError `WATCH_EMPTY_RANGE`, `WATCH_DUPLICATE_ID`, `WATCH_CLOSED`
   */
  watch(
    key: Uint8Array,
    end: RangeEnd,
    options?: WatchOptions,
  ): { readonly watchId: number; readonly revision: number };
  /** Removes a watcher; what was queued for it stays queued. @throws WatchError `WATCH_NOT_FOUND` */
  cancel(watchId: number): void;
  /** Queues one progress response if the watcher is synced and does not wait for the future; else does nothing. */
  requestProgress(watchId: number): void;
  /**
   * The same for all watchers at once, with id -1; false when a watcher is not synced. What the response says holds for all
   * watchers of the stream at the time when it is read: if a watcher of the past was registered meanwhile, the response comes
   * when that watcher is synced.
   */
  requestProgressAll(): boolean;
  /** The visible revision. */
  rev(): number;
  /**
   * The next response, or `undefined` after `close` once the queue is drained. One caller at a time.
   * Rejects with the store's error when history cannot be read, and with `BACKEND_FAILED` when a commit has failed: after
   * everything that was queued; the stream is closed then. A watcher that was still reading history does not come to its end.
   */
  next(options?: SliceOptions): Promise<WatchResponse | undefined>;
  /** The next response if one is queued, same tick. */
  poll(): WatchResponse | undefined;
  /** Cancels every watcher. What is queued can still be read; the stream ends after it. Idempotent. */
  close(): void;
}

export interface WatchableStoreOptions {
  /** Responses a stream's queue holds. @default 128 */
  readonly queueCapacity?: number | undefined;
  /** Watchers brought up to date in one catch-up pass. @default 512 */
  readonly watchersPerPass?: number | undefined;
  /** Distinct revisions in one catch-up response. @default 1000 */
  readonly revisionsPerBatch?: number | undefined;
  /** How long a scan of history stays open while nobody reads on, in milliseconds. @default 100 */
  readonly scanIdleMs?: number | undefined;
}

/** How many watchers are in which place, and what was delivered; for tests and metrics. */
export interface WatchStats {
  readonly streams: number;
  readonly watchers: number;
  readonly synced: number;
  readonly unsynced: number;
  readonly victims: number;
  /** Events handed to queues since opening. */
  readonly events: number;
  /** Responses queued and not read yet. */
  readonly pending: number;
}

/**
 * `rev`, reads, `settled` and `commit` speak of what this layer has made visible: durable, and handed to watchers.
 * `restore` moves every synced watcher back to history.
 */
export interface WatchableStore extends Store {
  /** A stream for any number of watchers. @throws WatchError `WATCH_CLOSED`; BackendError `BACKEND_FAILED` once a commit has failed */
  newWatchStream(): WatchStream;
  /** How many watchers there are, and in which place. */
  readonly watchStats: WatchStats;
  /** The last applied entry of a log above the store (etcd 3.4's consistent index); 0n where there is none. */
  consistentIndex(): bigint;
  /** As `Store.restore`; every watcher reads on from history. */
  restore(backend: Backend): Promise<void>;
  /**
   * Says that events before this revision are not known, though the store is compacted below it or at it: watchers that need one end with the compacted
   * notice, which names this revision. For data that hold a state, but not what has led to it. Never takes anything back.
   * @param all whoever was told what came before is ended as well: it was wrong, or not all. @default false
   */
  loseEvents(before: number, all?: boolean): void;
}
