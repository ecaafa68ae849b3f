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
 * WA7  Several keys and ranges are one watcher of the range around them (api/src/several.ts): one order, each event once. What
 *     lies in none of them is passed over here.
 * WA8  With `resync`, a compaction that took what the watch needs makes it begin again as WA2 says, at the present, and a batch
 *     of its own says so before.
 *
 * etcd: clientv3/watch.go. Departs: the events of one revision are told apart, not those of one response.
 */
import { codeOf, type KvEvent, type Watch, type WatchBatch } from '@varve/api';
import {
  decodedEvent,
  invalidType,
  matchedIn,
  type Bounds,
  type Records,
  type Several,
  type WatchPlan,
} from '@varve/api/implement';
import { MvccError, type Event, type KeyValue, type WatchResponse, type WatchStream } from '@varve/watch';
import { onAbort } from '@varve/base/abort';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';
import { Pull, type Source } from './pull.ts';

/** What is being handed out. */
type Chunk =
  | { readonly type: 'events'; readonly events: readonly Event[] }
  | { readonly type: 'initial'; readonly kvs: readonly KeyValue[] }
  /** The state follows again. */
  | { readonly type: 'resync' }
  | { readonly type: 'bookmark' };

export class StoreWatch<K, V> implements Watch<K, V> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #watched: Several;
  readonly #plan: WatchPlan;
  readonly #stream: WatchStream;
  #watchId = 0;
  readonly #started: number = 0;
  /** The revision of the state that is handed out, or was. */
  #stateRevision = 0;
  /** The state was asked for by `resync`. */
  #again = false;
  /** What the next load gives: a part of the initial state, the bookmark after it, or what changed since. */
  #phase: 'state' | 'bookmark' | 'changes';
  /** What is still to be read of the initial state. */
  #stateLeft: readonly Bounds[];
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

  constructor(core: Core, records: Records<K, V>, watched: Several, plan: WatchPlan) {
    this.#core = core;
    this.#records = records;
    this.#watched = watched;
    this.#plan = plan;
    this.#phase = plan.initial ? 'state' : 'changes';
    this.#stateLeft = watched.union;
    this.#stream = core.store.newWatchStream();
    core.watches.add(this.#end);
    // Also of a watch that its signal ends before it begins: whoever goes on from there misses nothing.
    if (!plan.initial) this.#revision = plan.from === 0 ? core.store.rev() : plan.from - 1;
    try {
      if (plan.signal?.aborted === true) {
        this.#end();
        return;
      }
      this.#started = this.#register(plan.from);
      this.#stateRevision = this.#started;
      this.#letGo = plan.signal && onAbort(plan.signal, this.#end);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  get revision(): number {
    return this.#revision;
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
    if (this.#plan.resync) throw invalidType('a watch with resync is read as batches(), which say when it lists again');
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
    if (chunk.type === 'initial') {
      for (let kv = chunk.kvs[this.#index]; kv !== undefined; kv = chunk.kvs[this.#index]) {
        const event = this.#event({ type: 'put', kv });
        if (++this.#index === chunk.kvs.length) this.#stateGiven();
        if (event !== undefined) return event;
      }
      return undefined;
    }
    if (chunk.type !== 'events') {
      this.#chunk = undefined;
      return undefined;
    }
    for (let raw = chunk.events[this.#index]; raw !== undefined; raw = chunk.events[this.#index]) {
      const event = this.#event(raw);
      const { modRevision } = raw.kv;
      if (chunk.events[++this.#index]?.kv.modRevision !== modRevision) this.#revision = modRevision;
      if (event !== undefined) return event;
    }
    return undefined;
  }

  #nextBatch(): WatchBatch<K, V> | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined) return undefined;
    if (chunk.type !== 'events') {
      this.#chunk = undefined;
      if (chunk.type === 'bookmark') return { revision: this.#revision, events: [], initial: false };
      const events = chunk.type === 'resync' ? [] : chunk.kvs.flatMap((kv) => this.#event({ type: 'put', kv }) ?? []);
      if (chunk.type === 'initial') this.#stateGiven();
      // An empty one would say that the state begins.
      if (chunk.type === 'initial' && events.length === 0) return undefined;
      const batch = { revision: this.#stateRevision, events, initial: true };
      return this.#again ? { ...batch, resync: true } : batch;
    }
    for (let raw = chunk.events[this.#index]; raw !== undefined; raw = chunk.events[this.#index]) {
      const revision = raw.kv.modRevision;
      const events: KvEvent<K, V>[] = [];
      for (let same: Event | undefined = raw; same?.kv.modRevision === revision; same = chunk.events[this.#index]) {
        const event = this.#event(same);
        if (event !== undefined) events.push(event);
        this.#index++;
      }
      this.#revision = revision;
      if (events.length > 0) return { revision, events, initial: false };
    }
    return undefined;
  }

  /** The event as it is handed out; `undefined` for one that is passed over. */
  #event(raw: Pick<Event, 'type' | 'kv' | 'previous'>): KvEvent<K, V> | undefined {
    const { parts } = this.#watched;
    const { undecodable } = this.#plan;
    if (parts === undefined) return decodedEvent(this.#records, undecodable, raw);
    const ranges = matchedIn(parts, raw.kv.key);
    if (ranges.length === 0) return undefined;
    const event = decodedEvent(this.#records, undecodable, raw);
    return event && { ...event, ranges };
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
      if (this.#plan.resync && codeOf(error) === 'MVCC_COMPACTED') return this.#listAgain();
      throw error;
    }
  }

  /** From here on the present state, and what comes after it (WA8). */
  #listAgain(): Chunk {
    // What is queued of the watcher before belongs to what was given up.
    this.#stream.cancel(this.#watchId);
    this.#stateRevision = this.#register(0);
    this.#stateLeft = this.#watched.union;
    this.#again = true;
    this.#phase = 'state';
    return { type: 'resync' };
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
    for (let [part, ...rest] = this.#stateLeft; part !== undefined; [part, ...rest] = this.#stateLeft) {
      const limit = this.#stateSize.entries;
      // One more than is handed out tells whether there is a next part (WA6).
      const read = { revision: this.#stateRevision, limit: limit + 1 };
      const { kvs } = await this.#core.store.range(part.key, part.end, read);
      const following = kvs[limit];
      this.#stateLeft = following === undefined ? rest : [{ key: following.key, end: part.end }, ...rest];
      const found = following === undefined ? kvs : kvs.slice(0, limit);
      this.#stateSize.learn(found);
      if (this.#stateLeft.length === 0) this.#phase = 'bookmark';
      if (found.length > 0) return found;
    }
    this.#phase = 'bookmark';
    return [];
  }

  /** A part of the state has been handed out: with the last one, everything up to the beginning has (WA6). */
  #stateGiven(): void {
    if (this.#phase === 'bookmark') this.#revision = this.#stateRevision;
  }

  async #next(): Promise<Chunk | undefined> {
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
