/**
 * What is to be written at one place of a file, as views of where it lies: bytes that follow each other in a block are one piece, and
 * small pieces are gathered in blocks that all frames of a store share: a block for each would be sixty times what a small frame needs,
 * and the collector counts it.
 *
 * LGPI1  A piece is looked at when it is written, not when it is added: heads may still be filled in, except in what was gathered.
 *     What is known last only, as the frame's head, goes into `room`.
 * LGPI2  A small frame is one buffer: a call with one is cheaper than with two, and one view of it is kept and not three.
 */
import type { Blocks } from '@varve/base/block';

/** Pieces below this are copied together. */
const SMALL = 4096;

export class Pieces {
  readonly place: number;
  readonly #buffers: Uint8Array[] = [];
  #length = 0;
  #block: Uint8Array | undefined;
  #from = 0;
  #to = 0;
  readonly #blocks: Blocks;
  /** What is gathered, in a block of `#blocks`. */
  #gather: Uint8Array | undefined;
  #gatherFrom = 0;
  #gatherTo = 0;

  /** @param blocks where small pieces are gathered, of at least 4 KiB */
  constructor(place: number, blocks: Blocks) {
    this.place = place;
    this.#blocks = blocks;
  }

  get length(): number {
    return this.#length;
  }

  add(block: Uint8Array, from: number, to: number): void {
    this.#length += to - from;
    if (block === this.#block && from === this.#to) {
      this.#to = to;
    } else {
      this.#flush();
      this.#block = block;
      this.#from = from;
      this.#to = to;
    }
  }

  /** The next bytes, which the caller fills in before they are written: where they begin in the `block` of the shared blocks, now. */
  room(length: number): number {
    this.#length += length;
    this.#flush();
    this.#block = undefined;
    return this.#reserve(length);
  }

  /** All of it, in order. Call it once. */
  buffers(): readonly Uint8Array[] {
    this.#flush();
    this.#block = undefined;
    this.#endGather();
    return this.#buffers;
  }

  #flush(): void {
    const block = this.#block;
    if (block === undefined) return;
    const length = this.#to - this.#from;
    if (length >= SMALL) {
      this.#endGather();
      this.#buffers.push(new Uint8Array(block.buffer, block.byteOffset + this.#from, length));
      return;
    }
    const target = this.#reserve(length);
    const gather = this.#blocks.block;
    if (length > 64) {
      gather.set(new Uint8Array(block.buffer, block.byteOffset + this.#from, length), target);
    } else {
      for (let i = 0; i < length; i += 1) gather[target + i] = block[this.#from + i]!;
    }
  }

  /** Room behind what is gathered, where that goes on in its block. */
  #reserve(length: number): number {
    const target = this.#blocks.reserve(length);
    const { block } = this.#blocks;
    if (block !== this.#gather || target !== this.#gatherTo) {
      this.#endGather();
      this.#gather = block;
      this.#gatherFrom = target;
    }
    this.#gatherTo = target + length;
    return target;
  }

  #endGather(): void {
    if (this.#gather !== undefined) this.#buffers.push(this.#gather.subarray(this.#gatherFrom, this.#gatherTo));
    this.#gather = undefined;
  }
}
