/**
 * Keys of which compaction has left one revision that is not their creation: two numbers each, and no object.
 *
 *   narrow  main                  version * 2^25 + age      32 bits each; sub 0
 *   wide    main and sub, packed  version * 2^32 + age      64 bits each
 *
 * PL1  `age` is how many transactions after the creation, whose sub is 0.
 * PL2  What does not even fit a wide row (a creation with a sub, a main from 2^32 on with a sub, 2^21 versions) stays a
 *      `KeyIndex`.
 *
 * No etcd counterpart. As objects, a million such keys would take 80 MB more than keys that were put once.
 */
import { createdSubOf, subAt } from './generation.ts';
import { KeyIndex, type Found } from './key-index.ts';
import { fitsOne, MAIN_LIMIT, mainOf, pack, subOf } from './packed-revision.ts';
import { RowPool } from './row-pool.ts';

const WIDE = { age: 2 ** 32, version: 2 ** 21 };
const NARROW = { age: 2 ** 25, version: 2 ** 7 };

export function fits(index: KeyIndex): boolean {
  const { mains, version, createdMain, older } = index;
  if (typeof mains !== 'number' || older !== undefined || createdSubOf(index) !== 0) return false;
  return fitsLife(mains, subAt(index, 0), createdMain, version);
}

/** As `fits`, of the one revision of a key, and of its creation, whose sub is 0. */
export function fitsLife(main: number, sub: number, createdMain: number, version: number): boolean {
  return version < WIDE.version && main - createdMain < WIDE.age && fitsOne(main, sub);
}

/** A place is twice the row, and one more for a wide one. */
export class PackedLives {
  readonly #narrow = new RowPool((length) => new Uint32Array(length));
  readonly #wide = new RowPool((length) => new Float64Array(length));

  get size(): number {
    return this.#narrow.size + this.#wide.size;
  }

  /** Takes a key that `fits`; returns its place, from 0. */
  add(index: KeyIndex): number {
    return this.addLife(index.mains as number, subAt(index, 0), index.createdMain, index.version);
  }

  /** As `add`, of numbers that `fitsLife`. */
  addLife(main: number, sub: number, createdMain: number, version: number): number {
    const age = main - createdMain;
    if (sub === 0 && main < MAIN_LIMIT && age < NARROW.age && version < NARROW.version) {
      return 2 * this.#narrow.add(main, version * NARROW.age + age);
    }
    return 2 * this.#wide.add(pack(main, sub), version * WIDE.age + age) + 1;
  }

  remove(place: number): void {
    (isWide(place) ? this.#wide : this.#narrow).remove(rowOf(place));
  }

  mainOf(place: number): number {
    return mainOf(this.#headOf(place));
  }

  subOf(place: number): number {
    return subOf(this.#headOf(place));
  }

  /** As `KeyIndex.find`. */
  find(place: number, atMain: number, into: Found): boolean {
    const head = this.#headOf(place);
    const main = mainOf(head);
    if (main > atMain) return false;
    const scale = isWide(place) ? WIDE.age : NARROW.age;
    const tail = (isWide(place) ? this.#wide : this.#narrow).second(rowOf(place));
    into.main = main;
    into.sub = subOf(head);
    into.createdMain = main - (tail % scale);
    into.createdSub = 0;
    into.version = Math.floor(tail / scale);
    return true;
  }

  /** The same history as an object. */
  expanded(place: number): KeyIndex {
    const found: Found = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };
    this.find(place, Infinity, found);
    const index = new KeyIndex();
    index.restore(found.createdMain, 0, found.main, found.sub, found.version);
    return index;
  }

  #headOf(place: number): number {
    return (isWide(place) ? this.#wide : this.#narrow).first(rowOf(place));
  }
}

function isWide(place: number): boolean {
  return place % 2 === 1;
}

function rowOf(place: number): number {
  return Math.floor(place / 2);
}
