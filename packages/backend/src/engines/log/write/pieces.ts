/**
 * What is to be written at one place of a file, as views of where it lies: bytes that follow each other in a block are one piece, and
 * small pieces are gathered in a buffer.
 *
 * LGPI1  A piece is looked at when it is written, not when it is added: heads may still be filled in, except in what was gathered,
 *     so the frame's head is kept by itself.
 */

/** Pieces below this are copied together. */
const SMALL = 4096;
const GATHER = 1 << 16;

export class Pieces {
  readonly place: number;
  readonly #buffers: Uint8Array[] = [];
  #length = 0;
  #block: Uint8Array | undefined;
  #from = 0;
  #to = 0;
  #gather: Uint8Array = new Uint8Array(0);
  #gathered = 0;
  #gatherFrom = 0;

  constructor(place: number) {
    this.place = place;
  }

  get length(): number {
    return this.#length;
  }

  /** The first one added stays as it is, by itself. */
  add(block: Uint8Array, from: number, to: number): void {
    this.#length += to - from;
    if (this.#buffers.length === 0) {
      this.#buffers.push(block.subarray(from, to));
    } else if (block === this.#block && from === this.#to) {
      this.#to = to;
    } else {
      this.#flush();
      this.#block = block;
      this.#from = from;
      this.#to = to;
    }
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
    if (this.#gathered + length > this.#gather.length) {
      this.#endGather();
      this.#gather = new Uint8Array(Buffer.allocUnsafeSlow(this.#buffers.length === 1 ? SMALL : GATHER).buffer);
      this.#gathered = this.#gatherFrom = 0;
    }
    const target = this.#gathered;
    if (length > 64) {
      this.#gather.set(new Uint8Array(block.buffer, block.byteOffset + this.#from, length), target);
    } else {
      for (let i = 0; i < length; i += 1) this.#gather[target + i] = block[this.#from + i]!;
    }
    this.#gathered += length;
  }

  #endGather(): void {
    if (this.#gathered > this.#gatherFrom) this.#buffers.push(this.#gather.subarray(this.#gatherFrom, this.#gathered));
    this.#gatherFrom = this.#gathered;
  }
}
