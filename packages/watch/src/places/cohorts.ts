/**
 * The unsynced watchers that a pass can bring further, by the revision at which each of them stands.
 *
 *   position -> cohort
 *        2   -> { w1, w2, w7 }
 *      907   -> { w3 }
 *
 * COH1  A watcher is in the cohort of its `minRevision`, which stays as it is meanwhile. No cohort is empty.
 * COH2  Cohorts, and watchers in them, are in order of arrival, so nobody starves.
 * COH3  Nobody is called when a watcher comes: who brings watchers further awaits `arrival`, which takes no turn longer than
 *     a call would.
 *
 * etcd: watcher_group.go, the unsynced group. Departs: by position, so that history is read once for a cohort.
 */
import type { Clock } from '@varve/base/clock';
import type { Watcher } from './watcher.ts';

export class Cohorts {
  readonly #cohorts: Map<number, Set<Watcher>> = new Map();
  readonly #clock: Clock;
  #size = 0;
  #arrived: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** Where somebody stands, now. */
  positions(): number[] {
    return [...this.#cohorts.keys()];
  }

  /** Who stands there. Whoever walks it may meet watchers that join meanwhile. */
  at(position: number): ReadonlySet<Watcher> | undefined {
    return this.#cohorts.get(position);
  }

  add(watcher: Watcher): void {
    const { minRevision } = watcher;
    const cohort = this.#cohorts.get(minRevision);
    if (cohort === undefined) this.#cohorts.set(minRevision, new Set([watcher]));
    else cohort.add(watcher);
    this.#size++;
    if (this.#arrived === undefined) return;
    this.#clock.soon(this.#arrived);
    this.#arrived = undefined;
  }

  remove(watcher: Watcher): void {
    const { minRevision } = watcher;
    const cohort = this.#cohorts.get(minRevision);
    if (cohort?.delete(watcher) !== true) throw new Error('cohorts: the watcher is not in its cohort');
    if (cohort.size === 0) this.#cohorts.delete(minRevision);
    this.#size--;
  }

  /** Resolves in the next turn of the event loop, or in the turn after somebody has come. One caller at a time. */
  arrival(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#size > 0) this.#clock.soon(resolve);
      else this.#arrived = resolve;
    });
  }

  /** Throws when COH1 does not hold. For tests. */
  checkInvariants(): void {
    let size = 0;
    for (const [position, cohort] of this.#cohorts) {
      if (cohort.size === 0) throw new Error('COH1: an empty cohort');
      for (const watcher of cohort) {
        if (watcher.minRevision !== position) throw new Error('COH1: a watcher in a cohort that is not its own');
        if (watcher.place !== 'unsynced' || watcher.waitsForRoom)
          throw new Error('COH1: a watcher that is elsewhere, too');
      }
      size += cohort.size;
    }
    if (size !== this.#size) throw new Error('COH1: watchers are counted wrong');
  }
}
