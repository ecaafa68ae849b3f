/**
 * A run of neighbouring keys and what belongs to each: what the tree of leaves holds, a few dozen keys at a time.
 *
 * LEF1  Keys ascend, are at or above `low`, and below the `low` of the next leaf. `slots[i]` is that of `keys[i]`.
 * LEF2  A leaf that left the tree is empty, so whoever still refers to it finds nothing there.
 * LEF3  Of keys that were saved, slots and then keys are read when somebody asks for them, and nothing else tells whether they were: a leaf is
 *     as long, and covers what it covers, before and after. A search needs neither, and a slot can be given another value while the keys are
 *     where they were saved.
 *
 * No etcd counterpart. One level of nodes that this package owns: a key's place is found once, and what is then written to it
 * costs no second search; a run of ascending keys is appended where the last one went.
 */
import type { SavedKeys } from './saved-keys.ts';
import type { Slot } from './slot.ts';

/** Two cache lines of references to look through, and a byte to say which. */
export const LEAF_KEYS = 64;
/** How full a leaf is to be that is filled at once: so far that the next insertions need not split it. */
export const FILLED_KEYS: number = Math.floor((LEAF_KEYS * 7) / 8);

/** Of all leaves that have not read theirs. Nobody adds to them. */
const NO_KEYS: string[] = [];
const NO_SLOTS: Slot[] = [];

export class Leaf {
  low: string;
  previous: Leaf | undefined = undefined;
  next: Leaf | undefined = undefined;
  /** None while `#saved` has them. */
  #keys: string[] = NO_KEYS;
  #slots: Slot[] = NO_SLOTS;
  #saved: SavedKeys | undefined;
  #areSlotsRead = true;

  /** @param saved the keys it has, taken as they are; absent: none */
  constructor(low: string, saved?: SavedKeys) {
    this.low = low;
    if (saved === undefined) this.fill([], []);
    else this.fillLater(saved);
  }

  get keys(): string[] {
    if (this.#saved !== undefined) this.fill(this.#saved.readKeys(), this.slots);
    return this.#keys;
  }

  /** The keys for one visit: while saved ones are better not kept (SVK4), strings that die with it. Not to be changed. */
  get passingKeys(): readonly string[] {
    return this.#saved === undefined || this.#saved.isWorn ? this.keys : this.#saved.readKeys();
  }

  keyAt(place: number): string {
    return this.#saved === undefined ? this.#keys[place]! : this.#saved.keyAt(place);
  }

  get slots(): Slot[] {
    if (!this.#areSlotsRead) {
      this.#slots = this.#saved!.readSlots();
      this.#areSlotsRead = true;
    }
    return this.#slots;
  }

  /** How many keys there are. */
  get length(): number {
    return this.#saved === undefined ? this.#keys.length : this.#saved.length;
  }

  /** Whether the keys are strings by now. */
  get areKeysRead(): boolean {
    return this.#saved === undefined;
  }

  /** What has keys and slots, as long as neither was read and they are better not (SVK4). */
  get saved(): SavedKeys | undefined {
    return this.#areSlotsRead || this.#saved!.isWorn ? undefined : this.#saved;
  }

  /** Gives the leaf these instead of what it has. Takes the arrays. */
  fill(keys: string[], slots: Slot[]): this {
    this.#keys = keys;
    this.#slots = slots;
    this.#saved = undefined;
    this.#areSlotsRead = true;
    return this;
  }

  /** As `fill`. */
  fillLater(saved: SavedKeys): this {
    this.#keys = NO_KEYS;
    this.#slots = NO_SLOTS;
    this.#saved = saved;
    this.#areSlotsRead = false;
    return this;
  }

  /** Whether the key's place is in this leaf, the key being there or not. */
  covers(key: string): boolean {
    return key >= this.low && (this.next === undefined || key < this.next.low);
  }

  /** Where the key is, or `~` where it would be. */
  search(key: string): number {
    if (this.#saved !== undefined && !this.#saved.isWorn) return this.#saved.search(key);
    const { keys } = this;
    let low = 0;
    let high = keys.length;
    // Those who write in order come to the end of a leaf nearly every time.
    if (high > 0 && keys[high - 1]! < key) return ~high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return keys[low] === key ? low : ~low;
  }

  /** Where the first key at or above `key` is, or would be. */
  placeOf(key: string): number {
    const place = this.search(key);
    return place < 0 ? ~place : place;
  }

  insert(place: number, key: string, slot: Slot): void {
    const { keys, slots } = this;
    if (place === keys.length) {
      keys.push(key);
      slots.push(slot);
    } else {
      keys.splice(place, 0, key);
      slots.splice(place, 0, slot);
    }
  }

  /** Takes the keys at these places out. @param places ascending, not none */
  removeAll(places: readonly number[]): void {
    let taken = 0;
    const isKept = (_: unknown, place: number): boolean => {
      if (place !== places[taken]) return true;
      taken++;
      return false;
    };
    const keys = this.keys.filter(isKept);
    taken = 0;
    this.fill(keys, this.slots.filter(isKept));
  }

  /** Gives back what the arrays have reserved. */
  trim(): void {
    this.fill(this.keys.slice(), this.slots.slice());
  }

  /** LEF2. */
  empty(): void {
    this.fill([], []);
  }

  /** Throws when LEF1 does not hold. Reads all. */
  checkInvariants(): void {
    const { low, next, keys, slots, length } = this;
    const isWhole = keys.length === length && slots.length === length && length <= LEAF_KEYS;
    if (!isWhole) throw new Error('LEF1: a slot for each key, and not too many');
    for (const [place, key] of keys.entries()) {
      const isBehind = place === 0 ? key >= low : key > keys[place - 1]!;
      if (!isBehind || (next !== undefined && key >= next.low))
        throw new Error('LEF1: keys ascend from low on, and are below the next leaf');
    }
  }
}
