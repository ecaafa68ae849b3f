/**
 * An index out of the blocks that `saveTreeIndex` has made: each is read through once, and cut into leaves, which make their keys
 * when they are asked for one.
 *
 * LOD1  A block is a slice: a fraction of a millisecond. Its bytes are trusted to be the ones that were written (whoever keeps them has
 *     sums over them); what contradicts itself all the same is `INDEX_CORRUPT` here, never later, and never read outside of the block.
 * LOD2  A leaf lies in one block, whose last one is mostly smaller.
 * LOD3  The tree is made in one go out of the first leaves, which are in order, a few milliseconds for two million keys: a descent for each would
 *     cost more than passing its keys does, most of it for compiling code that an opening needs for nothing else. Leaves behind those
 *     are added one by one, because that is no longer than a slice however many there are.
 */
import type { BTree } from '@varve/base/btree';
import { bulkLoad } from '@varve/base/bulk-load';
import { byteKeyOf, compareByteKeys } from '@varve/base/order';
import { FILLED_KEYS, Leaf } from './leaf.ts';
import { changeOf, corrupt, LifeReader } from './life-reader.ts';
import { NODE_SIZE } from './linked-leaves.ts';
import { SavedKeys } from './saved-keys.ts';
import { SlotTree } from './slot-tree.ts';
import type { Slots } from './slot.ts';

/** Longer keys make room for themselves. */
const KEY_BYTES = 256;
/** Leaves of which a tree is made in one go. */
const MOST_AT_ONCE = 1 << 15;

export class TreeReader {
  readonly #lives: LifeReader;
  /** The bytes of the key read last, of which so many are its own; the next one shares some. */
  #key = new Uint8Array(KEY_BYTES);
  #keyLength = 0;
  #last: string | undefined;
  /** The first leaves, until there is a tree. */
  readonly #leaves: Leaf[] = [];
  #tree: BTree<string, Leaf> | undefined;
  #lastLeaf: Leaf | undefined;
  readonly #mostAtOnce: number;
  keys = 0;
  liveKeys = 0;

  /** @param mostAtOnce leaves of which a tree is made in one go, for tests */
  constructor(slots: Slots, mostAtOnce: number = MOST_AT_ONCE) {
    this.#lives = new LifeReader(slots);
    this.#mostAtOnce = mostAtOnce;
  }

  /** Copies the block. @throws IndexError `INDEX_CORRUPT` */
  add(from: Uint8Array): void {
    const block = new Uint8Array(from);
    const lives = this.#lives;
    const { reader } = lives;
    reader.bytes = block;
    reader.at = 0;
    const count = reader.number();
    lives.main = 0;
    this.#keyLength = 0;
    for (let left = count; left > 0; left -= FILLED_KEYS) {
      // The very first key may be empty.
      this.#passKey(block, this.#last === undefined && left === count);
      const text = byteKeyOf(this.#key, 0, this.#keyLength);
      if (this.#last !== undefined && left === count && text <= this.#last)
        throw corrupt('a block begins before the one before ends');
      const leafKeys = Math.min(FILLED_KEYS, left);
      this.#append(text, new SavedKeys(lives, block, reader.at, lives.main, text, leafKeys));
      if (lives.skip()) this.liveKeys++;
      this.liveKeys += this.#passKeys(block, leafKeys - 1);
    }
    if (reader.at !== block.length) throw corrupt('a block is not as long as its keys');
    if (count > 0) this.#last = byteKeyOf(this.#key, 0, this.#keyLength);
    this.keys += count;
  }

  /** All that was added; nothing is added behind it. */
  tree(): SlotTree {
    const [first] = this.#leaves;
    if (first === undefined) return new SlotTree();
    const tree = this.#tree ?? treeOf(this.#leaves);
    return new SlotTree({ tree, first, last: this.#lastLeaf!, keys: this.keys });
  }

  #append(first: string, keys: SavedKeys): void {
    const previous = this.#lastLeaf;
    // The first leaf has all that is below the second, whatever its own first key is (ST1).
    const leaf = new Leaf(previous === undefined ? '' : first, keys);
    leaf.previous = previous;
    if (previous !== undefined) previous.next = leaf;
    this.#lastLeaf = leaf;
    if (this.#tree !== undefined) this.#tree.set(leaf.low, leaf);
    else if (this.#leaves.push(leaf) === this.#mostAtOnce) this.#tree = treeOf(this.#leaves);
  }

  /**
   * Passes so many keys, each with its life. Apart from what is done once a leaf, so that it is compiled soon: until then a key takes ten
   * times as long. @returns how many of them live
   */
  #passKeys(block: Uint8Array, count: number): number {
    const lives = this.#lives;
    const { reader } = lives;
    let live = 0;
    for (let i = 0; i < count; i++) {
      this.#passKey(block, false);
      const { at } = reader;
      const coded = block[at + 1]!;
      // Nearly all keys were put once.
      if (block[at] === 0 && coded < 0x80) {
        lives.main += changeOf(coded);
        if (lives.main < 0) throw corrupt('a revision is negative');
        reader.at = at + 2;
        live++;
      } else if (lives.skip()) live++;
    }
    return live;
  }

  #passKey(block: Uint8Array, mayBeEmpty: boolean): void {
    const { reader } = this.#lives;
    let key = this.#key;
    let { at } = reader;
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
    const before = this.#keyLength;
    if ((more === 0 && !mayBeEmpty) || shared > before || at + more > block.length) throw corrupt('a key does not fit');
    // All that can be shared is: so the first byte that is not decides (BLW2).
    if (shared < before && block[at]! <= key[shared]!) throw corrupt('keys are out of order');
    if (length > key.length) {
      // No longer than the blocks so far, whatever this one claims.
      const larger = new Uint8Array(2 * length);
      larger.set(key.subarray(0, shared));
      key = this.#key = larger;
    }
    for (let n = shared; n < length; n++) key[n] = block[at++]!;
    this.#keyLength = length;
    reader.at = at;
  }
}

/** @param leaves in order */
function treeOf(leaves: Leaf[]): BTree<string, Leaf> {
  const lows = leaves.map(({ low }) => low);
  return bulkLoad(lows, leaves, NODE_SIZE, compareByteKeys);
}
