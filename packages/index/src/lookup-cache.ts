/**
 * Where the keys looked up lately lie, so that a hot key costs no descent.
 *
 * LK1  One line per hash: a newer key with the same hash takes the line. Lines are limited, and refer to leaves that are in the tree
 *     or empty, so the memory is limited too.
 * LK2  A line is a guess, and held against the key that lies there now: nobody has to say that a leaf has changed.
 *
 * No etcd counterpart. A descent through a million keys is twenty comparisons of strings that lie apart in memory.
 */
import { Leaf } from './leaf.ts';

const LINES = 2 ** 14;
/** Longer keys are hashed by so many of their bytes, evenly spread. */
const HASHED_BYTES = 64;

const NO_LEAF = new Leaf('', [], []);

export class LookupCache {
  readonly #leaves: Leaf[] = Array.from({ length: LINES }, () => NO_LEAF);
  /** Of each line the whole hash, which tells nearly all other keys apart before anything else is looked at, and the place in the leaf. */
  readonly #guesses = new Int32Array(2 * LINES);
  /** The place that `leafOf` has found. */
  place = 0;

  /** The leaf where `byteKey` lies at `place`, or `undefined`. */
  leafOf(byteKey: string, hash: number): Leaf | undefined {
    const line = hash & (LINES - 1);
    if (this.#guesses[2 * line] !== hash) return undefined;
    const leaf = this.#leaves[line]!;
    const place = this.#guesses[2 * line + 1]!;
    if (leaf.keys[place] !== byteKey) return undefined;
    this.place = place;
    return leaf;
  }

  remember(hash: number, leaf: Leaf, place: number): void {
    const line = hash & (LINES - 1);
    this.#leaves[line] = leaf;
    this.#guesses[2 * line] = hash;
    this.#guesses[2 * line + 1] = place;
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
