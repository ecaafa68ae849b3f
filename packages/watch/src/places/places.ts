/**
 * Where every watcher of one store is, and every move between the places (drawn in watcher.ts).
 *
 * WH1  Moves are synchronous, run no user code and call nobody above: consumers wake in a microtask, catch-up awaits
 *     arrivals, and streams ask what has become of their watchers.
 * WH2  `visible` tells who is behind: a synced watcher has been handed everything up to it, in the step in which it moved there.
 * WH3  A watcher's range has it as a user as long as it is synced, unsynced or a victim.
 * WH4  An unsynced watcher is in its cohort, or waits with its queue, or is in the hands of the pass that took it out.
 *
 * etcd: server/storage/mvcc/watchable_store.go (spec 3 to 6, 11).
 */
import type { FinishedTransaction } from '@varve/mvcc';
import type { Clock } from '@varve/base/clock';
import type { WatchResponse } from '../watchable-store.ts';
import { Cohorts } from './cohorts.ts';
import type { EventQueue } from './event-queue.ts';
import { RecentChanges } from './recent-changes.ts';
import { Watcher, type Needs, type WatcherOwner } from './watcher.ts';
import { WatcherGroup } from './watcher-group.ts';

export class Places {
  readonly group: WatcherGroup = new WatcherGroup();
  readonly cohorts: Cohorts;
  readonly recent: RecentChanges = new RecentChanges();
  /** Queues with which unsynced watchers wait. */
  readonly #stalled: Set<EventQueue> = new Set();
  #visible: number;
  #eventsFrom = 0;
  #unsyncedN = 0;
  #victimN = 0;
  #events = 0;

  constructor(visible: number, clock: Clock) {
    this.#visible = visible;
    this.cohorts = new Cohorts(clock);
  }

  get visible(): number {
    return this.#visible;
  }

  /** Of what is before, events may be missing, compacted or not. */
  get eventsFrom(): number {
    return this.#eventsFrom;
  }

  get unsyncedN(): number {
    return this.#unsyncedN;
  }

  get victimN(): number {
    return this.#victimN;
  }

  /** Events of history and of victims that have been queued. */
  get events(): number {
    return this.#events;
  }

  /** The next transaction is visible. Who calls hands it to the synced watchers, in the same tick. */
  advance(transaction: FinishedTransaction): void {
    const before = this.#visible;
    this.#visible = transaction.revision;
    this.recent.add(transaction, before);
  }

  /** A new watcher: synced if it waits for the future, else unsynced. */
  register(
    owner: WatcherOwner,
    id: number,
    key: Uint8Array,
    end: Uint8Array | undefined,
    needs: Needs,
    from: number,
  ): Watcher {
    const future = from === 0 || from > this.#visible;
    // Nothing is before revision 1; a negative start is one from there.
    const first = from === 0 ? this.#visible + 1 : Math.max(from, 1);
    const watcher = new Watcher(id, this.group.acquire(key, end), needs, owner, from, first);
    if (future) this.#enterSynced(watcher);
    else this.#enterUnsynced(watcher);
    return watcher;
  }

  /** From any place to none. */
  cancel(watcher: Watcher): void {
    const { place, queue } = watcher;
    watcher.place = 'cancelled';
    if (place === 'compacted') return;
    if (place === 'cancelled') throw new Error('places: the watcher is cancelled already');
    if (place === 'synced') this.group.leave(watcher);
    else if (place === 'victim') this.#dropHeld(watcher);
    else {
      if (watcher.waitsForRoom) this.#endWait(watcher, queue);
      else this.takeOut(watcher);
      this.#unsyncedN--;
    }
    this.group.release(watcher.range);
    this.#forgetRecent();
  }

  // From synced

  /** The queue is full: the watcher holds the response, and has everything below it. */
  refused(watcher: Watcher, response: WatchResponse & { readonly revision: number }): void {
    this.group.leave(watcher);
    watcher.minRevision = response.revision + 1;
    this.#enterVictims(watcher, response, 0);
  }

  /** The data below are others, and `visible` is what is visible of them: what synced watchers lack of it is history. */
  swapped(visible: number, watchers: Iterable<Watcher>): void {
    const seen = this.#visible;
    this.#visible = visible;
    this.recent.clear();
    for (const watcher of watchers) {
      if (watcher.place !== 'synced') continue;
      watcher.minRevision = Math.max(watcher.minRevision, seen + 1);
      if (watcher.minRevision > visible) continue;
      this.group.leave(watcher);
      this.#enterUnsynced(watcher);
    }
  }

  /**
   * Events before this revision are not known. Whoever needs one is behind, and catch-up tells it so; with `all`, whoever has had
   * what was before needs one, too.
   */
  lost(eventsFrom: number, all: boolean, watchers: Iterable<Watcher>): void {
    this.#eventsFrom = Math.max(this.#eventsFrom, eventsFrom);
    if (!all) return;
    for (const watcher of watchers) {
      // Who is unsynced or waits further below is told anyway; who waits for a later revision has had nothing.
      const { place, minRevision } = watcher;
      if (minRevision > this.#visible + 1 || (place !== 'synced' && place !== 'victim')) continue;
      if (place === 'synced') this.group.leave(watcher);
      watcher.minRevision = 1;
      if (place === 'synced') this.#enterUnsynced(watcher);
    }
  }

  // From unsynced: catch-up takes a watcher out of its cohort, and says in the same tick where it goes

  takeOut(watcher: Watcher): void {
    this.cohorts.remove(watcher);
    if (watcher.returning) watcher.queue.waiters.returned(watcher);
  }

  caughtUp(watcher: Watcher): void {
    this.#unsyncedN--;
    this.#enterSynced(watcher);
    this.#forgetRecent();
  }

  /** The queue is full: the watcher holds the batch of history, of so many bytes. */
  heldUp(watcher: Watcher, response: WatchResponse, weight: number): void {
    this.#unsyncedN--;
    this.#enterVictims(watcher, response, weight);
  }

  /** It has been told that its history is gone. */
  compacted(watcher: Watcher): void {
    watcher.place = 'compacted';
    this.#unsyncedN--;
    this.group.release(watcher.range);
    this.#forgetRecent();
  }

  /** It has moved on, and is still behind. */
  goesOn(watcher: Watcher): void {
    this.recent.nearer(watcher.minRevision, this.#visible);
    // Those who wait for the same queue come first: else its watchers would drift apart, each with a reading of its own.
    if ((watcher.queue.waiting?.unsynced.size ?? 0) > 0) this.waits(watcher);
    else this.cohorts.add(watcher);
  }

  /** Its queue takes no more for now. */
  waits(watcher: Watcher): void {
    watcher.queue.waiters.addUnsynced(watcher);
    this.#stalled.add(watcher.queue);
  }

  delivered(response: WatchResponse): void {
    if (response.type === 'events') this.#events += response.events.length;
  }

  // From those who wait

  /** The consumer has taken a response: victims first, then watchers that catch-up left out. */
  roomMade(queue: EventQueue): void {
    const { waiters } = queue;
    while (!queue.full) {
      const { firstVictim: victim } = waiters;
      if (victim === undefined) break;
      const { held, heldWeight } = victim;
      this.#dropHeld(victim);
      queue.offer(held!, heldWeight);
      this.delivered(held!);
      if (victim.minRevision > this.#visible) this.#enterSynced(victim);
      else this.#enterUnsynced(victim);
    }
    if (waiters.unsynced.size > 0) this.#readmit(queue);
    this.#forgetRecent();
  }

  /** A pass has ended: watchers whose queue has room by now may come back. */
  passEnded(): void {
    for (const queue of this.#stalled) this.#readmit(queue);
  }

  #enterSynced(watcher: Watcher): void {
    watcher.place = 'synced';
    this.group.enter(watcher);
  }

  #enterUnsynced(watcher: Watcher): void {
    watcher.place = 'unsynced';
    this.#unsyncedN++;
    this.recent.nearer(watcher.minRevision, this.#visible);
    this.cohorts.add(watcher);
  }

  #enterVictims(watcher: Watcher, response: WatchResponse, weight: number): void {
    watcher.place = 'victim';
    watcher.held = response;
    watcher.heldWeight = weight;
    watcher.queue.waiters.addVictim(watcher);
    this.#victimN++;
    this.recent.nearer(watcher.minRevision, this.#visible);
  }

  #dropHeld(watcher: Watcher): void {
    watcher.queue.waiters.removeVictim(watcher);
    watcher.held = undefined;
    this.#victimN--;
  }

  #endWait(watcher: Watcher, queue: EventQueue): void {
    queue.waiters.removeUnsynced(watcher);
    if (queue.waiters.unsynced.size === 0) this.#stalled.delete(queue);
  }

  #readmit(queue: EventQueue): void {
    let left = queue.batchesWanted;
    const { waiters } = queue;
    for (const watcher of waiters.unsynced) {
      // Any more would find no room and lose their turn; who is left out hears of it after the pass.
      if (left-- === 0) return;
      waiters.returns(watcher);
      this.recent.nearer(watcher.minRevision, this.#visible);
      this.cohorts.add(watcher);
    }
    this.#stalled.delete(queue);
  }

  #forgetRecent(): void {
    if (this.#unsyncedN === 0 && this.#victimN === 0) this.recent.stop();
  }

  /** Throws when `watchers`, all that are registered, are not in one place each as counted. For tests. */
  checkInvariants(watchers: Iterable<Watcher>): void {
    this.group.checkInvariants();
    this.cohorts.checkInvariants();
    const counts = { synced: 0, unsynced: 0, victim: 0, compacted: 0, cancelled: 0 };
    for (const watcher of watchers) {
      const { place, queue } = watcher;
      counts[place]++;
      if (watcher.slot >= 0 !== (place === 'synced')) throw new Error('WH4: synced, and not in the group, or in both');
      if ((watcher.held !== undefined) !== (place === 'victim')) throw new Error('VI1: a batch that no victim holds');
      if (place !== 'unsynced') continue;
      const inCohort = this.cohorts.at(watcher.minRevision)?.has(watcher) === true;
      if (inCohort === watcher.waitsForRoom) throw new Error('WH4: unsynced, and in no place or in two');
      if (watcher.waitsForRoom && !this.#stalled.has(queue)) throw new Error('WH4: one who waits is forgotten');
    }
    const { synced, unsynced, victim } = counts;
    if (synced !== this.group.syncedN || unsynced !== this.#unsyncedN || victim !== this.#victimN) {
      throw new Error('WH4: the places are counted wrong');
    }
  }
}
