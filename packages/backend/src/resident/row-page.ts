/**
 * Rows in the order of their keys, packed into one array of bytes.
 *
 *   bytes   key value key value key value ......
 *   starts  ^   ^     ^   ^     ^   ^     ^
 *   ranks   .         .         .
 *
 * RW1  A page only grows behind the rows it has. A view remembers how many it knows, and which of them are deleted.
 * RW2  A rank is a key's first eight bytes as a number. Smaller ranks are smaller keys; equal ones say nothing. Searching
 *     ranks stays within one small array; searching keys would miss the processor's cache with each comparison.
 */
import { newBlock } from '@varve/base/block';

const rowsPerPage = 4096;
const rowOverhead = 16;

/** A key's first eight bytes as a number (RW2). Monotone: rounding to 53 bits never swaps two numbers. */
export function rankOf(bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  let high = 0;
  let low = 0;
  for (let i = start; i < start + 4; i += 1) high = (high << 8) | (i < end ? bytes[i]! : 0);
  for (let i = start + 4; i < start + 8; i += 1) low = (low << 8) | (i < end ? bytes[i]! : 0);
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

/** Bytes of rows in the order of their keys; grows at the end. */
export class Page {
  readonly bytes: Uint8Array;
  /** Where row i's key, row i's value and row i + 1's key begin: 2i, 2i + 1, 2i + 2. */
  readonly starts: Uint32Array;
  readonly ranks: Float64Array;
  rowN = 0;

  constructor(capacity: number) {
    this.bytes = newBlock(capacity);
    const rows = Math.min(rowsPerPage, Math.max(16, capacity >>> 6));
    this.starts = new Uint32Array(2 * rows + 1);
    this.ranks = new Float64Array(rows);
  }

  get used(): number {
    return this.starts[2 * this.rowN]!;
  }

  fits(length: number): boolean {
    return this.used + length <= this.bytes.length && this.rowN < this.ranks.length;
  }

  push(key: Uint8Array, value: Uint8Array): void {
    const { used } = this;
    this.bytes.set(key, used);
    this.bytes.set(value, used + key.length);
    this.#grow(key.length, key.length + value.length);
  }

  pushPlace(block: Uint8Array, start: number, keyEnd: number, end: number): void {
    this.bytes.set(new Uint8Array(block.buffer, block.byteOffset + start, end - start), this.used);
    this.#grow(keyEnd - start, end - start);
  }

  /** Order of row `i`'s key against `key`. */
  compare(i: number, key: Uint8Array, keyStart: number = 0, keyEnd: number = key.length): number {
    const { bytes, starts } = this;
    const start = starts[2 * i]!;
    const length = starts[2 * i + 1]! - start;
    const keyLength = keyEnd - keyStart;
    const common = length < keyLength ? length : keyLength;
    for (let at = 0; at < common; at += 1) {
      const difference = bytes[start + at]! - key[keyStart + at]!;
      if (difference !== 0) return difference;
    }
    return length - keyLength;
  }

  key(i: number): Uint8Array {
    return this.#view(2 * i);
  }

  value(i: number): Uint8Array {
    return this.#view(2 * i + 1);
  }

  rowByteN(i: number): number {
    return this.starts[2 * i + 2]! - this.starts[2 * i]! + rowOverhead;
  }

  /** Takes the bytes behind the last row in as one more. */
  #grow(keyLength: number, length: number): void {
    const { used } = this;
    this.starts[2 * this.rowN + 1] = used + keyLength;
    this.starts[2 * this.rowN + 2] = used + length;
    this.ranks[this.rowN] = rankOf(this.bytes, used, used + keyLength);
    this.rowN += 1;
  }

  #view(part: number): Uint8Array {
    const start = this.starts[part]!;
    return new Uint8Array(this.bytes.buffer, start, this.starts[part + 1]! - start);
  }
}

/** A page as one version sees it. */
export class PageView {
  readonly page: Page;
  /** The version that may change it. */
  readonly owner: object;
  rowN: number;
  liveN: number;
  liveByteN: number;
  /** One bit per row; absent while all live. */
  dead: Uint8Array | undefined;

  constructor(owner: object, page: Page, from?: PageView) {
    this.owner = owner;
    this.page = page;
    this.rowN = from?.rowN ?? 0;
    this.liveN = from?.liveN ?? 0;
    this.liveByteN = from?.liveByteN ?? 0;
    this.dead = from?.dead?.slice();
  }

  get byteN(): number {
    return this.page.starts[2 * this.rowN]! + this.rowN * rowOverhead;
  }

  isLive(i: number): boolean {
    return this.dead === undefined || (this.dead[i >>> 3]! & (1 << (i & 7))) === 0;
  }

  push(key: Uint8Array, value: Uint8Array): void {
    this.page.push(key, value);
    this.#pushed();
  }

  pushPlace(block: Uint8Array, start: number, keyEnd: number, end: number): void {
    this.page.pushPlace(block, start, keyEnd, end);
    this.#pushed();
  }

  delete(i: number): void {
    this.dead ??= new Uint8Array((this.page.ranks.length + 7) >>> 3);
    this.dead[i >>> 3]! |= 1 << (i & 7);
    this.liveN -= 1;
    this.liveByteN -= this.page.rowByteN(i);
  }

  #pushed(): void {
    this.liveN += 1;
    this.liveByteN += this.page.rowByteN(this.rowN);
    this.rowN += 1;
  }

  /** Index of the first row whose key is not below `key`. */
  lowerBound(key: Uint8Array, rank: number): number {
    const { page } = this;
    const { ranks } = page;
    let low = 0;
    let high = this.rowN;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = ranks[middle]!;
      if (there < rank || (there === rank && page.compare(middle, key) < 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the row with that key, if there is one that lives; -1 otherwise. */
  find(key: Uint8Array, rank: number): number {
    const i = this.lowerBound(key, rank);
    return i < this.rowN && this.page.ranks[i] === rank && this.page.compare(i, key) === 0 && this.isLive(i) ? i : -1;
  }
}
