/**
 * All watchers of one store: where each is, and every move between the places (drawn in watcher.ts).
 *
 * WH1  `publish` and the moves are synchronous and run no user code: consumers wake in a microtask.
 * WH2  A synced watcher has been handed everything up to `visible`, in the same section in which `visible` moved there.
 * WH3  `publish` costs a lookup for each change and a push for each stream with watchers that match, and waits for nobody.
 * WH4  A watcher's range has it as a user as long as it is synced, unsynced or a victim.
 *
 * etcd: server/storage/mvcc/watchable_store.go (spec 3 to 6, 11).
 */
import type { Change, Store } from '@varve/mvcc';
import { CatchUp, type CatchUpMoves } from './catch-up.ts';
import { ChangeRun, type PreviousOf } from './change-run.ts';
import type { Clock } from './clock.ts';
import type { EventQueue } from './event-queue.ts';
import { History } from './history.ts';
import { REACH, RecentChanges } from './recent-changes.ts';
import type { Fan } from './synced-list.ts';
import { LiveWatchStream } from './watch-stream.ts';
import { Watcher, type Needs } from './watcher.ts';
import { WatcherGroup, type WatchedRange } from './watcher-group.ts';
import type { Event, WatchResponse, WatchStats } from './watchable-store.ts';

export interface HubLimits {
  readonly queueCapacity: number;
  readonly watchersPerPass: number;
  readonly revisionsPerBatch: number;
  readonly scanIdleMs: number;
}

type EventsResponse = Extract<WatchResponse, { readonly type: 'events' }>;

const ONLY_CHANGE: readonly number[] = [0];

export class WatchHub implements CatchUpMoves {
  readonly group: WatcherGroup = new WatcherGroup();
  readonly catchUp: CatchUp;
  readonly #streams: Set<LiveWatchStream> = new Set();
  readonly #recent: RecentChanges = new RecentChanges();
  readonly #previousOf: PreviousOf;
  readonly #limits: HubLimits;
  /** Queues with which unsynced watchers wait. */
  readonly #stalled: Set<EventQueue> = new Set();
  #visible: number;
  #unsyncedN = 0;
  #victimN = 0;
  #events = 0;
  #keepsRecent = false;
  /** The last revision at which a watcher was behind, and near the present. */
  #nearAt = 0;
  /** Scratch of `publish`. */
  readonly #found: WatchedRange[] = [];
  readonly #touched: WatchedRange[] = [];

  constructor(store: Store, previousOf: PreviousOf, clock: Clock, limits: HubLimits) {
    this.#previousOf = previousOf;
    this.#limits = limits;
    this.#visible = store.rev();
    const { watchersPerPass, revisionsPerBatch, scanIdleMs } = limits;
    const history = new History(store, this.#recent, previousOf, revisionsPerBatch);
    this.catchUp = new CatchUp(store, history, this, clock, { watchersPerPass, scanIdleMs });
  }

  visible(): number {
    return this.#visible;
  }

  stats(): WatchStats {
    let watchers = 0;
    let pending = 0;
    for (const stream of this.#streams) {
      watchers += stream.watchers.size;
      pending += stream.queue.length;
    }
    return {
      streams: this.#streams.size,
      watchers,
      synced: this.group.syncedN,
      unsynced: this.#unsyncedN,
      victims: this.#victimN,
      events: this.#events,
      pending,
    };
  }

  newStream(): LiveWatchStream {
    const stream = new LiveWatchStream(this, this.#limits.queueCapacity);
    this.#streams.add(stream);
    return stream;
  }

  forget(stream: LiveWatchStream): void {
    this.#streams.delete(stream);
    this.#stalled.delete(stream.queue);
  }

  /** Makes the transaction visible and hands it to the synced watchers that match. Revisions come in order. */
  publish(revision: number, changes: readonly Change[]): void {
    this.#visible = revision;
    if (this.#keepsRecent) this.#remember(revision, changes);
    if (this.group.syncedN === 0) return;
    const found = this.#found;
    if (changes.length === 1) {
      this.group.lookup(changes[0]!.kv.key, found);
      if (found.length === 0) return;
      const run = new ChangeRun(changes, this.#previousOf);
      for (const range of found) this.#hand(range, ONLY_CHANGE, run, revision);
      found.length = 0;
      return;
    }
    const touched = this.#touched;
    for (let i = 0; i < changes.length; i++) {
      this.group.lookup(changes[i]!.kv.key, found);
      for (const range of found) if (range.touched.push(i) === 1) touched.push(range);
      found.length = 0;
    }
    const run = new ChangeRun(changes, this.#previousOf);
    for (const range of touched) {
      this.#hand(range, range.touched, run, revision);
      range.touched.length = 0;
    }
    touched.length = 0;
  }

  /** The data below are others now, and `revision` is what is visible of them (spec 11). */
  restored(revision: number): void {
    const seen = this.#visible;
    this.#visible = revision;
    this.#recent.clear();
    for (const stream of this.#streams) {
      for (const watcher of stream.watchers.values()) {
        if (watcher.place !== 'synced') continue;
        watcher.minRevision = Math.max(watcher.minRevision, seen + 1);
        if (watcher.minRevision > revision) continue;
        this.group.leave(watcher);
        this.#toUnsynced(watcher);
      }
    }
    this.catchUp.restart();
  }

  register(
    queue: EventQueue,
    id: number,
    key: Uint8Array,
    end: Uint8Array | undefined,
    needs: Needs,
    startRevision: number,
  ): Watcher {
    const future = startRevision === 0 || startRevision > this.#visible;
    // Nothing is before revision 1; a negative start is one from there.
    const first = startRevision === 0 ? this.#visible + 1 : Math.max(startRevision, 1);
    const watcher = new Watcher(id, this.group.acquire(key, end), needs, queue, startRevision, first);
    if (future) this.toSynced(watcher, 'new');
    else this.#toUnsynced(watcher);
    return watcher;
  }

  cancel(watcher: Watcher): void {
    const { place, queue } = watcher;
    watcher.place = 'cancelled';
    if (place === 'compacted') return;
    if (place === 'cancelled') throw new Error('watch hub: the watcher is cancelled already');
    if (place === 'synced') this.group.leave(watcher);
    else if (place === 'victim') this.#dropHeld(watcher);
    else {
      if (watcher.waitsForRoom) queue.removeWaiting(watcher);
      else this.catchUp.remove(watcher);
      this.#unsyncedN--;
    }
    this.group.release(watcher.range);
    this.#forgetRecent();
  }

  toSynced(watcher: Watcher, from: 'new' | 'unsynced' = 'unsynced'): void {
    watcher.place = 'synced';
    this.group.enter(watcher);
    if (from === 'unsynced') {
      this.#unsyncedN--;
      this.#forgetRecent();
    }
    watcher.queue.owner.synced();
  }

  toVictim(watcher: Watcher, response: WatchResponse, weight: number): void {
    if (watcher.place === 'unsynced') this.#unsyncedN--;
    watcher.place = 'victim';
    watcher.held = response;
    watcher.heldWeight = weight;
    watcher.queue.addVictim(watcher);
    this.#victimN++;
    this.nearer(watcher.minRevision);
  }

  toCompacted(watcher: Watcher): void {
    watcher.place = 'compacted';
    this.#unsyncedN--;
    this.group.release(watcher.range);
    this.#forgetRecent();
  }

  delivered(response: WatchResponse): void {
    if (response.type === 'events') this.#events += response.events.length;
  }

  /** What comes now may be served from memory to one who stands at `revision`, if that is near. */
  nearer(revision: number): void {
    if (revision + REACH <= this.#visible) return;
    this.#keepsRecent = true;
    this.#nearAt = this.#visible;
  }

  stalled(queue: EventQueue): void {
    this.#stalled.add(queue);
  }

  failed(watcher: Watcher, error: unknown): void {
    watcher.queue.owner.broken(error);
  }

  passed(): void {
    for (const queue of this.#stalled) this.#readmit(queue);
  }

  /** The consumer has taken a response: victims first, then watchers that catch-up left out. */
  roomMade(queue: EventQueue): void {
    while (!queue.full) {
      const { firstVictim: victim } = queue;
      if (victim === undefined) break;
      const { held, heldWeight } = victim;
      this.#dropHeld(victim);
      queue.offer(held!, heldWeight);
      this.delivered(held!);
      if (victim.minRevision > this.#visible) this.toSynced(victim, 'new');
      else this.#toUnsynced(victim);
    }
    if (queue.waiting.size > 0) this.#readmit(queue);
    this.#forgetRecent();
  }

  closeStreams(): void {
    for (const stream of this.#streams) stream.close();
  }

  failStreams(error: unknown): void {
    for (const stream of this.#streams) stream.broken(error);
  }

  #hand(range: WatchedRange, indices: readonly number[], run: ChangeRun, revision: number): void {
    const { only } = range;
    if (only !== undefined) {
      if (only.minRevision > revision) return;
      const events = run.events(indices, only.needs);
      if (events.length > 0) this.#pushOne(only, { type: 'events', watchId: only.id, events, revision }, events.length);
      return;
    }
    for (const list of range.synced) {
      if (list.singles.length === 0 && list.fans.length === 0) continue;
      const events = run.events(indices, list.needs);
      if (events.length === 0) continue;
      this.#push(list.singles, events, revision);
      this.#pushFans(list.fans, events, revision);
    }
  }

  /** One events array for all; one response for neighbours with equal ids, as the first watchers of streams have. */
  #push(watchers: readonly Watcher[], events: readonly Event[], revision: number): void {
    let response: EventsResponse | undefined;
    let shared = false;
    for (let i = 0; i < watchers.length;) {
      const watcher = watchers[i]!;
      if (watcher.minRevision > revision) {
        i++;
        continue;
      }
      if (response?.watchId !== watcher.id) {
        response = { type: 'events', watchId: watcher.id, events, revision };
        shared = false;
      } else if (!shared) {
        Object.freeze(response);
        shared = true;
      }
      // A victim leaves the list, which puts another watcher in its slot: look at that again.
      if (this.#pushOne(watcher, response, events.length)) i++;
    }
  }

  #pushFans(fans: readonly Fan[], events: readonly Event[], revision: number): void {
    for (let i = 0; i < fans.length;) {
      const fan = fans[i]!;
      if (fan.begun(revision)) this.#pushFan(fan, events, revision);
      else this.#push(fan.watchers, events, revision);
      // As above: one whose watchers are all victims has left.
      if (fans[i] === fan) i++;
    }
  }

  #pushFan(fan: Fan, events: readonly Event[], revision: number): void {
    const { watchers } = fan;
    const taken = fan.queue.offerEach(fan.lend(), watchers.length, events, revision);
    this.#events += events.length * taken;
    if (taken === watchers.length) return;
    for (const watcher of watchers.slice(taken)) {
      this.#refused(watcher, { type: 'events', watchId: watcher.id, events, revision });
    }
  }

  #pushOne(watcher: Watcher, response: EventsResponse, eventN: number): boolean {
    if (watcher.queue.offer(response)) {
      this.#events += eventN;
      return true;
    }
    this.#refused(watcher, response);
    return false;
  }

  #refused(watcher: Watcher, response: EventsResponse): void {
    this.group.leave(watcher);
    watcher.minRevision = response.revision + 1;
    this.toVictim(watcher, response, 0);
  }

  #toUnsynced(watcher: Watcher): void {
    watcher.place = 'unsynced';
    this.#unsyncedN++;
    this.nearer(watcher.minRevision);
    this.catchUp.add(watcher);
  }

  #dropHeld(watcher: Watcher): void {
    watcher.queue.removeVictim(watcher);
    watcher.held = undefined;
    this.#victimN--;
  }

  #readmit(queue: EventQueue): void {
    let left = queue.batchesWanted;
    for (const watcher of queue.waiting) {
      // Any more would find no room and lose their turn; who is left out hears of it after the pass.
      if (left-- === 0) return;
      queue.removeWaiting(watcher);
      watcher.waitsForRoom = false;
      watcher.returning = true;
      queue.returning++;
      this.nearer(watcher.minRevision);
      this.catchUp.add(watcher);
    }
    this.#stalled.delete(queue);
  }

  /** Once nobody was near for as long as is kept, keeping serves nobody. */
  #remember(revision: number, changes: readonly Change[]): void {
    this.#recent.add(revision, changes);
    if (this.#recent.oldest > this.#nearAt + 1) this.#dropRecent();
  }

  #forgetRecent(): void {
    if (this.#unsyncedN === 0 && this.#victimN === 0) this.#dropRecent();
  }

  #dropRecent(): void {
    this.#keepsRecent = false;
    this.#recent.clear();
  }
}
