/**
 * A hash table that grows by one bucket at a time (linear hashing): no insertion ever moves a million entries (law 10).
 *
 *   buckets  0 1 2 3 | 4 5        mask 7, half 3: a hash that asks for bucket 6 finds 6 & 3 = 2, which was not split yet
 *
 * HC1  Entries are places from 1 on, chained through the caller's column `next`; what they hold is the caller's affair.
 * HC2  There are as many buckets as entries were there at the same time, so a chain holds one entry on average.
 */
import { Int32Column } from './columns.ts';

export class HashChains {
  readonly #heads = new Int32Column();
  readonly #next: Int32Column;
  readonly #hashOf: (entry: number) => number;
  #buckets = 1;
  /** All ones, and the least that has the bit of the last bucket. */
  #mask = 0;
  #size = 0;

  /** @param hashOf the hash of an entry, 32 bits, the same each time */
  constructor(next: Int32Column, hashOf: (entry: number) => number) {
    this.#next = next;
    this.#hashOf = hashOf;
    this.#heads.reach(0);
  }

  get size(): number {
    return this.#size;
  }

  /** The first entry that may have this hash, or 0; `next` has the others. */
  first(hash: number): number {
    return this.#heads.get(this.#bucketOf(hash));
  }

  add(entry: number): void {
    const bucket = this.#bucketOf(this.#hashOf(entry));
    this.#next.set(entry, this.#heads.get(bucket));
    this.#heads.set(bucket, entry);
    if (++this.#size > this.#buckets) this.#split();
  }

  remove(entry: number): void {
    const bucket = this.#bucketOf(this.#hashOf(entry));
    const next = this.#next.get(entry);
    let at = this.#heads.get(bucket);
    if (at === entry) this.#heads.set(bucket, next);
    else {
      while (this.#next.get(at) !== entry) at = this.#next.get(at);
      this.#next.set(at, next);
    }
    this.#size--;
  }

  /** Forgets all entries, and gives the buckets back. */
  clear(): void {
    this.#heads.clear();
    this.#heads.reach(0);
    this.#buckets = 1;
    this.#mask = 0;
    this.#size = 0;
  }

  /** @throws Error when an entry lies in a chain that is not its own, or the count is wrong */
  checkInvariants(): void {
    let found = 0;
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      for (let entry = this.#heads.get(bucket); entry !== 0; entry = this.#next.get(entry)) {
        if (this.#bucketOf(this.#hashOf(entry)) !== bucket) throw new Error(`entry ${entry} lies in bucket ${bucket}`);
        if (++found > this.#size) throw new Error(`more entries are chained than the ${this.#size} that are counted`);
      }
    }
    if (found !== this.#size) throw new Error(`${this.#size} entries are counted, ${found} are chained`);
  }

  #bucketOf(hash: number): number {
    const bucket = hash & this.#mask;
    return bucket < this.#buckets ? bucket : bucket & (this.#mask >>> 1);
  }

  /** Adds a bucket, and moves to it what was waiting for it in another. */
  #split(): void {
    const added = this.#buckets;
    if (added > this.#mask) this.#mask = (this.#mask << 1) | 1;
    const source = added & (this.#mask >>> 1);
    this.#buckets++;
    this.#heads.reach(added);
    let entry = this.#heads.get(source);
    let stays = 0;
    let goes = 0;
    while (entry !== 0) {
      const next = this.#next.get(entry);
      if ((this.#hashOf(entry) & this.#mask) === added) {
        this.#next.set(entry, goes);
        goes = entry;
      } else {
        this.#next.set(entry, stays);
        stays = entry;
      }
      entry = next;
    }
    this.#heads.set(source, stays);
    this.#heads.set(added, goes);
  }
}
