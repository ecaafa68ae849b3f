/**
 * The keys and slots of a leaf as they lie in a block of a saved index: they are looked at there, or read.
 *
 * SVK1  What is read here was read through when the block came (`load.ts`), so it does not fail.
 * SVK2  A block lives as long as one of its leaves has not read its keys.
 * SVK3  A search compares the bytes in which a key differs from the one before, and makes nothing. It passes every life before the
 *     key's, because a life tells what its main differs from the last one by.
 * SVK4  Looking wears: where it has passed as much as reading would cost, or the same key is asked for again and again, whom the cache of
 *     lookups would serve better, it is time to read.
 */
import { byteKeyOf } from '@varve/base/order';
import type { Found } from './key-index.ts';
import { changeOf, type LifeReader } from './life-reader.ts';
import type { Slot } from './slot.ts';

/** Longer keys make room for themselves. */
const KEY_BYTES = 256;
/** The bytes of the key read last; the next one shares some. */
let lastKey = new Uint8Array(KEY_BYTES);

/** Bytes that are passed in the time that strings for a leaf take, with what the collector does about them. */
export const MOST_WEAR: number = 1 << 16;
/** A key asked for so often, and no other of the leaf in between, is asked for again. */
const WEAR_OF_SAME = MOST_WEAR / 8;
/** Strings that die young cost this part of those that stay. */
const WEAR_OF_READING = MOST_WEAR / 4;

export class SavedKeys {
  readonly length: number;
  readonly #lives: LifeReader;
  readonly #block: Uint8Array;
  /** Where the first key's life begins, what precedes it in the block, and that key itself. */
  readonly #at: number;
  readonly #main: number;
  readonly #first: string;
  /** Where the life of the key found last begins. */
  #lastFound = -1;
  #wear = 0;

  constructor(lives: LifeReader, block: Uint8Array, at: number, main: number, first: string, length: number) {
    this.length = length;
    this.#lives = lives;
    this.#block = block;
    this.#at = at;
    this.#main = main;
    this.#first = first;
  }

  /** Whether it is time to read (SVK4). Slots have nothing of that name: so a store that loads no index need not load this class to tell them apart. */
  get isWorn(): boolean {
    return this.#wear > MOST_WEAR;
  }

  /** Where the key is, or `~` where it would be. */
  search(key: string): number {
    const place = this.#seek(key);
    this.#leave();
    return place;
  }

  /** The key at `atMain` in `into`; false, and `into` untouched, where it did not exist. */
  find(key: string, atMain: number, into: Found): boolean {
    const isFound = this.#seek(key) >= 0 && this.#lives.find(atMain, into);
    this.#leave();
    return isFound;
  }

  /**
   * Calls `onFound` for each key from `low` to before `high` that existed at `atMain`, as it was then in `into`, until it returns something.
   * @param low undefined: from the first one @param high undefined: to the last one @returns whether it did
   */
  visit(
    low: string | undefined,
    high: string | undefined,
    atMain: number,
    into: Found,
    onFound: () => object | undefined,
  ): boolean {
    const lives = this.#lives;
    const from = this.#placeOf(low, 0);
    const to = this.#placeOf(high, this.length);
    let isStopped = false;
    this.#enter();
    for (let place = 0; place < to && !isStopped; place++) {
      if (place > 0) this.#passKey();
      if (place < from) lives.skip();
      else isStopped = lives.find(atMain, into) && onFound() !== undefined;
    }
    this.#leave();
    return isStopped;
  }

  /** Whether a key from `low` to before `high`, as of `visit`, was put or deleted after `revision`. */
  changedSince(low: string | undefined, high: string | undefined, revision: number): boolean {
    const lives = this.#lives;
    const from = this.#placeOf(low, 0);
    const to = this.#placeOf(high, this.length);
    let isChanged = false;
    this.#enter();
    for (let place = 0; place < to && !isChanged; place++) {
      if (place > 0) this.#passKey();
      lives.skip();
      isChanged = place >= from && lives.main > revision;
    }
    this.#leave();
    return isChanged;
  }

  /** All of them, in order; to be read once. */
  readSlots(): Slot[] {
    const lives = this.#lives;
    const slots: Slot[] = [];
    this.#enter();
    for (let place = 0; place < this.length; place++) {
      if (place > 0) this.#passKey();
      slots.push(lives.slot());
    }
    this.#leave();
    this.#wear = 0;
    // A copy: what was pushed has room for more.
    return slots.slice();
  }

  readKeys(): string[] {
    const keys: string[] = [];
    this.#passKeys(this.length, (key, length) => {
      keys.push(keys.length === 0 ? this.#first : byteKeyOf(key, 0, length));
    });
    this.#wear += WEAR_OF_READING;
    return keys.slice();
  }

  keyAt(place: number): string {
    let left = place;
    let found = this.#first;
    this.#passKeys(place + 1, (key, length) => {
      if (left-- === 0) found = byteKeyOf(key, 0, length);
    });
    return found;
  }

  /** Calls `onKey` for so many keys from the first on, with their bytes in an array that is written again. */
  #passKeys(count: number, onKey: (key: Uint8Array, length: number) => void): void {
    const lives = this.#lives;
    const { reader } = lives;
    const block = this.#block;
    const first = this.#first;
    let key = room(first.length);
    for (let n = 0; n < first.length; n++) key[n] = first.charCodeAt(n);
    onKey(key, first.length);
    this.#enter();
    for (let passed = 1; passed < count; passed++) {
      lives.skip();
      const shared = reader.number();
      const length = shared + reader.number();
      if (length > key.length) key = room(length, shared);
      let { at } = reader;
      for (let n = shared; n < length; n++) key[n] = block[at++]!;
      reader.at = at;
      onKey(key, length);
    }
    this.#leave();
  }

  /** How many keys are below this one. */
  #placeOf(key: string | undefined, without: number): number {
    if (key === undefined) return without;
    const place = this.search(key);
    return place < 0 ? ~place : place;
  }

  /** To the first life. */
  #enter(): void {
    const { reader } = this.#lives;
    reader.bytes = this.#block;
    reader.at = this.#at;
    this.#lives.main = this.#main;
  }

  #leave(): void {
    const { reader } = this.#lives;
    this.#wear += reader.at - this.#at;
    reader.bytes = NOTHING;
  }

  /** From the end of a life to the next one. */
  #passKey(): void {
    const { reader } = this.#lives;
    reader.number();
    const more = reader.number();
    reader.at += more;
  }

  /** To the life of the key, or of the first one above it. @returns as `search` */
  #seek(key: string): number {
    this.#enter();
    const lives = this.#lives;
    const { reader } = lives;
    const block = this.#block;
    const first = this.#first;
    const count = this.length;
    const { length } = key;
    let at = this.#at;
    let main = this.#main;
    // Bytes that the key has in common with the one looked at, which is below it.
    let common = 0;
    while (common < length && common < first.length && key.charCodeAt(common) === first.charCodeAt(common)) common++;
    // The byte that follows them, less than any where none does.
    let wanted = common === length ? -1 : key.charCodeAt(common);
    const isAbove = common < length && (common === first.length || wanted > first.charCodeAt(common));
    let isFound = common === length && common === first.length;
    let place = 0;
    while (isAbove && ++place < count) {
      // Past the life. Nearly all keys were put once.
      const coded = block[at + 1]!;
      if (block[at] === 0 && coded < 0x80) {
        main += changeOf(coded);
        at += 2;
      } else {
        lives.main = main;
        reader.at = at;
        lives.skip();
        ({ at } = reader);
        ({ main } = lives);
      }
      let shared = block[at++]!;
      if (shared >= 0x80) {
        reader.at = at - 1;
        shared = reader.number();
        ({ at } = reader);
      }
      let more = block[at++]!;
      if (more >= 0x80) {
        reader.at = at - 1;
        more = reader.number();
        ({ at } = reader);
      }
      const end = at + more;
      // What shares more with the one before is below the key as that was; what shares less is above both (BLW2).
      if (shared < common) break;
      if (shared === common) {
        while (at < end && block[at] === wanted) {
          common++;
          at++;
          wanted = common === length ? -1 : key.charCodeAt(common);
        }
        isFound = common === length && at === end;
        if (isFound || (at < end && block[at]! > wanted)) break;
      }
      at = end;
    }
    reader.at = at;
    lives.main = main;
    if (!isFound) return ~place;
    this.#wear += at === this.#lastFound ? WEAR_OF_SAME : 0;
    this.#lastFound = at;
    return place;
  }
}

const NOTHING = new Uint8Array(0);

/** `lastKey`, with room for so many, of which the first `kept` stay. */
function room(length: number, kept = 0): Uint8Array<ArrayBuffer> {
  if (length <= lastKey.length) return lastKey;
  const larger = new Uint8Array(2 * length);
  larger.set(lastKey.subarray(0, kept));
  lastKey = larger;
  return larger;
}
