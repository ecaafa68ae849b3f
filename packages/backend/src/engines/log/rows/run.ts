/**
 * Where the rows of one bucket lie in one file, in the order of their keys, which is that of their places: numbers in packed
 * arrays, found by the key's revision.
 *
 *   delta  main less the first one's     4
 *   sub                                  4
 *   length of the value, bit 31: mark    4
 *   offset of the row in the file        4 (8 in a file beyond 4 GiB)
 *
 * LGRN1  A run only grows behind the rows it has: a view remembers how many it knows (`run-view.ts`).
 * LGRN2  Numbers stand for the keys as long as every key is a revision within reach; the first other one makes it keep all keys
 *     as bytes (`plain-keys.ts`).
 * LGRN3  What is replaced by other arrays, when it grows and when the file ends, stays as it is: somebody may be writing it.
 * LGRN4  One column at a time becomes longer, or shorter: four of a megabyte in one tick would be the longest pause there is (law 10).
 * LGRN5  A revision is looked for where it would lie if each had one row, then where it would lie if all were spread evenly, then
 *     by halving. Most keys are found by the first guess.
 */
import type { LiveFile } from '../files/live-file.ts';
import { ROW_HEAD } from '../format/frame.ts';
import { PlainKeys } from './plain-keys.ts';
import { writeRevision, type Probe } from './probe.ts';

/** Of a key without a mark. */
const REVISION_BYTES = 17;
const MARK_BIT = 2 ** 31;
const MOST_LENGTH = 2 ** 31 - 1;
const MOST_32 = 2 ** 32 - 1;
/** Rows that there is room for at the least. */
const FEWEST = 64;
/** What the columns get beyond twice the rows, in eighths of these, so that they are not full all at once again (LGRN4). */
const DELTAS = 0;
const SUBS = 1;
const LENGTHS = 2;
const OFFSETS = 3;

export class Run {
  readonly file: LiveFile;
  /** Of the bucket. */
  readonly bucket: number;
  rowN = 0;
  base = 0;
  deltas: Uint32Array;
  subs: Uint32Array;
  lengths: Uint32Array;
  offsets: Uint32Array | Float64Array;
  plain: PlainKeys | undefined;
  /** Rows that all columns have room for. */
  #room: number;

  /** @param capacity about how many rows will come */
  constructor(file: LiveFile, bucket: number, capacity: number = FEWEST) {
    this.file = file;
    this.bucket = bucket;
    this.deltas = new Uint32Array(capacity);
    this.subs = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
    this.offsets = new Uint32Array(capacity);
    this.#room = capacity;
  }

  /** @param key which is greater than all before it */
  push(key: Probe, valueLength: number, offset: number): void {
    const index = this.rowN;
    if (index >= this.#room) this.#grow();
    if (index === 0) this.base = key.main;
    if (this.plain === undefined && !(key.isRevision && key.main - this.base <= MOST_32)) this.#keepKeys();
    if (this.plain === undefined) {
      this.deltas[index] = key.main - this.base;
      this.subs[index] = key.sub;
      this.lengths[index] = valueLength + (key.mark === 1 ? MARK_BIT : 0);
    } else {
      this.plain.push(index, key.bytes, key.start, key.end);
      this.lengths[index] = valueLength;
    }
    if (offset > MOST_32 && this.offsets instanceof Uint32Array) this.offsets = Float64Array.from(this.offsets);
    this.offsets[index] = offset;
    this.rowN += 1;
  }

  /** No row comes any more: gives back room that is worth it, a column a step. */
  *trim(): Generator<void, void, undefined> {
    const most = this.rowN + this.rowN / 8;
    const { rowN } = this;
    this.#room = rowN;
    if (this.deltas.length > most) this.deltas = resized(this.deltas, rowN, rowN);
    yield;
    if (this.subs.length > most) this.subs = resized(this.subs, rowN, rowN);
    yield;
    if (this.lengths.length > most) this.lengths = resized(this.lengths, rowN, rowN);
    yield;
    if (this.offsets.length > most) this.offsets = resizedOffsets(this.offsets, rowN, rowN);
  }

  offset(index: number): number {
    return this.offsets[index]!;
  }

  valueLength(index: number): number {
    return this.lengths[index]! & MOST_LENGTH;
  }

  keyLength(index: number): number {
    return this.plain === undefined ? REVISION_BYTES + (this.lengths[index]! >>> 31) : this.plain.length(index);
  }

  /** Bytes of the row in the file. */
  rowLength(index: number): number {
    return ROW_HEAD + this.keyLength(index) + this.valueLength(index);
  }

  /** Bytes of all rows in the file. */
  get bytes(): number {
    const { lengths, rowN, plain } = this;
    let bytes = rowN * ROW_HEAD + (plain === undefined ? rowN * REVISION_BYTES : plain.starts[rowN]!);
    for (let index = 0; index < rowN; index += 1) {
      const length = lengths[index]!;
      bytes += (length & MOST_LENGTH) + (length >>> 31);
    }
    return bytes;
  }

  key(index: number): Uint8Array {
    if (this.plain !== undefined) return this.plain.key(index);
    const key = new Uint8Array(this.keyLength(index));
    writeRevision(key, this.base + this.deltas[index]!, this.subs[index]!, this.lengths[index]! >>> 31);
    return key;
  }

  /** Order of row `index`'s key against `key`. */
  compare(index: number, key: Probe): number {
    if (this.plain !== undefined) return this.plain.compare(index, key.bytes, key.start, key.end);
    if (key.isRevision) {
      const main = this.base + this.deltas[index]! - key.main;
      if (main !== 0) return main;
      return this.subs[index]! - key.sub || (this.lengths[index]! >>> 31) - key.mark;
    }
    const length = writeRevision(
      scratch,
      this.base + this.deltas[index]!,
      this.subs[index]!,
      this.lengths[index]! >>> 31,
    );
    const wanted = key.end - key.start;
    for (let i = 0; i < length && i < wanted; i += 1) {
      const difference = scratch[i]! - key.bytes[key.start + i]!;
      if (difference !== 0) return difference;
    }
    return length - wanted;
  }

  /** Index of the first of the first `rowN` rows whose key is not below `key`. */
  lowerBound(key: Probe, rowN: number): number {
    let low = 0;
    let high = rowN;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the row with that key among the first `rowN`; -1 where there is none. */
  find(key: Probe, rowN: number): number {
    let low = 0;
    let high = rowN;
    if (this.plain === undefined) {
      if (!key.isRevision) return -1;
      const delta = key.main - this.base;
      const last = rowN - 1;
      if (delta < 0 || last < 0) return -1;
      for (let guess = delta, tries = 0; tries < 2 && guess <= last; tries += 1) {
        const order = this.compare(guess, key);
        if (order === 0) return guess;
        if (order < 0) low = guess + 1;
        else high = guess;
        const most = this.deltas[last]!;
        if (delta > most || most === 0) break;
        guess = Math.floor((delta / most) * last);
        if (guess < low || guess >= high) break;
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.compare(middle, key);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  #keepKeys(): void {
    const plain = new PlainKeys();
    for (let index = 0; index < this.rowN; index += 1) {
      const key = this.key(index);
      plain.push(index, key, 0, key.length);
    }
    this.lengths = this.lengths.map((length) => length & MOST_LENGTH);
    this.plain = plain;
    this.deltas = this.subs = new Uint32Array(0);
  }

  /** Those columns that are full. */
  #grow(): void {
    const { rowN } = this;
    const more = (eighths: number): number => Math.max(FEWEST, 2 * rowN) + ((eighths * rowN) >>> 3);
    if (this.plain === undefined) {
      if (this.deltas.length <= rowN) this.deltas = resized(this.deltas, rowN, more(DELTAS));
      if (this.subs.length <= rowN) this.subs = resized(this.subs, rowN, more(SUBS));
    }
    if (this.lengths.length <= rowN) this.lengths = resized(this.lengths, rowN, more(LENGTHS));
    if (this.offsets.length <= rowN) this.offsets = resizedOffsets(this.offsets, rowN, more(OFFSETS));
    this.#room = Math.min(this.lengths.length, this.offsets.length);
    if (this.plain === undefined) this.#room = Math.min(this.#room, this.deltas.length, this.subs.length);
  }
}

function resized(from: Uint32Array, rowN: number, capacity: number): Uint32Array {
  const to = new Uint32Array(capacity);
  to.set(from.subarray(0, rowN));
  return to;
}

function resizedOffsets(from: Uint32Array | Float64Array, rowN: number, capacity: number): Uint32Array | Float64Array {
  if (from instanceof Uint32Array) return resized(from, rowN, capacity);
  const to = new Float64Array(capacity);
  to.set(from.subarray(0, rowN));
  return to;
}

const scratch = new Uint8Array(18);
