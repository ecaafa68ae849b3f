/**
 * A set of revisions, small for the usual case of one change a transaction.
 *
 * etcd: map[Revision]struct{}. Departs: changes with sub 0 are bare numbers, so a million kept revisions cost a
 * million numbers and no objects.
 */
import type { Revision } from './revision.ts';

export class RevisionSet {
  readonly #first = new Set<number>();
  readonly #later = new Map<number, Set<number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(main: number, sub: number): void {
    if (this.has(main, sub)) return;
    this.#size++;
    if (sub === 0) {
      this.#first.add(main);
      return;
    }
    const subs = this.#later.get(main);
    if (subs === undefined) this.#later.set(main, new Set([sub]));
    else subs.add(sub);
  }

  has(main: number, sub: number): boolean {
    return sub === 0 ? this.#first.has(main) : (this.#later.get(main)?.has(sub) ?? false);
  }

  /** In no particular order. */
  *[Symbol.iterator](): IterableIterator<Revision> {
    for (const main of this.#first) yield { main, sub: 0 };
    for (const [main, subs] of this.#later) for (const sub of subs) yield { main, sub };
  }
}
