/**
 * The observer that makes a store watchable: what finished waits here, and is handed to the watchers as it becomes visible.
 *
 *   finished ──> queued ──> visible: published, revision by revision
 *                  └─────── failed, or the data were swapped: forgotten
 *
 * WS1  A watcher has been handed a revision in the very step in which the store calls it visible (W2 of the contract).
 * WS2  A transaction that finished and never became visible reaches no watcher (law 8).
 * WS3  A failed commit is final: every stream ends with the backend's error once what is visible has been read.
 *
 * etcd: server/storage/mvcc/watchable_store_txn.go, watchable_store.go. Departs: it stands beside the store, not around it.
 */
import {
  MvccError,
  type FinishedTransaction,
  type KeyValue,
  type Store,
  type StoreMetrics,
  type StoreObserver,
} from '@varve/mvcc';
import type { Clock } from './clock.ts';
import { backgroundError } from './diagnostics.ts';
import { WatchError } from './errors.ts';
import { WatchHub, type HubLimits } from './watch-hub.ts';
import type { WatchStats, WatchStream } from './watchable-store.ts';

export class Watchers implements StoreObserver {
  readonly hub: WatchHub;
  readonly #store: Store;
  /** Not visible yet; revisions ascend. */
  #waiting: FinishedTransaction[] = [];
  #closed = false;

  constructor(store: Store, clock: Clock, limits: HubLimits) {
    this.#store = store;
    this.hub = new WatchHub(store, (kv) => this.#before(kv), clock, limits);
  }

  /** @throws WatchError `WATCH_CLOSED`; BackendError `BACKEND_FAILED` once a commit has failed */
  newStream(): WatchStream {
    if (this.#closed) throw new WatchError('WATCH_CLOSED', 'the store is closed');
    this.#store.backend.failure.throwIfAborted();
    return this.hub.newStream();
  }

  get stats(): WatchStats {
    return this.hub.stats();
  }

  // StoreObserver

  finished(transaction: FinishedTransaction): void {
    this.#waiting.push(transaction);
  }

  visible(revision: number): void {
    const waiting = this.#waiting;
    let visibleN = 0;
    while (visibleN < waiting.length && waiting[visibleN]!.revision <= revision) {
      const transaction = waiting[visibleN++]!;
      this.hub.publish(transaction.revision, transaction.changes);
    }
    if (visibleN === waiting.length) waiting.length = 0;
    else waiting.splice(0, visibleN);
  }

  failed(error: unknown): void {
    this.#waiting = [];
    this.hub.failStreams(error);
  }

  swapped(revision: number): void {
    this.#waiting = [];
    this.hub.restored(revision);
  }

  async closing(settled: Promise<void>): Promise<void> {
    this.#closed = true;
    const caughtUp = this.hub.catchUp.close();
    await settled;
    this.hub.closeStreams();
    await caughtUp;
  }

  metrics(): StoreMetrics {
    const { streams, watchers, unsynced, victims, events, pending } = this.hub.stats();
    return {
      watch_stream_total: streams,
      watcher_total: watchers,
      slow_watcher_total: unsynced + victims,
      events_total: events,
      pending_events_total: pending,
    };
  }

  /** The key before the change's transaction. An event without is better than one that fails the write. */
  #before(kv: KeyValue): KeyValue | undefined {
    try {
      return this.#store.get(kv.key, { revision: kv.modRevision - 1 });
    } catch (error) {
      if (!(error instanceof MvccError && error.code === 'MVCC_COMPACTED')) backgroundError('previous value', error);
      return undefined;
    }
  }
}
