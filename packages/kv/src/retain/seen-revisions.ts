/**
 * Which revision was present when, as far as this process has seen it.
 *
 * SEE1  Memory is bounded: two looks are at least a 64th of the age apart that is asked for, and what is older than that age is forgotten but for
 *       the newest of it.
 */

const MOST = 64;

export class SeenRevisions {
  readonly #ageMs: number;
  readonly #seen: { readonly atMs: number; readonly revision: number }[] = [];

  constructor(ageMs: number) {
    this.#ageMs = ageMs;
  }

  /** @param atMs later than those before */
  add(atMs: number, revision: number): void {
    const last = this.#seen.at(-1);
    if (last !== undefined && atMs - last.atMs < this.#ageMs / MOST) return;
    this.#seen.push({ atMs, revision });
    while ((this.#seen[1]?.atMs ?? Infinity) <= atMs - this.#ageMs) this.#seen.shift();
  }

  /** The newest that was seen then or before; 0 for none. */
  at(atMs: number): number {
    return this.#seen.findLast((seen) => seen.atMs <= atMs)?.revision ?? 0;
  }
}
