/**
 * An index out of the blocks that `saveTreeIndex` has made: each is read through once, and cut into leaves, which make their keys
 * when they are asked for one.
 *
 * LOD1  A block is a slice: a fraction of a millisecond. Its bytes are trusted to be the ones that were written (whoever keeps them has
 *     sums over them); what contradicts itself all the same is `INDEX_CORRUPT` here, never later, and never read outside of the block.
 * LOD2  A leaf lies in one block, whose last one is mostly smaller.
 */
import { byteKeyOf } from '@varve/base/order';
import { FILLED_KEYS } from './leaf.ts';
import { changeOf, corrupt, LifeReader } from './life-reader.ts';
import { SavedKeys } from './saved-keys.ts';
import { SlotTree } from './slot-tree.ts';
import type { Slots } from './slot.ts';

/** Longer keys make room for themselves. */
const KEY_BYTES = 256;

export class TreeReader {
  readonly tree: SlotTree = new SlotTree();
  readonly #lives: LifeReader;
  /** The bytes of the key read last; the next one shares some. */
  #key = new Uint8Array(KEY_BYTES);
  #last: string | undefined;
  keys = 0;
  liveKeys = 0;

  constructor(slots: Slots) {
    this.#lives = new LifeReader(slots);
  }

  /** Copies the block. @throws IndexError `INDEX_CORRUPT` */
  add(from: Uint8Array): void {
    const block = new Uint8Array(from);
    const lives = this.#lives;
    const { reader } = lives;
    let key = this.#key;
    reader.bytes = block;
    reader.at = 0;
    const count = reader.number();
    let { at } = reader;
    let keyLength = 0;
    let main = 0;
    let live = 0;
    const isFirst = this.#last === undefined;
    for (let i = 0; i < count; i++) {
      // Nearly all numbers are of one byte. What is behind the end is undefined, and the reader says so.
      let shared = block[at++]!;
      if (!(shared < 0x80)) {
        reader.at = at - 1;
        shared = reader.number();
        ({ at } = reader);
      }
      let more = block[at++]!;
      if (!(more < 0x80)) {
        reader.at = at - 1;
        more = reader.number();
        ({ at } = reader);
      }
      const length = shared + more;
      // The very first key may be empty.
      const isShort = more === 0 && (i > 0 || !isFirst);
      if (isShort || shared > keyLength || at + more > block.length) throw corrupt('a key does not fit');
      // All that can be shared is: so the first byte that is not decides (BLW2).
      if (shared < keyLength && block[at]! <= key[shared]!) throw corrupt('keys are out of order');
      if (length > key.length) {
        // No longer than the blocks so far, whatever this one claims.
        const larger = new Uint8Array(2 * length);
        larger.set(key.subarray(0, shared));
        key = this.#key = larger;
      }
      for (let n = shared; n < length; n++) key[n] = block[at++]!;
      keyLength = length;
      if (i % FILLED_KEYS === 0) {
        const text = byteKeyOf(key, 0, length);
        if (i === 0 && !isFirst && text <= this.#last!) throw corrupt('a block begins before the one before ends');
        const leafKeys = Math.min(FILLED_KEYS, count - i);
        this.tree.append(text, new SavedKeys(lives, block, at, main, text, leafKeys));
      }
      const coded = block[at + 1]!;
      if (block[at] === 0 && coded < 0x80) {
        main += changeOf(coded);
        if (main < 0) throw corrupt('a revision is negative');
        at += 2;
        live++;
      } else {
        lives.main = main;
        reader.at = at;
        if (lives.skip()) live++;
        ({ at } = reader);
        ({ main } = lives);
      }
    }
    if (at !== block.length) throw corrupt('a block is not as long as its keys');
    if (count > 0) this.#last = byteKeyOf(key, 0, keyLength);
    this.keys += count;
    this.liveKeys += live;
  }
}
