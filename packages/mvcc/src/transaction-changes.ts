/**
 * What one transaction has changed: where its records lie in the blocks they were encoded into, and, once somebody asks, the
 * changes as objects.
 *
 * TCH1  Change n is sub-revision n. The first one costs no array: most transactions have no other.
 * TCH2  Each change is made once and frozen: watchers hand the very objects on as events.
 * TCH3  Nobody adds to it once its section has ended. Changes are made until its revision is visible, and later only if the slab was
 *      said to be lent in time (`lend`, RS3): slabs are written again.
 */
import { decodeKeyValue } from './key-value.ts';
import type { FinishedTransaction } from './observer.ts';
import { NO_SLAB, type Slab } from './record-slab.ts';
import type { Change, Finished, KeyValue } from './store.ts';

const NO_CHANGES: readonly Change[] = Object.freeze([]);

export class TransactionChanges implements FinishedTransaction {
  readonly revision: number;
  length = 0;
  hasLease = false;
  /** Where the first record begins and ends; `~end` for a deletion. */
  #slab: Slab = NO_SLAB;
  #start = 0;
  #end = 0;
  /** The same of the others. */
  #slabs: Slab[] | undefined;
  #places: number[] | undefined;
  #made: Change[] | undefined;

  /** @param revision that the transaction makes if it changes something */
  constructor(revision: number) {
    this.revision = revision;
  }

  /** The next record: the slab's bytes from `start` to `end`. */
  add(slab: Slab, start: number, end: number, isDeletion: boolean): void {
    const place = isDeletion ? ~end : end;
    if (this.length++ === 0) {
      this.#slab = slab;
      this.#start = start;
      this.#end = place;
    } else {
      (this.#slabs ??= []).push(slab);
      (this.#places ??= []).push(start, place);
    }
  }

  isDeletion(sub: number): boolean {
    return this.#placeOf(sub) < 0;
  }

  slab(sub: number): Slab {
    return sub === 0 ? this.#slab : this.#slabs![sub - 1]!;
  }

  /** Its changes may be asked for at any time from now on. */
  lend(): void {
    this.#slab.isLent = true;
    if (this.#slabs !== undefined) for (const slab of this.#slabs) slab.isLent = true;
  }

  start(sub: number): number {
    return sub === 0 ? this.#start : this.#places![2 * sub - 2]!;
  }

  end(sub: number): number {
    const place = this.#placeOf(sub);
    return place < 0 ? ~place : place;
  }

  /** A record as an object, its arrays views of the slab. */
  keyValue(sub: number): KeyValue {
    const slab = this.slab(sub);
    slab.isLent = true;
    const kv = decodeKeyValue(slab.bytes, this.start(sub), this.end(sub));
    // What is stored of a deletion is its key alone (spec 8.5, Q4).
    return this.isDeletion(sub) ? { ...kv, modRevision: this.revision } : kv;
  }

  /** Those so far, in an array of their own. */
  list(): Change[] {
    return this.changes.slice();
  }

  /** Those so far; grows with them. */
  get changes(): readonly Change[] {
    if (this.length === 0) return NO_CHANGES;
    // A literal has room for one, which is what most transactions have; the first `push` makes room for seventeen.
    const made = (this.#made ??= [this.#change(0)]);
    while (made.length < this.length) made.push(this.#change(made.length));
    return made;
  }

  #change(sub: number): Change {
    return Object.freeze<Change>({ type: this.isDeletion(sub) ? 'delete' : 'put', kv: this.keyValue(sub) });
  }

  #placeOf(sub: number): number {
    return sub === 0 ? this.#end : this.#places![2 * sub - 1]!;
  }
}

/** What a section leaves, whose changes most callers never look at. */
export class FinishedSection<T> implements Finished<T> {
  readonly value: T;
  readonly revision: number;
  readonly #changed: TransactionChanges;

  constructor(value: T, revision: number, changed: TransactionChanges) {
    this.value = value;
    this.revision = revision;
    this.#changed = changed;
    changed.lend();
  }

  get changes(): readonly Change[] {
    return this.#changed.changes;
  }
}
