/**
 * The one `WatchableStore`: a store below, watchers beside it, and the order in which the two hear of a revision.
 *
 *   write ──> store.write ──> finished, queued here ──> settled below ──> watchers have it ──> visible ──> acknowledged
 *
 * O1  Whoever reads through here first hands out what has become visible below (`#present`). So what the store calls
 *     visible and what watchers have been handed are the same for every observer (W2 of the contract, law 1).
 * O2  Everything that makes a revision goes through `write`: no change misses the queue.
 * O3  A transaction that was finished and never became visible reaches no watcher: the queue ends with the failure, the
 *     restore or the closing that decided it (law 8).
 * O4  A failed commit is final: every stream ends with the backend's error once what is visible has been read.
 *
 * etcd: server/storage/mvcc/watchable_store_txn.go, watchable_store.go.
 */
import {
  MvccError,
  type Backend,
  type Change,
  type Compaction,
  type Finished,
  type GetOptions,
  type HashResult,
  type HistoryOptions,
  type KeyValue,
  type LeaseAttachment,
  type RangeEnd,
  type RangeOptions,
  type RangeResult,
  type ReadTxn,
  type SliceOptions,
  type Snapshot,
  type Store,
  type StoreMetrics,
  type WriteTxn,
} from '@varve/mvcc';
import type { Clock } from './clock.ts';
import { backgroundError } from './diagnostics.ts';
import { WatchError } from './errors.ts';
import { Settling } from './settling.ts';
import { WatchHub, type HubLimits } from './watch-hub.ts';
import type { WatchableStore, WatchStats, WatchStream } from './watchable-store.ts';

interface Unsettled {
  readonly revision: number;
  readonly changes: readonly Change[];
}

export class WatchedStore implements WatchableStore {
  readonly durability: 'commit' | 'interval';
  readonly hub: WatchHub;
  readonly #store: Store;
  readonly #settling: Settling;
  /** Finished, and not visible when last looked at; revisions ascend. */
  #unsettled: Unsettled[] = [];
  /** Whose history the hub speaks of. */
  #backend: Store['backend'];
  #closed: Promise<void> | undefined;

  constructor(store: Store, clock: Clock, limits: HubLimits) {
    this.#store = store;
    this.durability = store.durability;
    this.#backend = store.backend;
    this.#backend.failure.addEventListener('abort', this.#failed);
    this.#settling = new Settling(
      () => this.#settledBelow(),
      () => this.#present(),
    );
    this.hub = new WatchHub(
      store,
      (kv) => this.#before(kv),
      () => this.#present(),
      clock,
      limits,
    );
  }

  get watchStats(): WatchStats {
    return this.hub.stats();
  }

  get admitting(): boolean {
    return this.#store.admitting;
  }

  get leaseAttachments(): readonly LeaseAttachment[] {
    return this.#store.leaseAttachments;
  }

  get backend(): Store['backend'] {
    return this.#store.backend;
  }

  get metrics(): StoreMetrics {
    this.#present();
    const { streams, watchers, unsynced, victims, events, pending } = this.hub.stats();
    return {
      ...this.#store.metrics,
      watch_stream_total: streams,
      watcher_total: watchers,
      slow_watcher_total: unsynced + victims,
      events_total: events,
      pending_events_total: pending,
    };
  }

  newWatchStream(): WatchStream {
    if (this.#closed !== undefined) throw new WatchError('WATCH_CLOSED', 'the store is closed');
    this.#store.backend.failure.throwIfAborted();
    return this.hub.newStream();
  }

  consistentIndex(): bigint {
    return this.appliedIndex().index;
  }

  rev(): number {
    return this.#present();
  }

  firstRev(): number {
    return this.#store.firstRev();
  }

  finishedRev(): number {
    return this.#store.finishedRev();
  }

  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined {
    this.#open();
    return this.#store.get(key, options);
  }

  range(key: Uint8Array, end: RangeEnd, options?: RangeOptions & SliceOptions): Promise<RangeResult> {
    this.#present();
    return this.#closed === undefined ? this.#store.range(key, end, options) : Promise.reject(closedError());
  }

  history(key: Uint8Array, options?: HistoryOptions): readonly Change[] {
    this.#open();
    return this.#store.history(key, options);
  }

  changes(
    from: number,
    to: number,
    options?: SliceOptions & { readonly chunkSize?: number | undefined },
  ): AsyncIterable<readonly Change[]> {
    this.#open();
    return this.#store.changes(from, to, options);
  }

  read(options?: GetOptions): ReadTxn {
    this.#open();
    return this.#store.read(options);
  }

  write<T>(body: (txn: WriteTxn) => T): Finished<T> {
    if (this.#closed !== undefined) throw closedError();
    const finished = this.#store.write(body);
    this.#finished(finished);
    return finished;
  }

  put(key: Uint8Array, value: Uint8Array, lease?: bigint): number {
    return this.write((txn) => txn.put(key, value, lease)).value;
  }

  deleteRange(key: Uint8Array, end?: RangeEnd): { readonly deleted: number; readonly revision: number } {
    return this.write((txn) => txn.deleteRange(key, end)).value;
  }

  admit(): Promise<void> {
    return this.#store.admit();
  }

  settled(): Promise<void> {
    return this.#settling.waiter() ?? this.#store.settled();
  }

  async commit(): Promise<void> {
    this.#open();
    await this.#store.commit();
    this.#present();
  }

  async compact(revision: number): Promise<Compaction> {
    this.#open();
    return await this.#store.compact(revision);
  }

  async compactionBarrier(): Promise<void> {
    this.#open();
    await this.#store.compactionBarrier();
  }

  async hash(): Promise<{ readonly hash: number; readonly revision: number }> {
    this.#open();
    return await this.#store.hash();
  }

  async hashByRev(revision: number, options?: SliceOptions): Promise<HashResult> {
    this.#open();
    return await this.#store.hashByRev(revision, options);
  }

  async snapshot(options?: SliceOptions): Promise<Snapshot> {
    this.#open();
    return await this.#store.snapshot(options);
  }

  async defrag(): Promise<void> {
    this.#open();
    await this.#store.defrag();
  }

  async restore(backend: Backend): Promise<void> {
    this.#open();
    await this.#store.restore(backend);
    const revision = this.#present();
    if (this.#store.backend === this.#backend) this.hub.restored(revision);
    else this.#swapped();
  }

  appliedIndex(): { readonly index: bigint; readonly term: bigint } {
    this.#present();
    return this.#store.appliedIndex();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Hands out what has become visible below, and gives the visible revision. */
  #present(): number {
    const revision = this.#store.rev();
    if (revision !== this.hub.visible()) this.#advance(revision);
    return revision;
  }

  #open(): void {
    if (this.#closed !== undefined) throw closedError();
    this.#present();
  }

  #finished({ revision, changes }: Finished<unknown>): void {
    if (this.#store.backend !== this.#backend) this.#swapped();
    if (this.durability === 'interval') {
      if (changes.length > 0) this.hub.publish(revision, changes);
      return;
    }
    if (changes.length > 0) this.#unsettled.push({ revision, changes });
    this.#settling.finished();
  }

  #advance(revision: number): void {
    if (this.#store.backend === this.#backend) {
      const unsettled = this.#unsettled;
      let settledN = 0;
      while (settledN < unsettled.length && unsettled[settledN]!.revision <= revision) {
        const transaction = unsettled[settledN++]!;
        this.hub.publish(transaction.revision, transaction.changes);
      }
      unsettled.splice(0, settledN);
    }
    // Revisions that no write made: the data are those of another backend.
    if (this.hub.visible() !== revision) this.#swapped();
  }

  /** A commit has failed: nothing becomes visible any more, and who waits for it is told (O4). */
  readonly #failed = (): void => {
    if (this.#store.backend !== this.#backend) return this.#swapped();
    this.#present();
    this.#unsettled = [];
    this.hub.failStreams(this.#backend.failure.reason);
  };

  /** A restore has swapped the data, in a tick in which nothing was unsettled below. */
  #swapped(): void {
    this.#backend.failure.removeEventListener('abort', this.#failed);
    this.#backend = this.#store.backend;
    this.#backend.failure.addEventListener('abort', this.#failed);
    this.#unsettled = [];
    this.hub.restored(this.#store.rev());
    if (this.#backend.failure.aborted) this.#failed();
  }

  async #settledBelow(): Promise<void> {
    try {
      await this.#store.settled();
    } catch (error) {
      this.#present();
      this.#unsettled = [];
      throw error;
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

  async #close(): Promise<void> {
    await this.#settling.idle();
    this.#present();
    this.#backend.failure.removeEventListener('abort', this.#failed);
    this.hub.closeStreams();
    await this.hub.catchUp.close();
    await this.#store.close();
  }
}

function closedError(): MvccError {
  return new MvccError('MVCC_CLOSED', 'the store is closed');
}
