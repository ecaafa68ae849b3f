/**
 * Brings unsynced watchers to the present, from history, in passes.
 *
 *   one pass, for each cohort (cohorts.ts), oldest first, 512 watchers in all:
 *       window = history from the position on   (may await)
 *       each watcher: notice, or batch, or nothing; then it stands at the window's end
 *
 * CU1  Watchers at the same revision are one cohort: history is read once for all of them, and they stay together.
 *     A cohort whose position is inside the window joins.
 * CU2  Each watcher is served in one synchronous step that looks at everything anew (cancelled, compacted, visible
 *     moved): between two of them anything may have happened. A slice lasts 5 ms (law 10); then others get
 *     as much time (pace.ts), as long as those who are behind come nearer.
 * CU3  A pass runs when there is a watcher that can move on, never otherwise: one whose queue takes no more waits with
 *     the queue, and comes back when its consumer reads. So there is nothing to retry, and no timer. Nobody calls it for
 *     that: it awaits arrivals in the cohorts.
 * CU4  What history has lost ends with one notice (`minRevision` below the compacted revision, or below what is known of a restored store),
 *     also in the middle.
 *
 * etcd: watchable_store.go, syncWatchers (spec 6). Departs: CU1, CU3; a notice that finds no room waits as CU3 says.
 */
import { MvccError, type Store } from '@varve/mvcc';
import type { Clock } from '@varve/base/clock';
import { backgroundError } from '../diagnostics.ts';
import { Pace } from '../pace.ts';
import type { Cohorts } from '../places/cohorts.ts';
import type { Places } from '../places/places.ts';
import type { Watcher } from '../places/watcher.ts';
import type { WatchResponse } from '../watchable-store.ts';
import type { History } from './history.ts';
import type { HistoryWindow } from './history-window.ts';

/** Of what catch-up hands out, the part that may be written meanwhile: it gains on writers, if need be at their cost. */
const WRITERS_PART = 1 / 2;

/** Readings in a row that compaction may overtake before we stop believing in it. */
const MOST_OVERTAKEN = 8;

export class CatchUp {
  readonly #store: Store;
  readonly #history: History;
  readonly #places: Places;
  readonly #cohorts: Cohorts;
  readonly #clock: Clock;
  readonly #watchersPerPass: number;
  readonly #scanIdleMs: number;
  readonly #pace: Pace;
  #running: Promise<void> | undefined;
  #closed = false;
  /** What may be visible by now, for what has been handed out since the passes began: `WRITERS_PART` of it was written. */
  #limit = 0;
  #overtaken = 0;
  #cancelRelease: (() => void) | undefined;

  constructor(
    store: Store,
    history: History,
    places: Places,
    clock: Clock,
    limits: { readonly watchersPerPass: number; readonly scanIdleMs: number },
  ) {
    this.#store = store;
    this.#history = history;
    this.#places = places;
    this.#cohorts = places.cohorts;
    this.#clock = clock;
    this.#pace = new Pace(clock, store);
    this.#watchersPerPass = limits.watchersPerPass;
    this.#scanIdleMs = limits.scanIdleMs;
  }

  /** From now on, watchers that come are served. Until `close`; never rejects. */
  async serve(): Promise<void> {
    while (!this.#closed) {
      await this.#cohorts.arrival();
      if (this.#closed || this.#cohorts.size === 0) continue;
      this.#running = this.#run();
      await this.#running;
    }
  }

  /** One pass. Never called while another one runs. */
  async runPass(): Promise<void> {
    let room = this.#watchersPerPass;
    for (const position of this.#cohorts.positions()) {
      if (room <= 0 || this.#closed) break;
      room -= await this.#serveFrom(position, room);
    }
    this.#places.passEnded();
  }

  /** The data below are others: nothing read before may be used. */
  forget(): void {
    void this.#history.release();
  }

  /** Resolves when nothing runs any more, and nothing is pinned. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRelease?.();
    await this.#history.release();
    await this.#running;
  }

  /** Passes until there is nobody left to serve. Never rejects. */
  async #run(): Promise<void> {
    this.#cancelRelease?.();
    this.#cancelRelease = undefined;
    this.#pace.begin();
    this.#limit = this.#places.visible;
    try {
      while (this.#cohorts.size > 0 && !this.#closed) {
        await this.runPass();
        await this.#pace.rest(0);
      }
    } catch (error) {
      backgroundError('catch-up', error);
      for (const position of this.#cohorts.positions()) this.#fail(position, error);
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
    if (served >= room || this.#cohorts.at(position) === undefined) return served;
    const alone = this.#cohorts.size === 1;
    const window = await this.#windowAt(position);
    if (window === undefined) return served;
    this.#limit += this.#gain(position, window, room - served) * WRITERS_PART;
    for (const from of [position, ...this.#cohorts.positions()]) {
      if (from < window.from || from >= window.to) continue;
      served += await this.#serveCohort(from, window, room - served);
      if (served >= room) break;
    }
    // It has moved on: nobody is left who needs what was read. Kept, thousands of changes would outlive their use.
    if (alone && this.#cohorts.at(window.to) !== undefined) this.#history.forget(window);
    await this.#pace.rest(this.#limit);
    return served;
  }

  async #windowAt(position: number): Promise<HistoryWindow | undefined> {
    const ready = this.#history.ready(position);
    if (ready !== undefined) return ready;
    try {
      const window = await this.#history.read(position, this.#places.visible + 1);
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
    this.#fail(position, error);
  }

  /** The streams of who stands there end: their other watchers leave with them. */
  #fail(position: number, error: unknown): void {
    for (const watcher of [...(this.#cohorts.at(position) ?? [])]) {
      if (watcher.place === 'unsynced') watcher.owner.broken(error);
    }
  }

  /** By how many revisions all who are behind come nearer, on average, when those at the position have the window. */
  #gain(position: number, window: HistoryWindow, room: number): number {
    const served = Math.min(room, this.#cohorts.at(position)?.size ?? 0);
    return ((window.to - window.from) * served) / this.#cohorts.size;
  }

  async #serveCohort(from: number, window: HistoryWindow, room: number): Promise<number> {
    const cohort = this.#cohorts.at(from);
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

  /** The first one of which all events are known. */
  get #firstRevision(): number {
    return Math.max(this.#store.firstRev(), this.#places.eventsFrom);
  }

  #noticesAt(position: number, room: number): number {
    const compacted = this.#firstRevision;
    const cohort = this.#cohorts.at(position);
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
    const cohort = this.#cohorts.at(position);
    if (cohort === undefined || position <= this.#places.visible) return 0;
    const watchers = [...cohort];
    for (const watcher of watchers) {
      this.#places.takeOut(watcher);
      this.#caughtUp(watcher);
    }
    return watchers.length;
  }

  #notice(watcher: Watcher, compactRevision: number): void {
    this.#places.takeOut(watcher);
    if (watcher.queue.offer({ type: 'compacted', watchId: watcher.id, compactRevision }))
      this.#places.compacted(watcher);
    else this.#places.waits(watcher);
  }

  /** The synchronous step for one watcher (CU2). */
  #serve(watcher: Watcher, window: HistoryWindow): void {
    const compacted = this.#firstRevision;
    if (watcher.minRevision < compacted) {
      this.#notice(watcher, compacted);
      return;
    }
    const { queue } = watcher;
    const places = this.#places;
    places.takeOut(watcher);
    if (!queue.takesHistory) {
      places.waits(watcher);
      return;
    }
    const { events, weight } = window.batch(watcher);
    const { visible } = places;
    watcher.minRevision = window.to;
    if (events.length > 0) {
      const response: WatchResponse = { type: 'events', watchId: watcher.id, events, revision: visible };
      if (!queue.offer(response, weight)) {
        places.heldUp(watcher, response, weight);
        return;
      }
      places.delivered(response);
    }
    if (window.to > visible) this.#caughtUp(watcher);
    else places.goesOn(watcher);
  }

  #caughtUp(watcher: Watcher): void {
    this.#places.caughtUp(watcher);
    watcher.owner.synced();
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
