/**
 * A watch of a cluster, pulled event by event or revision by revision.
 *
 * CWA1  It begins behind the newest revision that there is when it is called for, as a quorum knows it: a member that is behind cannot make it
 *      begin earlier. That is one trip; `started()` tells when it is over.
 * CWA2  With `initial` the watcher is there before the state of exactly the revision before it is read: no gap and no repetition (law 4).
 * CWA3  What waits is bounded, and read again from history when it was more (WLI2).
 * CWA4  Several keys and ranges are one watcher of the range around them: one order, each event once. What lies in none of them crosses the
 *      network, and is passed over here.
 * CWA5  With `resync`, a compaction that took what the watch needs makes it begin again at the present, and a batch of its own says so before.
 * CWA6  The connection of a watch that is open keeps the process alive: grpc-js offers no other. Close it.
 *
 * etcd: clientv3/watch.go. Departs: the events of one revision are told apart, not those of one answer.
 */
import { codeOf, KvError, type KvEvent, type Watch, type WatchBatch } from '@varve/api';
import {
  compareBytes,
  decodedEvent,
  invalidType,
  matchedIn,
  Pull,
  type Bounds,
  type Records,
  type Several,
  type Source,
  type StoredChange,
  type StoredRecord,
  type WatchPlan,
} from '@varve/api/implement';
import { onAbort } from '@varve/base/abort';
import type { Core } from '../core.ts';
import { storedRecord } from '../messages.ts';
import { PageSize } from '../read/page-size.ts';
import { restBehind } from '../read/range-walk.ts';
import type { WatchLine } from './watch-line.ts';

/** What is being handed out. */
type Chunk =
  | { readonly type: 'events'; readonly events: readonly StoredChange[] }
  | { readonly type: 'initial'; readonly kvs: readonly StoredRecord[] }
  /** The state follows again. */
  | { readonly type: 'resync' }
  | { readonly type: 'bookmark' };

export class ClusterWatch<K, V> implements Watch<K, V> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #watched: Several;
  readonly #plan: WatchPlan;
  readonly #begun: Promise<number>;
  #line: WatchLine | undefined;
  /** The revision of the state that is handed out, or was. */
  #stateRevision = 0;
  /** The state was asked for by `resync`. */
  #again = false;
  /** What the next load gives: a part of the initial state, the bookmark after it, or what changed since. */
  #phase: 'state' | 'bookmark' | 'changes';
  #stateLeft: readonly Bounds[];
  readonly #stateSize = new PageSize();
  #chunk: Chunk | undefined;
  #index = 0;
  #revision = 0;
  #pulled = false;
  #closed = false;
  #letGo: (() => void) | undefined;

  constructor(core: Core, records: Records<K, V>, watched: Several, plan: WatchPlan) {
    const { key, end } = watched.hull;
    if (end !== undefined && end.length > 0 && compareBytes(key, end) >= 0)
      throw new KvError('WATCH_EMPTY_RANGE', 'the range of the watch holds no key: its end is at or before its start');
    this.#core = core;
    this.#records = records;
    this.#watched = watched;
    this.#plan = plan;
    this.#phase = plan.initial ? 'state' : 'changes';
    this.#stateLeft = watched.union;
    // Whoever goes on from there before it has begun misses nothing.
    if (!plan.initial) this.#revision = plan.from === 0 ? core.calls.seen : plan.from - 1;
    core.ends.add(this.#end);
    if (plan.signal?.aborted === true) {
      this.#end();
      this.#begun = Promise.resolve(0);
      return;
    }
    this.#letGo = plan.signal && onAbort(plan.signal, this.#end);
    this.#begun = this.#begin(plan.from);
    // Who pulls, or asks when it started, is told.
    this.#begun.catch(() => undefined);
  }

  get revision(): number {
    return this.#revision;
  }

  async started(): Promise<number> {
    this.#plan.signal?.throwIfAborted();
    return this.#begun;
  }

  ref(): this {
    return this;
  }

  unref(): this {
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
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The watcher, behind the present or from a revision on. Resolves with the present revision. */
  async #begin(from: number): Promise<number> {
    const present = await this.#core.present(this.#watched.hull, this.#plan.signal);
    if (this.#closed) return present;
    const { previous, only, progressIntervalMs } = this.#plan;
    const watched = { bounds: this.#watched.hull, previous, only, exact: progressIntervalMs !== undefined };
    this.#line = this.#core.hub.open(watched, from === 0 ? present + 1 : from);
    this.#stateRevision = present;
    if (from === 0 && this.#phase === 'changes') this.#revision = Math.max(this.#revision, present);
    return present;
  }

  readonly #end = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#core.ends.delete(this.#end);
    this.#letGo?.();
    this.#line?.close();
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
      await this.#begun;
      return await (this.#phase === 'changes' ? this.#next() : this.#initial());
    } catch (error) {
      // Closing ends a watch without error, also under a read of the initial state.
      if (this.#closed || codeOf(error) === 'KV_CLOSED') return undefined;
      if (this.#plan.resync && codeOf(error) === 'MVCC_COMPACTED') return this.#listAgain();
      throw await this.#core.explained(error);
    }
  }

  /** From here on the present state, and what comes after it (CWA5). */
  async #listAgain(): Promise<Chunk> {
    this.#line?.close();
    this.#stateLeft = this.#watched.union;
    this.#again = true;
    this.#phase = 'state';
    await this.#begin(0);
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
    for (let [part, ...rest] = this.#stateLeft; part !== undefined; [part, ...rest] = this.#stateLeft) {
      const asked = { bounds: part, revision: this.#stateRevision, limit: this.#stateSize.entries };
      const { kvs, more } = await this.#core.range(asked, this.#plan.signal);
      const last = more ? kvs.at(-1) : undefined;
      this.#stateLeft = last === undefined ? rest : [restBehind(last.key, part, false), ...rest];
      this.#stateSize.learn(kvs);
      if (this.#stateLeft.length === 0) this.#phase = 'bookmark';
      if (kvs.length > 0) return kvs.map(storedRecord);
    }
    this.#phase = 'bookmark';
    return [];
  }

  /** A part of the state has been handed out: with the last one, everything up to the beginning has. */
  #stateGiven(): void {
    if (this.#phase === 'bookmark') this.#revision = this.#stateRevision;
  }

  async #next(): Promise<Chunk | undefined> {
    const line = this.#line;
    if (line === undefined) return undefined;
    const { progressIntervalMs, signal } = this.#plan;
    const stop =
      progressIntervalMs === undefined ? undefined : this.#core.world.clock.every(progressIntervalMs, () => line.ask());
    try {
      const item = await line.pull(signal);
      if (item === undefined) return undefined;
      if (item.type === 'changes') return { type: 'events', events: item.changes };
      this.#revision = Math.max(this.#revision, item.revision);
      return { type: 'bookmark' };
    } finally {
      stop?.();
    }
  }
}
