/**
 * A watch of a cluster, pulled event by event or revision by revision.
 *
 * CWA1  It begins behind the newest revision that there is when it is called for, as a quorum knows it: a member that is behind cannot make it
 *      begin earlier. That is one trip; `started()` tells when it is over.
 * CWA2  With `initial` the watcher is there before the state of exactly the revision before it is read: no gap and no repetition (law 4).
 * CWA3  What waits is bounded, and read again from history when it was more (WLI2).
 * CWA4  Several keys and ranges are one watcher of the range around them: what lies in none of them crosses the network.
 * CWA5  The connection of a watch that is open keeps the process alive: grpc-js offers no other. Close it.
 *
 * What is handed out and in which order is api/src/watch-hand-out.ts.
 */
import { codeOf, KvError, type KvEvent, type Watch, type WatchBatch } from '@varve/api';
import {
  compareBytes,
  restBehind,
  WatchHandOut,
  type Bounds,
  type Records,
  type Several,
  type StoredRecord,
  type WatchNews,
  type WatchPlan,
} from '@varve/api/implement';
import { onAbort } from '@varve/base/abort';
import type { Core } from '../core.ts';
import { storedRecord } from '../messages.ts';
import { PageSize } from '../read/page-size.ts';
import type { WatchLine } from './watch-line.ts';

export class ClusterWatch<K, V> implements Watch<K, V> {
  readonly #core: Core;
  readonly #watched: Several;
  readonly #plan: WatchPlan;
  readonly #given: WatchHandOut<K, V>;
  #begun: Promise<number>;
  #line: WatchLine | undefined;
  readonly #stateSize = new PageSize();
  #letGo: (() => void) | undefined;

  constructor(core: Core, records: Records<K, V>, watched: Several, plan: WatchPlan) {
    const { key, end } = watched.hull;
    if (end !== undefined && end.length > 0 && compareBytes(key, end) >= 0)
      throw new KvError(
        'WATCH_EMPTY_RANGE',
        'the range holds no key: its end is at or before its start; give a later end',
      );
    this.#core = core;
    this.#watched = watched;
    this.#plan = plan;
    this.#given = new WatchHandOut(records, watched, plan, core.world.slice, core.calls.seen, {
      ready: () => this.#begun,
      state: (bounds, revision) => this.#state(bounds, revision),
      news: () => this.#news(),
      again: () => {
        this.#line?.close();
        return this.#begin(0);
      },
      failed: (error) => (codeOf(error) === 'KV_CLOSED' ? undefined : core.explained(error)),
      end: () => {
        core.ends.delete(this.#given.end);
        this.#letGo?.();
        this.#line?.close();
      },
    });
    core.ends.add(this.#given.end);
    if (plan.signal?.aborted === true) {
      this.#given.end();
      this.#begun = Promise.resolve(0);
      return;
    }
    this.#letGo = plan.signal && onAbort(plan.signal, this.#given.end);
    this.#begun = this.#begin(plan.from).then((present) => {
      if (!this.#given.closed) this.#given.begunAt(present);
      return present;
    });
    // Who pulls, or asks when it started, is told.
    this.#begun.catch(() => undefined);
  }

  get revision(): number {
    return this.#given.revision;
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
    return this.#given.events();
  }

  batches(): AsyncIterable<WatchBatch<K, V>> {
    return this.#given.batches();
  }

  async close(): Promise<void> {
    this.#given.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The watcher, behind the present or from a revision on. Resolves with the present revision. */
  async #begin(from: number): Promise<number> {
    const { present, floor } = await this.#beginning(from);
    if (this.#given.closed) return present;
    const { previous, only, progressIntervalMs } = this.#plan;
    const watched = { bounds: this.#watched.hull, previous, only, exact: progressIntervalMs !== undefined };
    this.#line = this.#core.hub.open(watched, from === 0 ? present + 1 : from, floor, present);
    return present;
  }

  /**
   * The present, and the oldest revision that the watcher needs: that before its first one, so that nothing of that one is lost; or where
   * it begins at the compacted revision, as who was overtaken goes on, that one with what is left of it.
   */
  async #beginning(from: number): Promise<{ readonly present: number; readonly floor: number }> {
    const [core, { hull }, { signal }] = [this.#core, this.#watched, this.#plan];
    if (from > 1) {
      try {
        return { present: await core.checkReadable(from - 1, hull, signal), floor: from - 1 };
      } catch (error) {
        const code = codeOf(error);
        if (code !== 'MVCC_COMPACTED' && code !== 'MVCC_FUTURE_REVISION') throw error;
        const present = await core.present(hull, signal);
        return { present, floor: code === 'MVCC_COMPACTED' ? from : from - 1 };
      }
    }
    const present = await core.present(hull, signal);
    return { present, floor: from === 0 ? present : 0 };
  }

  async #state(
    bounds: Bounds,
    revision: number,
  ): Promise<{ readonly kvs: readonly StoredRecord[]; readonly rest: Bounds | undefined }> {
    const asked = { bounds, revision, limit: this.#stateSize.entries };
    const { kvs, more } = await this.#core.range(asked, this.#plan.signal);
    this.#stateSize.learn(kvs);
    const last = more ? kvs.at(-1) : undefined;
    return { kvs: kvs.map(storedRecord), rest: last && restBehind(last.key, bounds, false) };
  }

  async #news(): Promise<WatchNews | undefined> {
    const line = this.#line;
    if (line === undefined) return undefined;
    const { progressIntervalMs, signal } = this.#plan;
    const stop =
      progressIntervalMs === undefined ? undefined : this.#core.world.clock.every(progressIntervalMs, () => line.ask());
    try {
      const item = await line.pull(signal);
      return item?.type === 'changes'
        ? { type: 'events', events: item.changes }
        : item && { type: 'bookmark', revision: item.revision };
    } finally {
      stop?.();
    }
  }
}
