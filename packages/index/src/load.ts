/**
 * An index out of the blocks that `TreeIndex.save` has made: in order, without a descent for each key.
 *
 * LOD1  A block is a slice: a fraction of a millisecond. Its bytes are trusted to be the ones that were written (whoever keeps them has
 *     sums over them); what contradicts itself all the same is `INDEX_CORRUPT`, and never read outside of the block.
 */
import { byteKeyOf } from '@varve/base/order';
import { VarintReader } from '@varve/base/varint';
import { IndexError } from './errors.ts';
import type { Generation } from './generation.ts';
import { KeyIndex } from './key-index.ts';
import { HEAD, infoOf, WORD_LIMIT } from './packed-record.ts';
import { MOST_WORDS } from './record-pool.ts';
import { SlotTree } from './slot-tree.ts';
import type { Slot, Slots } from './slot.ts';

/** Longer keys make room for themselves. */
const KEY_BYTES = 256;

export class TreeReader {
  readonly tree: SlotTree = new SlotTree();
  readonly #slots: Slots;
  readonly #reader = new VarintReader((problem) => corrupt(problem));
  /** The bytes of the key read last; the next one shares some. */
  #key = new Uint8Array(KEY_BYTES);
  /** A record, before it is in the pool. */
  readonly #words = new Uint32Array(MOST_WORDS);
  #last: string | undefined;
  #main = 0;
  keys = 0;
  liveKeys = 0;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** @throws IndexError `INDEX_CORRUPT` */
  add(block: Uint8Array): void {
    const { tree } = this;
    const reader = this.#reader;
    let key = this.#key;
    reader.bytes = block;
    reader.at = 0;
    const count = reader.number();
    let { at } = reader;
    let keyLength = 0;
    let main = 0;
    let live = 0;
    let last = this.#last;
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
      const isShort = more === 0 && last !== undefined;
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
      const text = byteKeyOf(key, 0, length);
      if (i === 0 && last !== undefined && text <= last) throw corrupt('a block begins before the one before ends');
      last = text;
      const kind = block[at++]!;
      let slot: Slot;
      if (kind === 0) {
        let coded = block[at++]!;
        if (!(coded < 0x80)) {
          reader.at = at - 1;
          coded = reader.number();
          ({ at } = reader);
        }
        main += changeOf(coded);
        if (main < 0) throw corrupt('a revision is negative');
        slot = main; // SLT1
        live++;
      } else {
        this.#main = main;
        reader.at = at - 1;
        slot = this.#slot();
        ({ at } = reader);
        main = this.#main;
        if (this.#slots.isLive(slot)) live++;
      }
      tree.append(text, slot);
    }
    if (at !== block.length) throw corrupt('a block is not as long as its keys');
    this.#last = last;
    this.keys += count;
    this.liveKeys += live;
  }

  /** A life that is none of the commonest. */
  #slot(): Slot {
    const reader = this.#reader;
    const kind = reader.number();
    if (kind === 1) return this.#slots.firstPut(this.#change(), reader.number());
    if (kind === 2) {
      const main = this.#change();
      const sub = reader.number();
      const createdMain = main - reader.number();
      return this.#slots.oneLater(main, sub, createdMain, reader.number());
    }
    if (kind === 4) {
      const slot = this.#record();
      if (slot !== undefined) return slot;
    }
    const older: Generation[] = [];
    for (let left = kind - 3; left > 1; left--) {
      const generation = this.#generation();
      if (generation.mains === undefined) throw corrupt('a life is empty, and another one follows');
      older.push(generation);
    }
    if (kind === 3) throw corrupt('a key without a life');
    const index = new KeyIndex();
    Object.assign(index, this.#generation());
    if (older.length > 0) index.older = older;
    if (index.isEmpty) throw corrupt('a key without a life');
    return this.#slots.reduced(index);
  }

  /** A life of two revisions or more, without an object made of it; undefined, and nothing read, where it is another one. */
  #record(): Slot | undefined {
    const reader = this.#reader;
    const words = this.#words;
    const start = reader.at;
    const main = this.#main;
    const head = reader.number();
    const subs = head % 2;
    const count = (head - subs) / 2;
    const used = 1 + HEAD + subs + count * (1 + subs);
    if (count > 1 && used <= MOST_WORDS) {
      words[0] = infoOf(used, subs, 0);
      words[1] = this.#change();
      const version = reader.number();
      words[2] = version;
      words[3] = count;
      // All are below the last one.
      let most = version;
      let end = 4;
      if (subs > 0) most = Math.max(most, (words[end++] = reader.number()));
      for (let i = 0; i < count; i++) {
        words[end++] = this.#later();
        if (subs > 0) most = Math.max(most, (words[end++] = reader.number()));
      }
      const slot = Math.max(most, this.#main) < WORD_LIMIT ? this.#slots.record(words, used) : undefined;
      if (slot !== undefined) return slot;
    }
    reader.at = start;
    this.#main = main;
    return undefined;
  }

  #generation(): Generation {
    const reader = this.#reader;
    const head = reader.number();
    const hasSubs = head % 2 === 1;
    const count = (head - (hasSubs ? 1 : 0)) / 2;
    if (count === 0) return { createdMain: 0, version: 0, mains: undefined, subs: undefined };
    // Each takes a byte at least.
    if (count > reader.bytes.length) throw corrupt('a life does not fit');
    const createdMain = this.#change();
    const version = reader.number();
    const subs = hasSubs ? [reader.number()] : undefined;
    const mains: number[] = [];
    for (let i = 0; i < count; i++) {
      mains.push(this.#later());
      if (subs !== undefined) subs.push(reader.number());
    }
    const isPacked = subs !== undefined && subs.some((sub) => sub !== 0);
    return {
      createdMain,
      version,
      mains: count === 1 ? mains[0] : mains.slice(),
      subs: isPacked ? subs.slice() : undefined,
    };
  }

  /** As `#change`, of a revision, which is behind what was read before it. */
  #later(): number {
    const before = this.#main;
    if (this.#change() < before) throw corrupt('revisions are out of order');
    return this.#main;
  }

  /** The main that differs so from the one before. */
  #change(): number {
    this.#main += changeOf(this.#reader.number());
    if (this.#main < 0) throw corrupt('a revision is negative');
    return this.#main;
  }
}

/** What zigzag stands for. */
function changeOf(coded: number): number {
  return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
}

function corrupt(problem: string): IndexError {
  return new IndexError('INDEX_CORRUPT', `a saved index is damaged: ${problem}`);
}
