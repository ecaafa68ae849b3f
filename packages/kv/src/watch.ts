/**
 * A watch: one watcher on a bounded stream of the store, pulled event by event or revision by revision.
 *
 * WA1  The watcher is registered in the call that makes the watch, so what is written next is seen (law 4).
 * WA2  With `initial` the watcher is registered first; then the state of exactly the revision it starts after is read.
 *     So there is no gap and no repetition between the two, whatever is written meanwhile.
 * WA3  Nothing is buffered here but the response being handed out; who does not pull fills the store's bounded queue and
 *     is caught up from history later (law 9).
 * WA4  The stream is closed, and the signal let go of, however the watch ends.
 * WA5  Who waits for an event has work to do: a pending pull keeps the process alive, unless the watch is unreferenced.
 *
 * What is handed out and in which order is api/src/watch-hand-out.ts.
 */
import type { KvEvent, Watch, WatchBatch } from '@varve/api';
import {
  WatchHandOut,
  type Bounds,
  type Records,
  type Several,
  type StoredRecord,
  type WatchNews,
  type WatchPlan,
} from '@varve/api/implement';
import { MvccError, type WatchResponse, type WatchStream } from '@varve/watch';
import { onAbort } from '@varve/base/abort';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';

export class StoreWatch<K, V> implements Watch<K, V> {
  readonly #core: Core;
  readonly #watched: Several;
  readonly #plan: WatchPlan;
  readonly #given: WatchHandOut<K, V>;
  readonly #stream: WatchStream;
  #watchId = 0;
  readonly #started: number = 0;
  readonly #stateSize = new ChunkSize();
  #letGo: (() => void) | undefined;
  #referenced = true;
  /** A pull waits for the stream. */
  #waiting = false;
  #release: (() => void) | undefined;

  constructor(core: Core, records: Records<K, V>, watched: Several, plan: WatchPlan) {
    this.#core = core;
    this.#watched = watched;
    this.#plan = plan;
    this.#stream = core.store.newWatchStream();
    this.#given = new WatchHandOut(records, watched, plan, core.world.slice, core.store.rev(), {
      state: (bounds, revision) => this.#state(bounds, revision),
      news: () => this.#news(),
      again: () => {
        // What is queued of the watcher before belongs to what was given up.
        this.#stream.cancel(this.#watchId);
        return this.#register(0);
      },
      failed: (error) => error,
      end: () => {
        core.watches.delete(this.#given.end);
        this.#letGo?.();
        this.#stream.close();
      },
    });
    core.watches.add(this.#given.end);
    try {
      if (plan.signal?.aborted === true) {
        this.#given.end();
        return;
      }
      this.#started = this.#register(plan.from);
      this.#given.begunAt(this.#started);
      this.#letGo = plan.signal && onAbort(plan.signal, this.#given.end);
    } catch (error) {
      this.#given.end();
      throw error;
    }
  }

  get revision(): number {
    return this.#given.revision;
  }

  #register(from: number): number {
    const { previous, only } = this.#plan;
    const { key, end } = this.#watched.hull;
    const filters = only === undefined ? [] : [only === 'put' ? ('nodelete' as const) : ('noput' as const)];
    const { watchId, revision } = this.#stream.watch(key, end, { from, previous, filters });
    this.#watchId = watchId;
    return revision;
  }

  async started(): Promise<number> {
    try {
      this.#plan.signal?.throwIfAborted();
      return this.#started;
    } finally {
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
    }
  }

  ref(): this {
    this.#referenced = true;
    this.#keepAlive();
    return this;
  }

  unref(): this {
    this.#referenced = false;
    this.#keepAlive();
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<KvEvent<K, V>> {
    return this.#given.events();
  }

  batches(): AsyncIterable<WatchBatch<K, V>> {
    return this.#given.batches();
  }

  async close(): Promise<void> {
    this.#given.end();
    if (this.#core.world.slice.over()) await this.#core.world.slice.next();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #state(
    part: Bounds,
    revision: number,
  ): Promise<{ readonly kvs: readonly StoredRecord[]; readonly rest: Bounds | undefined }> {
    const limit = this.#stateSize.entries;
    // One more than is handed out tells whether there is a next part.
    const { kvs } = await this.#core.store.range(part.key, part.end, { revision, limit: limit + 1 });
    const following = kvs[limit];
    const found = following === undefined ? kvs : kvs.slice(0, limit);
    this.#stateSize.learn(found);
    return { kvs: found, rest: following && { key: following.key, end: part.end } };
  }

  async #news(): Promise<WatchNews | undefined> {
    const { progressIntervalMs } = this.#plan;
    const stop =
      progressIntervalMs === undefined
        ? undefined
        : this.#core.world.clock.every(progressIntervalMs, () => this.#stream.requestProgress(this.#watchId));
    try {
      let response = await this.#response();
      // Of the watcher before the state was listed again.
      while (response !== undefined && response.watchId !== this.#watchId) response = await this.#response();
      if (response === undefined) return undefined;
      if (response.type === 'events') return { type: 'events', events: response.events };
      if (response.type === 'compacted') throw this.#compacted(response.compactRevision);
      return { type: 'bookmark', revision: response.revision };
    } finally {
      stop?.();
    }
  }

  async #response(): Promise<WatchResponse | undefined> {
    const ready = this.#stream.poll();
    if (ready !== undefined) return ready;
    this.#waiting = true;
    this.#keepAlive();
    try {
      return await this.#stream.next();
    } finally {
      this.#waiting = false;
      this.#keepAlive();
    }
  }

  #keepAlive(): void {
    const wanted = this.#waiting && this.#referenced;
    if (wanted === (this.#release !== undefined)) return;
    this.#release?.();
    this.#release = wanted ? this.#core.world.clock.keepAlive() : undefined;
  }

  #compacted(compactRevision: number): MvccError {
    const message = `the history this watch needs is compacted; go on from revision ${compactRevision}, or with initial`;
    return new MvccError('MVCC_COMPACTED', message, { compactRevision });
  }
}
