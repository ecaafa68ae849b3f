/**
 * A pile-up of leases after a promotion, spread so that no second has more of them than can be revoked in one.
 *
 * SPR1  Nobody gets less time than without it.
 * SPR2  Leases of one remaining time are alike, so those times are sorted and not the leases: there are few of them.
 *
 * etcd: Promote of server/lease/lessor.go (spec lease.md section 2.8). Departs: a delay below nothing is none.
 */

/** Where etcd's walk over the sorted leases stands. Seconds. */
interface Walk {
  base: number;
  next: number;
  count: number;
}

export class Spread {
  readonly #target: number;
  readonly #walks = new Map<number, Walk>();

  /**
   * @param counts how many leases there are of each remaining time, in seconds
   * @param rate leases a second that can be revoked
   */
  constructor(counts: ReadonlyMap<number, number>, rate: number) {
    this.#target = Math.max(1, Math.floor((3 * rate) / 4));
    const times = Float64Array.from(counts.keys()).sort();
    const base = times[0] ?? 0;
    const walk: Walk = { base, next: base + 1, count: 0 };
    for (const time of times) {
      this.#walks.set(time, { ...walk });
      for (let i = counts.get(time)!; i > 0; i--) this.#step(walk, time);
    }
  }

  /** Seconds that the next lease of this remaining time gets in addition. */
  delay(remaining: number): number {
    const walk = this.#walks.get(remaining);
    return walk === undefined ? 0 : this.#step(walk, remaining);
  }

  #step(walk: Walk, remaining: number): number {
    if (remaining > walk.next) {
      walk.base = remaining;
      walk.next = remaining + 1;
      walk.count = 1;
      return 0;
    }
    if (++walk.count <= this.#target) return 0;
    const delay = Math.max(0, walk.count / this.#target - (remaining - walk.base));
    walk.next = walk.base + delay;
    return delay;
  }
}
