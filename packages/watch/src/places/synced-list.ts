/**
 * Synced watchers of one range that want the same, by the queue they are served through.
 *
 *   singles   w1 w5 w9 ...          one for each queue
 *   fans      queue A: w2 w3 w4     watchers that share a queue get a write as one entry of it, whatever their number
 *
 * SY1  A watcher is in `singles`, or in one fan, and `slot` is where; a queue has one single or one fan, never both.
 * SY2  The ids that a fan has lent to its queue stay as they are up to the number lent: new ones come after them, and
 *     one that leaves leaves a copy.
 *
 * etcd: none; there every watcher of a stream is sent to by itself.
 */
import type { EventQueue } from './event-queue.ts';
import type { Needs, Watcher } from './watcher.ts';
import type { WatchedRange } from './watcher-group.ts';

/** Several watchers of one queue. */
export class Fan {
  readonly queue: EventQueue;
  readonly watchers: Watcher[] = [];
  ids: number[] = [];
  /** Its place among the list's fans. */
  slot = 0;
  /** None of its watchers begins above this revision. */
  #latest = 0;
  #lent = false;

  constructor(queue: EventQueue) {
    this.queue = queue;
  }

  add(watcher: Watcher): void {
    watcher.fan = this;
    watcher.slot = this.watchers.length;
    this.watchers.push(watcher);
    this.ids.push(watcher.id);
    if (watcher.minRevision > this.#latest) this.#latest = watcher.minRevision;
  }

  remove(watcher: Watcher): void {
    if (this.#lent) this.ids = this.ids.slice();
    this.#lent = false;
    const { slot } = watcher;
    const last = takeOut(this.watchers, watcher);
    const lastId = this.ids.pop()!;
    if (last !== watcher) this.ids[slot] = lastId;
    watcher.fan = undefined;
  }

  /** Whether all its watchers want what happens at `revision`. */
  begun(revision: number): boolean {
    if (this.#latest <= revision) return true;
    this.#latest = 0;
    for (const { minRevision } of this.watchers) if (minRevision > this.#latest) this.#latest = minRevision;
    return this.#latest <= revision;
  }

  /** The ids, as many as there are now: those stay as they are, whatever is added or taken out later. */
  lend(): readonly number[] {
    this.#lent = true;
    return this.ids;
  }
}

export class SyncedList {
  readonly needs: Needs;
  readonly singles: Watcher[] = [];
  readonly fans: Fan[] = [];
  /** Absent while there is one watcher at the most: most ranges have no more. */
  #byQueue: Map<EventQueue, Watcher | Fan> | undefined;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /** Any of the watchers. */
  get any(): Watcher | undefined {
    return this.singles[0] ?? this.fans[0]?.watchers[0];
  }

  add(watcher: Watcher): void {
    const { queue } = watcher;
    const there = this.#placeOf(queue);
    if (there === undefined) {
      watcher.slot = this.singles.length;
      this.singles.push(watcher);
      this.#byQueue?.set(queue, watcher);
    } else if ('watchers' in there) {
      there.add(watcher);
    } else {
      const fan = this.#addFan(queue);
      takeOut(this.singles, there);
      fan.add(there);
      fan.add(watcher);
    }
  }

  /** Puts the last one, of watchers or of fans, in the free slot: whoever walks the list looks at the slot again. */
  remove(watcher: Watcher): void {
    const { fan } = watcher;
    if (fan === undefined) {
      takeOut(this.singles, watcher);
      this.#byQueue?.delete(watcher.queue);
      return;
    }
    fan.remove(watcher);
    if (fan.watchers.length > 0) return;
    takeOut(this.fans, fan);
    this.#byQueue?.delete(fan.queue);
  }

  holds(watcher: Watcher): boolean {
    return (watcher.fan?.watchers ?? this.singles)[watcher.slot] === watcher;
  }

  /** Throws when SY1 or SY2 does not hold for the watchers of `range`; returns how many there are. For tests. */
  checkInvariants(range: WatchedRange): number {
    const queues = new Set<EventQueue>();
    const fanned = this.fans.flatMap((fan) => fan.watchers);
    for (const watcher of [...this.singles, ...fanned]) {
      if (watcher.place !== 'synced' || watcher.range !== range || watcher.needs !== this.needs) {
        throw new Error('SY1: a watcher that does not belong here');
      }
      if (!this.holds(watcher)) throw new Error('SY1: a slot that is not the place of its watcher');
    }
    for (const [slot, fan] of this.fans.entries()) {
      const { ids, watchers, queue } = fan;
      if (fan.slot !== slot || watchers.length === 0) throw new Error('SY1: a fan in the wrong slot, or an empty one');
      if (ids.length !== watchers.length) throw new Error('SY2: a fan without its ids');
      for (const [i, watcher] of watchers.entries()) {
        if (watcher.fan !== fan || watcher.queue !== queue)
          throw new Error('SY1: a watcher in a fan that is not its own');
        if (watcher.id !== ids[i]) throw new Error('SY2: an id in the wrong place');
      }
    }
    for (const { queue } of [...this.singles, ...this.fans]) {
      if (queues.has(queue)) throw new Error('SY1: a queue with two places');
      queues.add(queue);
      if (this.#byQueue !== undefined && !this.#byQueue.has(queue)) throw new Error('SY1: a queue that is not found');
    }
    if (this.#byQueue !== undefined && this.#byQueue.size !== queues.size) throw new Error('SY1: a queue of nobody');
    return this.singles.length + fanned.length;
  }

  #placeOf(queue: EventQueue): Watcher | Fan | undefined {
    const { any } = this;
    if (any === undefined) return undefined;
    this.#byQueue ??= new Map([[any.queue, any]]);
    return this.#byQueue.get(queue);
  }

  #addFan(queue: EventQueue): Fan {
    const fan = new Fan(queue);
    fan.slot = this.fans.length;
    this.fans.push(fan);
    this.#byQueue!.set(queue, fan);
    return fan;
  }
}

/** Fills the item's slot with the last one, which is returned. */
function takeOut<T extends { slot: number }>(items: T[], item: T): T {
  const last = items.pop()!;
  if (last !== item) {
    items[item.slot] = last;
    last.slot = item.slot;
  }
  item.slot = -1;
  return last;
}
