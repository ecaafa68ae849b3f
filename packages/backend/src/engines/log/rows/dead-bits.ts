/**
 * Which rows of a run are deleted: a bit a row, in blocks.
 *
 * LGDB1  A version copies the blocks that it changes, and shares the others with the version before.
 */

/** Bytes of a block. */
const BLOCK = 1024;
const SHIFT = 13;
/** Rows of a block. */
export const BLOCK_ROWS: number = 1 << SHIFT;

export class DeadBits {
  #blocks: (Uint8Array | undefined)[];
  readonly #own: Set<number> = new Set();
  count: number;

  constructor(from?: DeadBits) {
    this.#blocks = from === undefined ? [] : from.#blocks.slice();
    this.count = from?.count ?? 0;
  }

  has(index: number): boolean {
    const block = this.#blocks[index >>> SHIFT];
    return block !== undefined && (block[(index & (BLOCK * 8 - 1)) >>> 3]! & (1 << (index & 7))) !== 0;
  }

  /** For a row that lives. */
  add(index: number): void {
    const number = index >>> SHIFT;
    let block = this.#blocks[number];
    if (!this.#own.has(number)) {
      const copy = new Uint8Array(BLOCK);
      if (block !== undefined) copy.set(block);
      while (this.#blocks.length < number) this.#blocks.push(undefined);
      this.#blocks[number] = block = copy;
      this.#own.add(number);
    }
    block![(index & (BLOCK * 8 - 1)) >>> 3]! |= 1 << (index & 7);
    this.count += 1;
  }

  /** What has one block in common with another version has the same rows deleted in it. @param number of the block */
  isSame(number: number, other: DeadBits | undefined): boolean {
    return this.#blocks[number] === (other === undefined ? undefined : other.#blocks[number]);
  }

  /** The bits of the first `rows` rows. */
  toBytes(rows: number): Uint8Array {
    const bytes = new Uint8Array((rows + 7) >>> 3);
    for (let number = 0; number * BLOCK < bytes.length; number += 1) {
      const block = this.#blocks[number];
      if (block !== undefined) bytes.set(block.subarray(0, bytes.length - number * BLOCK), number * BLOCK);
    }
    return bytes;
  }

  /** @param bytes of their own, which nobody changes any more */
  static fromBytes(bytes: Uint8Array): DeadBits {
    const made = new DeadBits();
    for (let from = 0; from < bytes.length; from += BLOCK) {
      const block = new Uint8Array(BLOCK);
      block.set(bytes.subarray(from, from + BLOCK));
      made.#own.add(made.#blocks.push(block) - 1);
    }
    for (let byte of bytes) for (; byte !== 0; byte &= byte - 1) made.count += 1;
    return made;
  }
}
