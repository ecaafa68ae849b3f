/**
 * What becomes visible, handed to the synced watchers that it concerns.
 *
 * HND1  `publish` is synchronous and runs no user code: when it returns, every synced watcher has been handed the
 *     transaction, or is a victim of it.
 * HND2  It costs a lookup for each change and a push for each stream with watchers that match, and waits for nobody.
 * HND3  Watchers that want the same share one frozen array of events; neighbours with equal ids share the response.
 *
 * etcd: server/storage/mvcc/watchable_store.go, notify (spec 5).
 */
import type { FinishedTransaction } from '@varve/mvcc';
import type { Places } from '../places/places.ts';
import type { Fan } from '../places/synced-list.ts';
import type { Watcher } from '../places/watcher.ts';
import type { WatchedRange } from '../places/watcher-group.ts';
import type { Event, WatchResponse } from '../watchable-store.ts';
import { ChangeRun, type PreviousOf } from './change-run.ts';

type EventsResponse = Extract<WatchResponse, { readonly type: 'events' }>;

const ONLY_CHANGE: readonly number[] = [0];

export class HandOut {
  readonly #places: Places;
  readonly #previousOf: PreviousOf;
  #events = 0;
  /** Scratch of `publish`. */
  readonly #found: WatchedRange[] = [];
  readonly #touched: WatchedRange[] = [];

  constructor(places: Places, previousOf: PreviousOf) {
    this.#places = places;
    this.#previousOf = previousOf;
  }

  /** Events that have been queued. */
  get events(): number {
    return this.#events;
  }

  /** Makes the transaction visible and hands it to the synced watchers that match. Revisions come in order. */
  publish(transaction: FinishedTransaction): void {
    this.#places.advance(transaction);
    const { group } = this.#places;
    if (group.syncedN === 0) return;
    // Asked for last: the changes are made when they are.
    const { revision, changes } = transaction;
    const found = this.#found;
    if (changes.length === 1) {
      group.lookup(changes[0]!.kv.key, found);
      if (found.length === 0) return;
      const run = new ChangeRun(changes, this.#previousOf);
      for (const range of found) this.#hand(range, ONLY_CHANGE, run, revision);
      found.length = 0;
      return;
    }
    const touched = this.#touched;
    for (let i = 0; i < changes.length; i++) {
      group.lookup(changes[i]!.kv.key, found);
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
      this.#places.refused(watcher, { type: 'events', watchId: watcher.id, events, revision });
    }
  }

  #pushOne(watcher: Watcher, response: EventsResponse, eventN: number): boolean {
    if (watcher.queue.offer(response)) {
      this.#events += eventN;
      return true;
    }
    this.#places.refused(watcher, response);
    return false;
  }
}
