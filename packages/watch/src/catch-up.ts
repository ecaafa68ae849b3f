/**
 * Brings unsynced watchers to the present, from history, in passes.
 *
 *   position -> cohort            one pass, for each cohort, oldest first, 512 watchers in all:
 *       2  -> { w1, w2, w7 }        window = history from the position on   (may await)
 *     907  -> { w3 }                each watcher: notice, or batch, or nothing; then it stands at the window's end
 *
 * CU1  Watchers at the same revision are one cohort: history is read once for all of them, and they stay together.
 *     A cohort whose position is inside the window joins.
 * CU2  Each watcher is served in one synchronous step that looks at everything anew (cancelled, compacted, visible
 *     moved): between two of them anything may have happened. A slice lasts 5 ms (law 10); then others get
 *     as much time (pace.ts), as long as those who are behind come nearer.
 * CU3  A pass runs when there is a watcher that can move on, never otherwise: one whose queue takes no more waits with
 *     the queue, and comes back when its consumer reads. So there is nothing to retry, and no timer.
 * CU4  What history has lost ends with one notice (`minRevision` below the compacted revision), also in the middle.
 *
 * etcd: watchable_store.go, syncWatchers (spec 6). Departs: CU1, CU3; a notice that finds no room waits as CU3 says.
 */
import { MvccError, type Store } from '@varve/mvcc';
import type { Clock } from './clock.ts';
import { backgroundError } from './diagnostics.ts';
import type { EventQueue } from './event-queue.ts';
import type { History } from './history.ts';
import type { HistoryWindow } from './history-window.ts';
import { Pace } from './pace.ts';
import type { WatchResponse } from './watchable-store.ts';
import type { Watcher } from './watcher.ts';

/** Of what catch-up hands out, the part that may be written meanwhile: it gains on writers, if need be at their cost. */
const WRITERS_PART = 1 / 2;

/** What the pass needs of the places around it. */
export interface CatchUpMoves {
  visible(): number;
  toSynced(watcher: Watcher): void;
  toVictim(watcher: Watcher, response: WatchResponse, weight: number): void;
  toCompacted(watcher: Watcher): void;
  delivered(response: WatchResponse): void;
  /** An unsynced watcher has moved on to `revision`. */
  nearer(revision: number): void;
  /** History cannot be read: the watcher's stream ends with the error. */
  failed(watcher: Watcher, error: unknown): void;
  /** Watchers wait with this queue until it has room. */
  stalled(queue: EventQueue): void;
  /** A pass has ended: watchers that wait with a queue that has room by now may come back. */
  passed(): void;
}

/** Readings in a row that compaction may overtake before we stop believing in it. */
const MOST_OVERTAKEN = 8;

export class CatchUp {
  readonly #store: Store;
  readonly #history: History;
  readonly #moves: CatchUpMoves;
  readonly #clock: Clock;
  readonly #watchersPerPass: number;
  readonly #scanIdleMs: number;
  readonly #pace: Pace;
  /** By `minRevision`, which stays as it is while a watcher is in here. In order of arrival, so nobody starves. */
  readonly #cohorts: Map<number, Set<Watcher>> = new Map();
  #scheduled = false;
  #running: Promise<void> | undefined;
  #closed = false;
  /** What may be visible by now, for what has been handed out since the passes began: `WRITERS_PART` of it was written. */
  #limit = 0;
  #overtaken = 0;
  #cancelRelease: (() => void) | undefined;

  constructor(
    store: Store,
    history: History,
    moves: CatchUpMoves,
    clock: Clock,
    limits: { readonly watchersPerPass: number; readonly scanIdleMs: number },
  ) {
    this.#store = store;
    this.#history = history;
    this.#moves = moves;
    this.#clock = clock;
    this.#pace = new Pace(clock, store);
    this.#watchersPerPass = limits.watchersPerPass;
    this.#scanIdleMs = limits.scanIdleMs;
  }

  /** Watchers that the next passes will look at. */
  get size(): number {
    let size = 0;
    for (const cohort of this.#cohorts.values()) size += cohort.size;
    return size;
  }

  get idle(): boolean {
    return this.#cohorts.size === 0;
  }

  add(watcher: Watcher): void {
    this.#join(watcher);
    this.#schedule();
  }

  remove(watcher: Watcher): void {
    const { minRevision } = watcher;
    const cohort = this.#cohorts.get(minRevision);
    if (cohort?.delete(watcher) !== true) throw new Error('catch-up: the watcher is not in its cohort');
    if (cohort.size === 0) this.#cohorts.delete(minRevision);
    if (watcher.returning) {
      watcher.returning = false;
      watcher.queue.returning--;
    }
  }

  /** One pass. Never called while another one runs. */
  async runPass(): Promise<void> {
    let room = this.#watchersPerPass;
    for (const position of [...this.#cohorts.keys()]) {
      if (room <= 0 || this.#closed) break;
      room -= await this.#serveFrom(position, room);
    }
    this.#moves.passed();
  }

  /** The data below are others: nothing read before may be used. */
  restart(): void {
    void this.#history.release();
    this.#schedule();
  }

  /** Resolves when nothing runs any more, and nothing is pinned. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRelease?.();
    await this.#history.release();
    await this.#running;
  }

  #join(watcher: Watcher): void {
    const { minRevision } = watcher;
    const cohort = this.#cohorts.get(minRevision);
    if (cohort === undefined) this.#cohorts.set(minRevision, new Set([watcher]));
    else cohort.add(watcher);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed || this.#running !== undefined || this.#cohorts.size === 0) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      if (this.#running === undefined && this.#cohorts.size > 0 && !this.#closed) this.#running = this.#run();
    });
  }

  /** Passes until there is nobody left to serve. Never rejects. */
  async #run(): Promise<void> {
    this.#cancelRelease?.();
    this.#cancelRelease = undefined;
    this.#pace.begin();
    this.#limit = this.#moves.visible();
    try {
      while (this.#cohorts.size > 0 && !this.#closed) {
        await this.runPass();
        await this.#pace.rest(0);
      }
    } catch (error) {
      backgroundError('catch-up', error);
      for (const cohort of this.#cohorts.values()) this.#fail(cohort, error);
    } finally {
      this.#running = undefined;
      this.#pace.leave();
    }
    if (!this.#closed && this.#history.holds) {
      this.#cancelRelease = this.#clock.after(this.#scanIdleMs, () => void this.#history.release());
    }
  }

  /** Serves the cohort at `position`, and those that its window reaches; returns how many watchers it served. */
  async #serveFrom(position: number, room: number): Promise<number> {
    let served = this.#noticesAt(position, room) + this.#futureAt(position);
    if (served >= room || !this.#cohorts.has(position)) return served;
    const alone = this.size === 1;
    const window = await this.#windowAt(position);
    if (window === undefined) return served;
    this.#limit += this.#gain(position, window, room - served) * WRITERS_PART;
    for (const from of [position, ...this.#cohorts.keys()]) {
      if (from < window.from || from >= window.to) continue;
      served += await this.#serveCohort(from, window, room - served);
      if (served >= room) break;
    }
    // It has moved on: nobody is left who needs what was read. Kept, thousands of changes would outlive their use.
    if (alone && this.#cohorts.has(window.to)) this.#history.forget(window);
    await this.#pace.rest(this.#limit);
    return served;
  }

  async #windowAt(position: number): Promise<HistoryWindow | undefined> {
    const ready = this.#history.ready(position);
    if (ready !== undefined) return ready;
    try {
      const window = await this.#history.read(position, this.#moves.visible() + 1);
      this.#overtaken = 0;
      this.#pace.turned();
      return window;
    } catch (error) {
      this.#readFailed(position, error);
      return undefined;
    }
  }

  #readFailed(position: number, error: unknown): void {
    if (this.#closed || isAbort(error)) return;
    // Overtaken by a compaction: the next pass finds it out, and gives notice or reads again from where it may.
    if (error instanceof MvccError && error.code === 'MVCC_COMPACTED' && ++this.#overtaken < MOST_OVERTAKEN) return;
    backgroundError('catch-up', error);
    const cohort = this.#cohorts.get(position);
    if (cohort !== undefined) this.#fail(cohort, error);
  }

  #fail(cohort: ReadonlySet<Watcher>, error: unknown): void {
    for (const watcher of [...cohort]) if (watcher.place === 'unsynced') this.#moves.failed(watcher, error);
  }

  /** By how many revisions all who are behind come nearer, on average, when those at the position have the window. */
  #gain(position: number, window: HistoryWindow, room: number): number {
    const served = Math.min(room, this.#cohorts.get(position)?.size ?? 0);
    return ((window.to - window.from) * served) / this.size;
  }

  async #serveCohort(from: number, window: HistoryWindow, room: number): Promise<number> {
    const cohort = this.#cohorts.get(from);
    if (cohort === undefined) return 0;
    let served = 0;
    for (const watcher of cohort) {
      if (served === room || this.#closed) break;
      while (!window.prepare(watcher, () => this.#pace.sliceOver)) await this.#pace.rest(this.#limit);
      // Cancelled meanwhile; or the window is history of another store.
      if (watcher.place !== 'unsynced') continue;
      if (!this.#history.current(window)) break;
      this.#serve(watcher, window);
      served++;
      if (this.#pace.sliceOver) await this.#pace.rest(this.#limit);
    }
    return served;
  }

  #noticesAt(position: number, room: number): number {
    const compacted = this.#store.firstRev();
    const cohort = this.#cohorts.get(position);
    if (cohort === undefined || position >= compacted) return 0;
    let served = 0;
    for (const watcher of cohort) {
      if (served === room) break;
      this.#notice(watcher, compacted);
      served++;
    }
    return served;
  }

  /** A restore can move the present below a watcher: it is ahead of it then, and waits for it as a synced one. */
  #futureAt(position: number): number {
    const cohort = this.#cohorts.get(position);
    if (cohort === undefined || position <= this.#moves.visible()) return 0;
    const watchers = [...cohort];
    for (const watcher of watchers) {
      this.remove(watcher);
      this.#moves.toSynced(watcher);
    }
    return watchers.length;
  }

  #notice(watcher: Watcher, compactRevision: number): void {
    this.remove(watcher);
    const { queue } = watcher;
    if (queue.offer({ type: 'compacted', watchId: watcher.id, compactRevision })) this.#moves.toCompacted(watcher);
    else this.#wait(watcher);
  }

  /** The synchronous step for one watcher (CU2). */
  #serve(watcher: Watcher, window: HistoryWindow): void {
    const compacted = this.#store.firstRev();
    if (watcher.minRevision < compacted) {
      this.#notice(watcher, compacted);
      return;
    }
    const { queue } = watcher;
    this.remove(watcher);
    if (!queue.takesHistory) {
      this.#wait(watcher);
      return;
    }
    const { events, weight } = window.batch(watcher);
    const visible = this.#moves.visible();
    watcher.minRevision = window.to;
    if (events.length > 0) {
      const response: WatchResponse = { type: 'events', watchId: watcher.id, events, revision: visible };
      if (!queue.offer(response, weight)) {
        this.#moves.toVictim(watcher, response, weight);
        return;
      }
      this.#moves.delivered(response);
    }
    if (watcher.minRevision > visible) this.#moves.toSynced(watcher);
    else {
      this.#moves.nearer(window.to);
      // Those who wait for the same queue come first: else its watchers would drift apart, each with a reading of its own.
      if (queue.waiting.size > 0) this.#wait(watcher);
      else this.#join(watcher);
    }
  }

  #wait(watcher: Watcher): void {
    watcher.waitsForRoom = true;
    watcher.queue.addWaiting(watcher);
    this.#moves.stalled(watcher.queue);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
