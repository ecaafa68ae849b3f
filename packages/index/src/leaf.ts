/**
 * A run of neighbouring keys and what belongs to each: what the tree of leaves holds, a few dozen keys at a time.
 *
 * LEF1  Keys ascend, are at or above `low`, and below the `low` of the next leaf. `slots[i]` is that of `keys[i]`.
 * LEF2  A leaf that left the tree is empty, so whoever still refers to it finds nothing there.
 * LEF3  Keys that were saved are read when somebody asks for them: a leaf is as long, and covers what it covers, before and after.
 *
 * No etcd counterpart. One level of nodes that this package owns: a key's place is found once, and what is then written to it
 * costs no second search; a run of ascending keys is appended where the last one went.
 */
import type { Slot } from './slot.ts';

/** Two cache lines of references to look through, and a byte to say which. */
export const LEAF_KEYS = 64;

/** Keys and slots of a leaf that nobody has asked for yet. */
export interface Unread {
  readonly length: number;
  /** Adds all of them, in order; cannot fail. */
  readInto(keys: string[], slots: Slot[]): void;
}

export class Leaf {
  low: string;
  previous: Leaf | undefined = undefined;
  next: Leaf | undefined = undefined;
  #keys: string[] = [];
  #slots: Slot[] = [];
  #unread: Unread | undefined = undefined;

  constructor(low: string) {
    this.low = low;
  }

  get keys(): string[] {
    if (this.#unread !== undefined) this.#read(this.#unread);
    return this.#keys;
  }

  get slots(): Slot[] {
    if (this.#unread !== undefined) this.#read(this.#unread);
    return this.#slots;
  }

  /** How many keys there are. */
  get length(): number {
    return this.#unread === undefined ? this.#keys.length : this.#unread.length;
  }

  /** Gives the leaf these instead of what it has. Takes the arrays. */
  fill(keys: string[], slots: Slot[]): this {
    this.#keys = keys;
    this.#slots = slots;
    this.#unread = undefined;
    return this;
  }

  /** As `fill`. */
  fillLater(unread: Unread): this {
    this.#unread = unread;
    return this;
  }

  /** Whether the key's place is in this leaf, the key being there or not. */
  covers(key: string): boolean {
    return key >= this.low && (this.next === undefined || key < this.next.low);
  }

  /** Where the first key at or above `key` is, or would be. */
  placeOf(key: string): number {
    const { keys } = this;
    let low = 0;
    let high = keys.length;
    // Those who write in order come to the end of a leaf nearly every time.
    if (high > 0 && keys[high - 1]! < key) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
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

  #read(unread: Unread): void {
    const keys: string[] = [];
    const slots: Slot[] = [];
    unread.readInto(keys, slots);
    // Copies: what was pushed has room for more.
    this.fill(keys.slice(), slots.slice());
  }
}
