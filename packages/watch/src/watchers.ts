/**
 * The observer that makes a store watchable: what finished waits here, and is handed to the watchers as it becomes visible.
 * It owns the parts of this package, which call each other downwards only:
 *
 *                 Watchers                              observes the store
 *        .-----------+-----------------.
 *     CatchUp        |              HandOut             history/: the past     delivery/: the present
 *        |   '-> LiveWatchStream       |                delivery/: ids, options, the consumer
 *        v           v                 v
 *      Places: every move of a watcher                  places/
 *        |- WatcherGroup    synced, by range: IntervalTree, SyncedList
 *        |- Cohorts         unsynced, by position       (CatchUp awaits arrivals)
 *        |- EventQueue      of each stream, with its victims and others that wait for room
 *        '- RecentChanges   what those who are near will need
 *
 *   finished ──> queued ──> visible: published, revision by revision
 *                  └─────── failed, or the data were swapped: forgotten
 *
 * WS1  A watcher has been handed a revision in the very step in which the store calls it visible (WAT2 of the contract).
 * WS2  A transaction that finished and never became visible reaches no watcher (law 8).
 * WS3  A failed commit is final: every stream ends with the backend's error once what is queued has been read.
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
import type { Clock } from '@varve/base/clock';
import { HandOut } from './delivery/hand-out.ts';
import { LiveWatchStream } from './delivery/watch-stream.ts';
import { backgroundError } from './diagnostics.ts';
import { WatchError } from './errors.ts';
import type { CatchUp } from './history/catch-up.ts';
import { catching } from './late.ts';
import { Places } from './places/places.ts';
import type { Watcher } from './places/watcher.ts';
import type { WatchStats } from './watchable-store.ts';

export interface WatchLimits {
  readonly queueCapacity: number;
  readonly watchersPerPass: number;
  readonly revisionsPerBatch: number;
  readonly scanIdleMs: number;
}

export class Watchers implements StoreObserver {
  readonly places: Places;
  /** Absent until it is loaded, which the first watcher that needs it brings about. */
  catchUp: CatchUp | undefined;
  readonly streams: Set<LiveWatchStream> = new Set();
  readonly #store: Store;
  readonly #handOut: HandOut;
  readonly #clock: Clock;
  readonly #limits: WatchLimits;
  readonly #previousOf = (kv: KeyValue): KeyValue | undefined => this.#before(kv);
  /** Not visible yet; revisions ascend. */
  #waiting: FinishedTransaction[] = [];
  #closed = false;

  constructor(store: Store, clock: Clock, limits: WatchLimits) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
    this.places = new Places(store.rev(), clock);
    this.#handOut = new HandOut(this.places, this.#previousOf);
    if (catching.loaded === undefined) void this.#loadCatchUp();
    else this.#begin(catching.loaded);
  }

  /** @throws WatchError `WATCH_CLOSED`; BackendError `BACKEND_FAILED` once a commit has failed */
  newStream(): LiveWatchStream {
    if (this.#closed) throw new WatchError('WATCH_CLOSED', 'the store is closed');
    this.#store.backend.failure.throwIfAborted();
    return new LiveWatchStream(this.places, this.#limits.queueCapacity, this.streams);
  }

  get stats(): WatchStats {
    const { places } = this;
    let watchers = 0;
    let pending = 0;
    for (const stream of this.streams) {
      watchers += stream.watchers.size;
      pending += stream.queue.length;
    }
    return {
      streams: this.streams.size,
      watchers,
      synced: places.group.syncedN,
      unsynced: places.unsyncedN,
      victims: places.victimN,
      events: places.events + this.#handOut.events,
      pending,
    };
  }

  /** Every watcher that is registered. */
  *all(): Iterable<Watcher> {
    for (const stream of this.streams) yield* stream.watchers.values();
  }

  /** See `WatchableStore.loseEvents`. */
  loseEvents(before: number, all: boolean): void {
    this.places.lost(before, all, all ? this.all() : []);
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
      this.#handOut.publish(transaction);
    }
    // Setting a length, even from 1 to 0, costs as much as the rest of a put.
    if (visibleN === 1 && waiting.length === 1) waiting.pop();
    else if (visibleN === waiting.length) waiting.length = 0;
    else waiting.splice(0, visibleN);
  }

  failed(error: unknown): void {
    this.#waiting = [];
    for (const stream of this.streams) stream.broken(error);
  }

  swapped(revision: number): void {
    this.#waiting = [];
    this.places.swapped(revision, this.all());
    this.catchUp?.forget();
  }

  async closing(settled: Promise<void>): Promise<void> {
    this.#closed = true;
    const caughtUp = this.catchUp?.close();
    await settled;
    for (const stream of this.streams) stream.close();
    await caughtUp;
  }

  metrics(): StoreMetrics {
    const { streams, watchers, unsynced, victims, events, pending } = this.stats;
    return {
      watch_stream_total: streams,
      watcher_total: watchers,
      slow_watcher_total: unsynced + victims,
      events_total: events,
      pending_events_total: pending,
    };
  }

  #begin({ CatchUp, History }: NonNullable<typeof catching.loaded>): void {
    const { watchersPerPass, revisionsPerBatch, scanIdleMs } = this.#limits;
    const history = new History(this.#store, this.places.recent, this.#previousOf, revisionsPerBatch);
    this.catchUp = new CatchUp(this.#store, history, this.places, this.#clock, { watchersPerPass, scanIdleMs });
    void this.catchUp.serve();
  }

  /** Waits for somebody who needs it. Where it cannot be had, their streams end with that, and the next one tries again. Never rejects. */
  async #loadCatchUp(): Promise<void> {
    const { cohorts } = this.places;
    while (!this.#closed && this.catchUp === undefined) {
      await cohorts.arrival();
      try {
        const loaded = await catching.load();
        if (!this.#closed) this.#begin(loaded);
      } catch (error) {
        for (const position of cohorts.positions()) {
          for (const watcher of [...(cohorts.at(position) ?? [])]) watcher.owner.broken(error);
        }
      }
    }
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
