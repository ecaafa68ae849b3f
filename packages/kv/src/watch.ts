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
 * WA6  The initial state is handed out whole before `revision` says so: until then a resumed watch could only have a gap.
 *
 * etcd: clientv3/watch.go. Departs: the events of one revision are told apart, not those of one response.
 */
import type { KvEvent, Watch, WatchBatch } from '@varve/api';
import { invalidType, type Bounds, type Records, type WatchPlan } from '@varve/api/implement';
import { MvccError, type Event, type KeyValue, type WatchResponse, type WatchStream } from '@varve/watch';
import { onAbort } from '@varve/base/abort';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';
import { Pull, type Source } from './pull.ts';

/** What is being handed out. */
type Chunk =
  | { readonly type: 'events'; readonly events: readonly Event[] }
  | { readonly type: 'initial'; readonly kvs: readonly KeyValue[] }
  | { readonly type: 'bookmark' };

export class StoreWatch<K, V> implements Watch<K, V> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #bounds: Bounds;
  readonly #plan: WatchPlan;
  readonly #stream: WatchStream;
  readonly #watchId: number = 0;
  readonly #started: number = 0;
  /** What the next load gives: a part of the initial state, the bookmark after it, or what changed since. */
  #phase: 'state' | 'bookmark' | 'changes';
  /** Where the initial state is read on. */
  #stateFrom: Uint8Array;
  readonly #stateSize = new ChunkSize();
  #chunk: Chunk | undefined;
  #index = 0;
  #revision = 0;
  #pulled = false;
  #closed = false;
  #letGo: (() => void) | undefined;
  #referenced = true;
  /** A pull waits for the stream. */
  #waiting = false;
  #release: (() => void) | undefined;

  constructor(core: Core, records: Records<K, V>, bounds: Bounds, plan: WatchPlan) {
    this.#core = core;
    this.#records = records;
    this.#bounds = bounds;
    this.#plan = plan;
    this.#phase = plan.initial ? 'state' : 'changes';
    this.#stateFrom = bounds.key;
    this.#stream = core.store.newWatchStream();
    core.watches.add(this.#end);
    // Also of a watch that its signal ends before it begins: whoever goes on from there misses nothing.
    if (!plan.initial) this.#revision = plan.from === 0 ? core.store.rev() : plan.from - 1;
    try {
      if (plan.signal?.aborted === true) {
        this.#end();
        return;
      }
      const { watchId, revision } = this.#stream.watch(bounds.key, bounds.end, {
        from: plan.from,
        previous: plan.previous,
        filters: plan.only === undefined ? [] : [plan.only === 'put' ? 'nodelete' : 'noput'],
      });
      this.#watchId = watchId;
      this.#started = revision;
      this.#letGo = plan.signal && onAbort(plan.signal, this.#end);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  get revision(): number {
    return this.#revision;
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
    return this.#pull(() => this.#nextEvent());
  }

  batches(): AsyncIterable<WatchBatch<K, V>> {
    return this.#pull(() => this.#nextBatch());
  }

  async close(): Promise<void> {
    this.#end();
    if (this.#core.world.slice.over()) await this.#core.world.slice.next();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #end = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#core.watches.delete(this.#end);
    this.#letGo?.();
    this.#stream.close();
    this.#chunk = undefined;
  };

  #pull<T>(take: () => T | undefined): Pull<T> {
    if (this.#pulled) throw invalidType('a watch is iterated once; make another for a second consumer');
    this.#pulled = true;
    const source: Source<T> = { take, load: () => this.#load(), close: this.#end };
    return new Pull(source, this.#core.world.slice);
  }

  #nextEvent(): KvEvent<K, V> | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined) return undefined;
    if (chunk.type === 'bookmark') {
      this.#chunk = undefined;
      return undefined;
    }
    const index = this.#index++;
    if (chunk.type === 'initial') {
      const kv = chunk.kvs[index];
      if (kv === undefined) return undefined;
      const event = this.#records.putEvent(kv);
      if (index === chunk.kvs.length - 1) this.#stateGiven();
      return event;
    }
    const raw = chunk.events[index];
    if (raw === undefined) return undefined;
    const event = this.#records.event(raw);
    if (chunk.events[index + 1]?.kv.modRevision !== event.revision) this.#revision = event.revision;
    return event;
  }

  #nextBatch(): WatchBatch<K, V> | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined) return undefined;
    if (chunk.type !== 'events') {
      this.#chunk = undefined;
      if (chunk.type === 'bookmark') return { revision: this.#revision, events: [], initial: false };
      const events = chunk.kvs.map((kv) => this.#records.putEvent(kv));
      this.#stateGiven();
      return { revision: this.#started, events, initial: true };
    }
    const first = chunk.events[this.#index];
    if (first === undefined) return undefined;
    const revision = first.kv.modRevision;
    const events: KvEvent<K, V>[] = [];
    for (let raw: Event | undefined = first; raw?.kv.modRevision === revision; raw = chunk.events[this.#index]) {
      events.push(this.#records.event(raw));
      this.#index++;
    }
    this.#revision = revision;
    return { revision, events, initial: false };
  }

  async #load(): Promise<boolean> {
    this.#plan.signal?.throwIfAborted();
    if (this.#closed) return false;
    const chunk = await this.#nextChunk();
    this.#plan.signal?.throwIfAborted();
    if (chunk === undefined || this.#closed) return false;
    this.#chunk = chunk;
    this.#index = 0;
    return true;
  }

  async #nextChunk(): Promise<Chunk | undefined> {
    try {
      return await (this.#phase === 'changes' ? this.#next() : this.#initial());
    } catch (error) {
      // Closing ends a watch without error, also under a read of the initial state.
      if (this.#closed) return undefined;
      throw error;
    }
  }

  async #initial(): Promise<Chunk> {
    if (this.#phase === 'state') {
      const kvs = await this.#state();
      if (kvs.length > 0) return { type: 'initial', kvs };
    }
    this.#stateGiven();
    this.#phase = 'changes';
    return { type: 'bookmark' };
  }

  /** The next part of the initial state; the phase says whether it is the last one. */
  async #state(): Promise<readonly KeyValue[]> {
    const limit = this.#stateSize.entries;
    // One more than is handed out tells whether there is a next part (WA6).
    const read = { revision: this.#started, limit: limit + 1 };
    const { kvs } = await this.#core.store.range(this.#stateFrom, this.#bounds.end, read);
    const following = kvs[limit];
    if (following === undefined) this.#phase = 'bookmark';
    else this.#stateFrom = following.key;
    const part = following === undefined ? kvs : kvs.slice(0, limit);
    this.#stateSize.learn(part);
    return part;
  }

  /** A part of the state has been handed out: with the last one, everything up to the beginning has (WA6). */
  #stateGiven(): void {
    if (this.#phase === 'bookmark') this.#revision = this.#started;
  }

  async #next(): Promise<Chunk | undefined> {
    const { progressIntervalMs } = this.#plan;
    const stop =
      progressIntervalMs === undefined
        ? undefined
        : this.#core.world.clock.every(progressIntervalMs, () => this.#stream.requestProgress(this.#watchId));
    try {
      const response = await this.#response();
      if (response === undefined) return undefined;
      if (response.type === 'events') return { type: 'events', events: response.events };
      if (response.type === 'compacted') throw this.#compacted(response.compactRevision);
      this.#revision = Math.max(this.#revision, response.revision);
      return { type: 'bookmark' };
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
