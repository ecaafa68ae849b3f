/**
 * The one `Store`: it owns the history, the publisher of what has finished, and the background work over them.
 *
 * MS1  `restore` builds the new history aside and swaps it in within one tick, when nothing is unsettled; whoever holds
 *      on to the old one gets `MVCC_CLOSED`.
 *
 * etcd: server/storage/mvcc/kvstore.go (spec sections 6, 8, 10.1). Departs: D1 to D7, D9.
 */
import type { Backend, Snapshot } from '@varve/backend';
import type { RangeEnd } from '@varve/index';
import { checkBytes, checkHasFields, checkOptional, isSignal } from '@varve/base/options';
import { ignoredByHash } from './buckets.ts';
import { checkBackend } from './check-backend.ts';
import type { Checkpoints } from './checkpoint/checkpoints.ts';
import { changesBetween, keyHistory } from './changes.ts';
import type { CompactionPace } from './compaction-pace.ts';
import { Compactions } from './compactions.ts';
import { traced } from './diagnostics.ts';
import { closedError, type History } from './history.ts';
import { hashing } from './late.ts';
import { Metrics } from './metrics.ts';
import type { ObserverFactory, StoreObserver } from './observer.ts';
import { Publisher } from './publisher.ts';
import { checkGet, checkRange, rangeSliced } from './range.ts';
import { ReadTransaction } from './read-txn.ts';
import { restoreHistory, type RestoreSettings } from './restore.ts';
import { Sections } from './sections.ts';
import type {
  Change,
  Compaction,
  DeleteRangeOptions,
  DeleteRangeResult,
  Finished,
  GetOptions,
  HashResult,
  HistoryOptions,
  KeyValue,
  LeaseAttachment,
  Opened,
  RangeOptions,
  RangeResult,
  ReadTxn,
  Rows,
  SliceOptions,
  Store,
  StoreMetrics,
  WriteTxn,
} from './store.ts';

export interface StoreSettings {
  readonly durability: 'commit' | 'interval';
  readonly restore: RestoreSettings;
  readonly pace: CompactionPace;
  readonly observers: readonly ObserverFactory[];
  readonly maxDeletes: number;
  readonly checkpointEvery: number;
}

const NO_OPTIONS: RangeOptions & SliceOptions = {};

export class MvccStore implements Store {
  readonly durability: 'commit' | 'interval';
  readonly #settings: StoreSettings;
  readonly #metrics = new Metrics();
  #history: History;
  readonly #observers: readonly StoreObserver[];
  #publisher: Publisher;
  #sections: Sections;
  /** Absent where the index cannot be saved. */
  #checkpoints: Checkpoints | undefined;
  #compactions: Compactions;
  #closing: Promise<void> | undefined;
  #restoring: Promise<void> | undefined;

  constructor(history: History, settings: StoreSettings) {
    this.durability = settings.durability;
    this.#settings = settings;
    this.#history = history;
    this.#observers = settings.observers.map((observe) => observe(this));
    this.#checkpoints = this.#newCheckpoints(history);
    this.#compactions = new Compactions(history, this.#checkpoints, this.#metrics, settings.pace);
    this.#publisher = this.#newPublisher(history);
    this.#sections = this.#newSections(history);
  }

  rev(): number {
    return this.#history.visible;
  }

  firstRev(): number {
    return this.#history.compacted;
  }

  finishedRev(): number {
    return this.#history.finished;
  }

  get opened(): Opened {
    return this.#history.opened;
  }

  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined {
    const history = this.#history;
    if (!history.open) history.checkOpen();
    checkBytes(key, 'key');
    if (options !== undefined) checkGet(options);
    this.#metrics.ranges++;
    const asked = options?.revision;
    const revision = asked === undefined ? history.visible : history.revisionFor(asked, history.visible);
    return options?.keyOnly === true ? history.getKey(key, revision) : history.get(key, revision);
  }

  async range(key: Uint8Array, end: RangeEnd, options: RangeOptions & SliceOptions = NO_OPTIONS): Promise<RangeResult> {
    const history = this.#history;
    history.checkOpen();
    checkRange(key, end, options);
    checkOptional(options.signal, 'signal', isSignal);
    options.signal?.throwIfAborted();
    const current = history.visible;
    const revision = history.revisionFor(options.revision, current);
    this.#metrics.ranges++;
    return await rangeSliced(history, key, end, revision, current, options);
  }

  history(key: Uint8Array, options: HistoryOptions = NO_OPTIONS): readonly Change[] {
    this.#history.checkOpen();
    checkHasFields(options);
    return keyHistory(this.#history, key, options);
  }

  changes(
    from: number,
    to: number,
    options: SliceOptions & { readonly chunkSize?: number | undefined } = NO_OPTIONS,
  ): AsyncIterable<readonly Change[]> {
    this.#history.checkOpen();
    checkHasFields(options);
    return changesBetween(this.#history, from, to, options);
  }

  read(options?: Pick<GetOptions, 'revision'>): ReadTxn {
    const history = this.#history;
    history.checkOpen();
    if (options !== undefined) checkHasFields(options);
    return new ReadTransaction(history, this.#metrics, history.revisionFor(options?.revision, history.visible));
  }

  write<T>(body: (txn: WriteTxn) => T): Finished<T> {
    this.#checkWritable();
    return this.#sections.write(body);
  }

  writeAt<T>(revision: number, body: (txn: WriteTxn) => T): Finished<T> {
    this.#checkWritable();
    return this.#sections.writeAt(revision, body);
  }

  advance(revision: number): void {
    this.#checkWritable();
    this.#sections.advance(revision);
  }

  put(key: Uint8Array, value: Uint8Array, lease = 0n): number {
    this.#checkWritable();
    return this.#sections.put(key, value, lease);
  }

  deleteRange(key: Uint8Array, end?: RangeEnd, options?: DeleteRangeOptions): DeleteRangeResult {
    this.#checkWritable();
    return this.#sections.deleteRange(key, end, options);
  }

  async admit(): Promise<void> {
    this.#checkWritable();
    await this.#history.backend.admit();
    this.#checkWritable();
  }

  get admitting(): boolean {
    return this.#history.backend.admitting;
  }

  settled(): Promise<void> {
    return this.#publisher.settled();
  }

  async commit(): Promise<void> {
    this.#history.checkOpen();
    if (this.durability === 'commit') await this.#publisher.settled();
    await this.#history.backend.forceCommit();
  }

  async compact(revision: number): Promise<Compaction> {
    this.#history.checkOpen();
    return await this.#compactions.compact(revision);
  }

  async compactionBarrier(): Promise<void> {
    this.#history.checkOpen();
    await this.#compactions.barrier();
  }

  async hash(): Promise<{ readonly hash: number; readonly revision: number }> {
    const history = this.#history;
    history.checkOpen();
    const began = this.#history.clock.now();
    await this.commit();
    const hash = await traced('hash', {}, () => history.backend.hash(ignoredByHash));
    this.#metrics.hashSeconds.add((this.#history.clock.now() - began) / 1000);
    return { hash, revision: history.visible };
  }

  async hashByRev(revision: number, options: SliceOptions = NO_OPTIONS): Promise<HashResult> {
    const history = this.#history;
    history.checkOpen();
    checkHasFields(options);
    const began = this.#history.clock.now();
    const result = await traced('hash', { revision }, async () => {
      const { hashByRevision } = hashing.loaded ?? (await hashing.load());
      return await hashByRevision(history, revision, options);
    });
    this.#metrics.hashByRevSeconds.add((this.#history.clock.now() - began) / 1000);
    return result;
  }

  async snapshot(options?: SliceOptions): Promise<Snapshot> {
    this.#history.checkOpen();
    return await this.#history.backend.snapshot(options);
  }

  async defrag(): Promise<void> {
    this.#history.checkOpen();
    await this.#history.backend.defrag();
  }

  async restore(backend: Backend): Promise<void> {
    this.#history.checkOpen();
    checkBackend(backend);
    const earlier = this.#restoring;
    const work = this.#restore(backend, earlier);
    this.#restoring = work;
    await work;
  }

  get leaseAttachments(): readonly LeaseAttachment[] {
    return [...this.#history.leaseAttachments];
  }

  takeLeaseAttachments(): Iterable<LeaseAttachment> {
    return this.#history.takeLeaseAttachments();
  }

  get rows(): Rows {
    return this.#history.rows;
  }

  appliedIndex(): { readonly index: bigint; readonly term: bigint } {
    return this.#history.visibleApplied;
  }

  get backend(): Pick<Backend, 'size' | 'sizeInUse' | 'openReadTxN' | 'commits' | 'durable' | 'warnings' | 'failure'> {
    return this.#history.backend;
  }

  get metrics(): StoreMetrics {
    const metrics = this.#metrics.snapshot(this.#history);
    return Object.assign(metrics, ...this.#observers.map((observer) => observer.metrics?.()));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #restore(backend: Backend, earlier: Promise<void> | undefined): Promise<void> {
    // One after another; how the earlier one ended is its caller's matter.
    if (earlier !== undefined) await earlier.catch(() => undefined);
    const next = await restoreHistory(backend, this.#settings.restore, () => {
      this.#history.checkOpen();
    });
    await Promise.all(this.#observers.map(async (observer) => await observer.swapping?.(next)));
    await this.#history.scheduler.stop();
    // Nothing may come between the last look and the swap: what a writer finished here would be lost there.
    while (!this.#publisher.idle) await this.#drain();
    this.#history.checkOpen();
    this.#history.open = false;
    this.#publisher.leave();
    this.#history = next;
    for (const observer of this.#observers) observer.swapped?.(next.visible);
    this.#publisher = this.#newPublisher(next);
    this.#checkpoints = this.#newCheckpoints(next);
    this.#sections = this.#newSections(next);
    this.#compactions = new Compactions(next, this.#checkpoints, this.#metrics, this.#settings.pace);
  }

  /** Waits until nothing is unsettled any more; a failed commit settles everything, too. */
  async #drain(): Promise<void> {
    while (!this.#publisher.idle) {
      await this.#publisher.settled().catch(() => undefined);
      if (!this.#publisher.idle) await this.#history.clock.turn();
    }
  }

  async #close(): Promise<void> {
    const settled = this.#settleAndClose();
    const observers = this.#observers.map(async (observer) => await observer.closing?.(settled));
    await settled;
    await Promise.all(observers);
    this.#publisher.leave();
    await this.#restoring?.catch(() => undefined);
  }

  async #settleAndClose(): Promise<void> {
    await this.#drain();
    this.#history.open = false;
    await this.#history.scheduler.stop();
    await this.#checkpoints?.close();
  }

  /** What has finished is still on its way while the store closes; nothing new begins. */
  #checkWritable(): void {
    if (this.#closing !== undefined) throw closedError();
    this.#history.checkOpen();
  }

  #newCheckpoints(history: History): Checkpoints | undefined {
    return history.savedIndex?.keep(history, this.#observers, this.#settings.checkpointEvery);
  }

  #newPublisher(history: History): Publisher {
    return new Publisher(history, this.#observers, this.durability === 'interval');
  }

  #newSections(history: History): Sections {
    return new Sections(history, this.#publisher, this.#checkpoints, this.#metrics, this.#settings.maxDeletes);
  }
}
