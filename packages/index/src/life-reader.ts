/**
 * Reads the lives of keys out of the blocks of a saved index (`block-writer.ts`): as slots, for one revision, or past them.
 *
 * LFR1  `skip` refuses all that `slot` would: what was passed once is read without fail later, and lives if `skip` said so.
 * LFR2  `find` tells what the slot would, and makes none.
 */
import { VarintReader } from '@varve/base/varint';
import { IndexError } from './errors.ts';
import type { Generation } from './generation.ts';
import { KeyIndex, type Found } from './key-index.ts';
import { HEAD, infoOf, WORD_LIMIT } from './packed-record.ts';
import { MOST_WORDS } from './record-pool.ts';
import type { Slot, Slots } from './slot.ts';

export class LifeReader {
  /** Stands where the next life begins. */
  readonly reader: VarintReader = new VarintReader((problem) => corrupt(problem));
  /** The main read last in the block, from which the next one is told. */
  main = 0;
  readonly #slots: Slots;
  /** A record, before it is in the pool. */
  readonly #words = new Uint32Array(MOST_WORDS);

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** @throws IndexError `INDEX_CORRUPT` */
  slot(): Slot {
    const { reader } = this;
    const kind = reader.number();
    if (kind === 0) return this.#slots.firstPut(this.#change(), 0);
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
      if (generation.mains === undefined) throw emptyLife();
      older.push(generation);
    }
    if (kind === 3) throw noLife();
    const index = new KeyIndex();
    Object.assign(index, this.#generation());
    if (older.length > 0) index.older = older;
    if (index.isEmpty) throw noLife();
    return this.#slots.reduced(index);
  }

  /** The key at `atMain` in `into`; false, and `into` untouched, where it did not exist. Of lives that were passed before. */
  find(atMain: number, into: Found): boolean {
    const { reader } = this;
    const kind = reader.number();
    if (kind > 3) return this.#findIn(kind - 3, atMain, into);
    const main = this.#change();
    const sub = kind === 0 ? 0 : reader.number();
    const age = kind === 2 ? reader.number() : 0;
    const version = kind === 2 ? reader.number() : 1;
    if (main > atMain) return false;
    into.main = main;
    into.sub = sub;
    into.createdMain = main - age;
    into.createdSub = kind === 2 ? 0 : sub;
    into.version = version;
    return true;
  }

  /** @returns whether the key lives @throws IndexError `INDEX_CORRUPT` */
  skip(): boolean {
    const { reader } = this;
    const kind = reader.number();
    if (kind === 3) throw noLife();
    if (kind < 3) {
      this.#change();
      if (kind > 0) reader.number();
      if (kind < 2) return true;
      if (reader.number() > this.main) throw corrupt('a key is older than all revisions');
      reader.number();
      return true;
    }
    let count = 0;
    for (let left = kind - 3; left > 0; left--) {
      count = this.#skipGeneration();
      if (count === 0 && left > 1) throw emptyLife();
    }
    if (count === 0 && kind === 4) throw noLife();
    return count > 0;
  }

  /** A life of two revisions or more, without an object made of it; undefined, and nothing read, where it is another one. */
  #record(): Slot | undefined {
    const { reader } = this;
    const words = this.#words;
    const start = reader.at;
    const { main } = this;
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
      const slot = Math.max(most, this.main) < WORD_LIMIT ? this.#slots.record(words, used) : undefined;
      if (slot !== undefined) return slot;
    }
    reader.at = start;
    this.main = main;
    return undefined;
  }

  /** As `find`, of so many generations, one after another. */
  #findIn(generationN: number, atMain: number, into: Found): boolean {
    const { reader } = this;
    let [main, sub, createdMain, createdSub, version] = [0, 0, 0, 0, 0];
    let exists = false;
    for (let left = generationN; left > 0; left--) {
      const head = reader.number();
      const hasSubs = head % 2 === 1;
      const count = (head - (head % 2)) / 2;
      if (count === 0) continue;
      const created = this.#change();
      const newest = reader.number();
      const firstSub = hasSubs ? reader.number() : 0;
      for (let n = 0; n < count; n++) {
        const next = this.#change();
        const nextSub = hasSubs ? reader.number() : 0;
        if (next > atMain) continue;
        main = next;
        sub = nextSub;
        createdMain = created;
        createdSub = firstSub;
        version = newest - (count - n - 1);
        // All but the last generation end with a deletion; at the very revision of it a key does not exist.
        exists = left === 1 || n < count - 1;
      }
    }
    if (!exists) return false;
    into.main = main;
    into.sub = sub;
    into.createdMain = createdMain;
    into.createdSub = createdSub;
    into.version = version;
    return true;
  }

  #generation(): Generation {
    const { reader } = this;
    const head = reader.number();
    const hasSubs = head % 2 === 1;
    const count = this.#countOf(head);
    if (count === 0) return { createdMain: 0, version: 0, mains: undefined, subs: undefined };
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

  /** @returns how many revisions it has */
  #skipGeneration(): number {
    const { reader } = this;
    const head = reader.number();
    const hasSubs = head % 2 === 1;
    const count = this.#countOf(head);
    if (count === 0) return 0;
    this.#change();
    reader.number();
    if (hasSubs) reader.number();
    for (let i = 0; i < count; i++) {
      this.#later();
      if (hasSubs) reader.number();
    }
    return count;
  }

  /** Revisions of a generation that begins so. */
  #countOf(head: number): number {
    const count = (head - (head % 2)) / 2;
    // Each takes a byte at least.
    if (count > this.reader.bytes.length) throw corrupt('a life does not fit');
    return count;
  }

  /** As `#change`, of a revision, which is behind what was read before it. */
  #later(): number {
    const before = this.main;
    if (this.#change() < before) throw corrupt('revisions are out of order');
    return this.main;
  }

  /** The main that differs so from the one before. */
  #change(): number {
    this.main += changeOf(this.reader.number());
    if (this.main < 0) throw corrupt('a revision is negative');
    return this.main;
  }
}

/** What zigzag stands for. */
export function changeOf(coded: number): number {
  return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
}

function emptyLife(): IndexError {
  return corrupt('a life is empty, and another one follows');
}

function noLife(): IndexError {
  return corrupt('a key without a life');
}

export function corrupt(problem: string): IndexError {
  return new IndexError('INDEX_CORRUPT', `a saved index is damaged: ${problem}`);
}
