/**
 * Leases in order of when to look at them next: a heap of places, four children each.
 *
 * DQ1  A lease stands in it once, at `heapPlace`; 0 there: not at all. Moving a lease is one step up or down.
 * DQ2  No lease stands above one whose `dueAt` is earlier.
 *
 * etcd: server/lease/lease_queue.go, LeaseExpiredNotifier.
 */
import { Int32Column } from './columns.ts';
import type { LeaseTable } from './lease-table.ts';

export class DueQueue {
  readonly #leases: LeaseTable;
  readonly #heap = new Int32Column();
  #size = 0;

  constructor(leases: LeaseTable) {
    this.#leases = leases;
  }

  get size(): number {
    return this.#size;
  }

  /** The lease that is due first, or 0. */
  get first(): number {
    return this.#size === 0 ? 0 : this.#heap.get(1);
  }

  /** When the first is due; Infinity in an empty queue. */
  get firstAt(): number {
    return this.#size === 0 ? Infinity : this.#leases.dueAt.get(this.#heap.get(1));
  }

  /** Puts the lease where this time belongs, whether it is in the queue or not. */
  set(lease: number, dueAt: number): void {
    const { heapPlace } = this.#leases;
    this.#leases.dueAt.set(lease, dueAt);
    let place = heapPlace.get(lease);
    if (place === 0) {
      place = ++this.#size;
      this.#heap.reach(place);
    }
    this.#down(this.#up(place, lease), lease);
  }

  remove(lease: number): void {
    const { heapPlace } = this.#leases;
    const place = heapPlace.get(lease);
    if (place === 0) return;
    heapPlace.set(lease, 0);
    const last = this.#heap.get(this.#size--);
    if (last !== lease) this.#down(this.#up(place, last), last);
  }

  clear(): void {
    this.#size = 0;
    this.#leases.heapPlace.fill(0);
  }

  /** @throws Error when a lease stands in a wrong place */
  checkInvariants(): void {
    const { dueAt, heapPlace } = this.#leases;
    for (let place = 1; place <= this.#size; place++) {
      const lease = this.#heap.get(place);
      if (heapPlace.get(lease) !== place) throw new Error(`lease ${lease} does not know that it stands at ${place}`);
      if (place > 1 && dueAt.get(this.#heap.get(parentOf(place))) > dueAt.get(lease)) {
        throw new Error(`lease ${lease} is due before the one above it`);
      }
    }
  }

  /** Moves what is later down until the lease fits there; returns the place that is left for it. */
  #up(from: number, lease: number): number {
    const { dueAt, heapPlace } = this.#leases;
    const time = dueAt.get(lease);
    let place = from;
    while (place > 1) {
      const above = parentOf(place);
      const other = this.#heap.get(above);
      if (dueAt.get(other) <= time) break;
      this.#heap.set(place, other);
      heapPlace.set(other, place);
      place = above;
    }
    return place;
  }

  /** Moves what is earlier up, and puts the lease where that ends. */
  #down(from: number, lease: number): void {
    const { dueAt, heapPlace } = this.#leases;
    const time = dueAt.get(lease);
    let place = from;
    for (;;) {
      const firstChild = 4 * place - 2;
      let best = 0;
      let bestTime = time;
      for (let child = firstChild; child < firstChild + 4 && child <= this.#size; child++) {
        const childTime = dueAt.get(this.#heap.get(child));
        if (childTime < bestTime) {
          best = child;
          bestTime = childTime;
        }
      }
      if (best === 0) break;
      const other = this.#heap.get(best);
      this.#heap.set(place, other);
      heapPlace.set(other, place);
      place = best;
    }
    this.#heap.set(place, lease);
    heapPlace.set(lease, place);
  }
}

/** Children of 1: 2 to 5; of 2: 6 to 9. */
function parentOf(place: number): number {
  return (place + 2) >>> 2;
}
