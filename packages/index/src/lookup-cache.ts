/**
 * The slots of keys looked up lately, so that a hot key costs no descent.
 *
 * LK1  One line per hash: a newer key with the same hash takes the line. Lines and the keys they hold are limited, so
 *     the memory is.
 * LK2  A line holds exactly what the tree holds for its key. Whoever gives a key another slot in the tree says so here,
 *     and whoever gives many keys another slot clears all.
 * LK3  A line refers to the tree's own string of its key, where it has one. One that was made for the lookup lives on with its line: if all were
 *     like that, the collector would move a mebibyte of them each time.
 *
 * No etcd counterpart. A descent through a million keys is twenty comparisons of strings that lie apart in memory. Lines that said where
 * in the tree a key lies would need no telling, and touch twice as much memory a lookup.
 */
import type { Slot } from './slot.ts';

const LINES = 2 ** 14;
/** Longer keys are hashed by so many of their bytes, evenly spread. */
const HASHED_BYTES = 64;
/** Longer keys are not remembered. */
const LONGEST_KEY = 256;

export class LookupCache {
  readonly #keys: (string | undefined)[] = Array.from({ length: LINES }, () => undefined);
  readonly #slots: (Slot | undefined)[] = Array.from({ length: LINES }, () => undefined);
  /** Whole hashes, which tell nearly all other keys apart before anything else is looked at. */
  readonly #hashes = new Int32Array(LINES);
  /** Whether there may be a line. Each of a thousand slices of a compaction clears the cache. */
  #isUsed = false;

  /** The slot of the key, if there is a line for it. */
  slotOf(byteKey: string, hash: number): Slot | undefined {
    const line = hash & (LINES - 1);
    return this.#hashes[line] === hash && this.#keys[line] === byteKey ? this.#slots[line] : undefined;
  }

  /** @param byteKey as the tree has it */
  remember(byteKey: string, hash: number, slot: Slot): void {
    if (byteKey.length > LONGEST_KEY) return;
    const line = hash & (LINES - 1);
    this.#isUsed = true;
    this.#hashes[line] = hash;
    this.#keys[line] = byteKey;
    this.#slots[line] = slot;
  }

  /** Empties the line of this hash, whichever key is in it. */
  forget(hash: number): void {
    const line = hash & (LINES - 1);
    this.#keys[line] = undefined;
    this.#slots[line] = undefined;
  }

  clear(): void {
    if (!this.#isUsed) return;
    this.#isUsed = false;
    this.#keys.fill(undefined);
    this.#slots.fill(undefined);
  }

  *[Symbol.iterator](): Generator<[byteKey: string, slot: Slot | undefined], void, void> {
    for (const [line, byteKey] of this.#keys.entries()) if (byteKey !== undefined) yield [byteKey, this.#slots[line]];
  }
}

/** Four bytes a step: each multiplication waits for the one before. Mixed at the end, because the lowest bits choose the line. */
export function hashOf(key: Uint8Array): number {
  const { length } = key;
  const step = length <= HASHED_BYTES ? 4 : 4 * Math.floor(length / HASHED_BYTES);
  let hash = 0x811c9dc5 ^ length;
  let at = 0;
  for (const last = length - 4; at <= last; at += step) {
    const word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (at = Math.max(0, length - 4); at < length; at++) hash = Math.imul(hash ^ key[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
