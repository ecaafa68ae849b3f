/**
 * What a watch hands out, event by event or revision by revision, wherever it gets it from.
 *
 * WHD1  Single consumer, once. Nothing is held but the part that is being handed out.
 * WHD2  The initial state is handed out whole before `revision` says so: until then a resumed watch could only have a gap.
 * WHD3  Several keys and ranges are one watcher of the range around them (several.ts): one order, each event once. What lies in none of
 *       them is passed over here.
 * WHD4  With `resync`, a compaction that took what the watch needs makes it begin again at the present, and a batch of its own says so before.
 *
 * etcd: clientv3/watch.go. Departs: the events of one revision are told apart, not those of one answer.
 */
import type { Bounds } from './bounds.ts';
import { codeOf, invalidType } from './errors.ts';
import type { KvEvent, WatchBatch } from './kv.ts';
import { Pull, type PullSlice, type Source } from './pull.ts';
import type { Records, StoredChange, StoredRecord } from './records.ts';
import { matchedIn, type Several } from './several.ts';
import { decodedEvent } from './undecodable.ts';
import type { WatchPlan } from './watch-plan.ts';

/** What follows the state: changes, or that everything up to a revision has been told. */
export type WatchNews =
  | { readonly type: 'events'; readonly events: readonly StoredChange[] }
  | { readonly type: 'bookmark'; readonly revision: number };

/** Where a watch gets what it hands out. */
export interface WatchOrigin {
  /** Resolves once `begunAt` was called; absent where that is before the first pull. */
  ready?(): Promise<unknown>;
  /** A part of the state of a revision; `rest` is what it has left of the bounds. */
  state(
    bounds: Bounds,
    revision: number,
  ): Promise<{ readonly kvs: readonly StoredRecord[]; readonly rest: Bounds | undefined }>;
  /** What comes next; `undefined` at the end. Rejects with `MVCC_COMPACTED` where that is gone. */
  news(): Promise<WatchNews | undefined>;
  /** Begins anew behind the present, whose revision it gives. */
  again(): number | Promise<number>;
  /** The error as it goes out; `undefined` for one that ends a watch without a word. */
  failed(error: unknown): unknown;
  /** Gives everything back. Called once. */
  end(): void;
}

type Chunk =
  | { readonly type: 'events'; readonly events: readonly StoredChange[] }
  | { readonly type: 'initial'; readonly kvs: readonly StoredRecord[] }
  /** The state follows again. */
  | { readonly type: 'resync' }
  | { readonly type: 'bookmark' };

export class WatchHandOut<K, V> {
  readonly #records: Records<K, V>;
  readonly #watched: Several;
  readonly #plan: WatchPlan;
  readonly #slice: PullSlice;
  readonly #origin: WatchOrigin;
  /** The revision of the state that is handed out, or was. */
  #stateRevision = 0;
  /** The state was asked for by `resync`. */
  #again = false;
  /** What the next load gives: a part of the initial state, the bookmark after it, or what changed since. */
  #phase: 'state' | 'bookmark' | 'changes';
  /** What is still to be read of the initial state. */
  #stateLeft: readonly Bounds[];
  #chunk: Chunk | undefined;
  #index = 0;
  #revision = 0;
  #pulled = false;
  #closed = false;

  /** @param seen the newest revision that is known: whoever goes on from a watch that never began misses nothing */
  constructor(
    records: Records<K, V>,
    watched: Several,
    plan: WatchPlan,
    slice: PullSlice,
    seen: number,
    origin: WatchOrigin,
  ) {
    this.#records = records;
    this.#watched = watched;
    this.#plan = plan;
    this.#slice = slice;
    this.#origin = origin;
    this.#phase = plan.initial ? 'state' : 'changes';
    this.#stateLeft = watched.union;
    if (!plan.initial) this.#revision = plan.from === 0 ? seen : plan.from - 1;
  }

  get revision(): number {
    return this.#revision;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The watcher is there, and this is the present revision. */
  begunAt(present: number): void {
    this.#stateRevision = present;
    if (this.#plan.from === 0 && this.#phase === 'changes') this.#revision = Math.max(this.#revision, present);
  }

  events(): Pull<KvEvent<K, V>> {
    if (this.#plan.resync) throw invalidType('a watch with resync is read as batches(), which say when it lists again');
    return this.#pull(() => this.#nextEvent());
  }

  batches(): Pull<WatchBatch<K, V>> {
    return this.#pull(() => this.#nextBatch());
  }

  readonly end = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunk = undefined;
    this.#origin.end();
  };

  #pull<T>(take: () => T | undefined): Pull<T> {
    if (this.#pulled) throw invalidType('a watch is iterated once; make another for a second consumer');
    this.#pulled = true;
    const source: Source<T> = { take, load: () => this.#load(), close: this.end };
    return new Pull(source, this.#slice);
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
      for (
        let same: StoredChange | undefined = raw;
        same?.kv.modRevision === revision;
        same = chunk.events[this.#index]
      ) {
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
  #event(raw: StoredChange): KvEvent<K, V> | undefined {
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
      if (this.#origin.ready !== undefined) await this.#origin.ready();
      return await (this.#phase === 'changes' ? this.#changes() : this.#initial());
    } catch (error) {
      // Closing ends a watch without error, also under a read of the initial state.
      if (this.#closed) return undefined;
      if (this.#plan.resync && codeOf(error) === 'MVCC_COMPACTED') return this.#listAgain();
      const failure = await this.#origin.failed(error);
      if (failure !== undefined) throw failure;
      return undefined;
    }
  }

  /** From here on the present state, and what comes after it (WHD4). */
  async #listAgain(): Promise<Chunk> {
    this.#stateLeft = this.#watched.union;
    this.#again = true;
    this.#phase = 'state';
    this.#stateRevision = await this.#origin.again();
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
  async #state(): Promise<readonly StoredRecord[]> {
    for (let [part, ...others] = this.#stateLeft; part !== undefined; [part, ...others] = this.#stateLeft) {
      const { kvs, rest } = await this.#origin.state(part, this.#stateRevision);
      this.#stateLeft = rest === undefined ? others : [rest, ...others];
      if (this.#stateLeft.length === 0) this.#phase = 'bookmark';
      if (kvs.length > 0) return kvs;
    }
    this.#phase = 'bookmark';
    return [];
  }

  /** A part of the state has been handed out: with the last one, everything up to the beginning has (WHD2). */
  #stateGiven(): void {
    if (this.#phase === 'bookmark') this.#revision = this.#stateRevision;
  }

  async #changes(): Promise<Chunk | undefined> {
    const news = await this.#origin.news();
    if (news?.type === 'bookmark') this.#revision = Math.max(this.#revision, news.revision);
    return news;
  }
}
