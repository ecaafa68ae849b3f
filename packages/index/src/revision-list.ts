/**
 * Revisions in a row as plain numbers: what a range found, without an object for each.
 *
 * RVL1  `mains[i]` and `subAt(i)` are revision i. There are no subs at all while each is 0, as nearly all are.
 */

/** Grows at its end alone. */
export class RevisionList {
  readonly mains: number[] = [];
  #subs: number[] | undefined;

  get length(): number {
    return this.mains.length;
  }

  subAt(index: number): number {
    return this.#subs === undefined ? 0 : this.#subs[index]!;
  }

  push(main: number, sub: number): void {
    if (sub !== 0 && this.#subs === undefined) this.#subs = Array.from(this.mains, () => 0);
    this.mains.push(main);
    this.#subs?.push(sub);
  }
}
