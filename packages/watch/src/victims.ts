/**
 * The watchers of one stream whose batch found the queue full, in the order in which that happened.
 *
 * VI1  Every watcher in the list holds exactly one batch, and is in no other place.
 * VI2  The list is empty unless the stream's queue is full: each response the consumer takes makes room for the first
 *     batch at once. So nothing retries on a timer, and a consumer that never reads costs nothing.
 * VI3  Adding, taking the first and removing any are O(1): the links are fields of the watchers.
 *
 * etcd: watchable_store.go, syncVictimsLoop. Departs: retried when there is room, not every 10 ms.
 */
import type { Watcher } from './watcher.ts';

export class VictimList {
  #first: Watcher | undefined;
  #last: Watcher | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Watcher | undefined {
    return this.#first;
  }

  add(watcher: Watcher): void {
    watcher.previousVictim = this.#last;
    if (this.#last === undefined) this.#first = watcher;
    else this.#last.nextVictim = watcher;
    this.#last = watcher;
    this.#size++;
  }

  remove(watcher: Watcher): void {
    const { previousVictim: previous, nextVictim: next } = watcher;
    if (previous === undefined) this.#first = next;
    else previous.nextVictim = next;
    if (next === undefined) this.#last = previous;
    else next.previousVictim = previous;
    watcher.previousVictim = undefined;
    watcher.nextVictim = undefined;
    this.#size--;
  }
}
