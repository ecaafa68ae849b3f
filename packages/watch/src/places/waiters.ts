/**
 * Watchers that wait until the consumer of their queue reads: victims, then those that catch-up leaves out.
 *
 * VI1  Every victim holds exactly one batch, and is in no other place. Victims are served in the order in which they
 *     became victims.
 * VI2  There are victims only while the queue is full: each response the consumer takes makes room for the first batch
 *     at once. So nothing retries on a timer, and a consumer that never reads costs nothing.
 * VI3  Adding a victim, taking the first and removing any are O(1): the links are fields of the watchers.
 * VI4  The others are unsynced, and in no cohort. One that goes back to catch-up is `returning` until it is served.
 *
 * etcd: watchable_store.go, syncVictimsLoop. Departs: retried when there is room, not every 10 ms.
 */
import type { Watcher } from './watcher.ts';

export class Waiters {
  #first: Watcher | undefined;
  #last: Watcher | undefined;
  #victimN = 0;
  #heldBytes = 0;
  #returning = 0;
  readonly #unsynced: Set<Watcher> = new Set();

  /** Of both kinds. */
  get size(): number {
    return this.#victimN + this.#unsynced.size;
  }

  get firstVictim(): Watcher | undefined {
    return this.#first;
  }

  /** What victims hold of history. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Watchers that went back to catch-up and have not been served yet. */
  get returning(): number {
    return this.#returning;
  }

  /** In the order in which they came. */
  get unsynced(): ReadonlySet<Watcher> {
    return this.#unsynced;
  }

  addVictim(watcher: Watcher): void {
    watcher.previousVictim = this.#last;
    if (this.#last === undefined) this.#first = watcher;
    else this.#last.nextVictim = watcher;
    this.#last = watcher;
    this.#victimN++;
    this.#heldBytes += watcher.heldWeight;
  }

  removeVictim(watcher: Watcher): void {
    const { previousVictim: previous, nextVictim: next } = watcher;
    if (previous === undefined) this.#first = next;
    else previous.nextVictim = next;
    if (next === undefined) this.#last = previous;
    else next.previousVictim = previous;
    watcher.previousVictim = undefined;
    watcher.nextVictim = undefined;
    this.#victimN--;
    this.#heldBytes -= watcher.heldWeight;
  }

  addUnsynced(watcher: Watcher): void {
    watcher.waitsForRoom = true;
    this.#unsynced.add(watcher);
  }

  removeUnsynced(watcher: Watcher): void {
    watcher.waitsForRoom = false;
    this.#unsynced.delete(watcher);
  }

  /** An unsynced watcher goes back to catch-up. */
  returns(watcher: Watcher): void {
    this.removeUnsynced(watcher);
    watcher.returning = true;
    this.#returning++;
  }

  /** It has been served, or is gone. */
  returned(watcher: Watcher): void {
    watcher.returning = false;
    this.#returning--;
  }

  /** Throws when VI1, VI3 or VI4 does not hold. For tests. */
  checkInvariants(): void {
    let previous: Watcher | undefined;
    let victimN = 0;
    let heldBytes = 0;
    for (let victim = this.#first; victim !== undefined; victim = victim.nextVictim) {
      if (victim.place !== 'victim' || victim.held === undefined) throw new Error('VI1: a victim without its batch');
      if (victim.previousVictim !== previous) throw new Error('VI3: links that disagree');
      previous = victim;
      victimN++;
      heldBytes += victim.heldWeight;
    }
    if (previous !== this.#last || victimN !== this.#victimN)
      throw new Error('VI3: the last one, or the count, is wrong');
    if (heldBytes !== this.#heldBytes) throw new Error('VI1: the bytes that are held are counted wrong');
    for (const watcher of this.#unsynced) {
      if (watcher.place !== 'unsynced' || !watcher.waitsForRoom || watcher.returning) {
        throw new Error('VI4: one that waits is elsewhere, too');
      }
    }
    if (this.#returning < 0) throw new Error('VI4: more have been served than came back');
  }
}
