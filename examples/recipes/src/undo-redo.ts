/**
 * Undo and redo in a store that others write to as well.
 *
 * UNR1  What is taken back is one revision, whole: all keys that it changed, as one transaction.
 * UNR2  Nobody's work is lost: where somebody has changed such a key since, nothing is taken back, and the caller is told.
 * UNR3  Undoing is a change like any other, so redoing is undoing that.
 */
import { compare, missing, put, remove, type Kv } from '@varve/kv';

/** Takes back what a revision changed. Returns the revision that did; `undefined`: somebody has changed it since. */
export async function takeBack(kv: Kv, revision: number): Promise<number | undefined> {
  const changed = await kv.diff(revision - 1, revision, {}).toArray();
  const { succeeded, revision: made } = await kv.txn({
    if: changed.map(({ key, entry }) =>
      entry === undefined ? missing(key) : compare(key, { value: { equals: entry.value } }),
    ),
    then: changed.map(({ key, previous }) => (previous === undefined ? remove(key) : put(key, previous.value))),
  });
  return succeeded ? made : undefined;
}

/** What one user has done. */
export class Undo {
  readonly #kv: Kv;
  readonly #done: number[] = [];
  readonly #undone: number[] = [];

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** Call it with the revision of each write of this user. */
  did(revision: number): void {
    this.#done.push(revision);
    this.#undone.length = 0;
  }

  /** `false`: there is nothing to undo, or somebody has changed it since, so that it cannot be undone any more. */
  undo = (): Promise<boolean> => this.#move(this.#done, this.#undone);
  redo = (): Promise<boolean> => this.#move(this.#undone, this.#done);

  async #move(from: number[], to: number[]): Promise<boolean> {
    const revision = from.pop();
    const made = revision === undefined ? undefined : await takeBack(this.#kv, revision);
    if (made !== undefined) to.push(made);
    return made !== undefined;
  }
}
