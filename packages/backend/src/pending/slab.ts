/**
 * Copies of the bytes that writers bring, cut from large blocks, with the room around them that the engine wants.
 *
 * SL1  A copy is never written to again.
 * SL2  A copy lies in a block of 1 MiB, which lives as long as anything in it is held; a large one has a block of its own.
 *     Who hands parts out copies the small ones (PKC3): kept in a cache for long, they keep nothing else alive.
 */
import type { Room } from '../contract/engine.ts';

const blockSize = 1 << 20;
const largest = blockSize / 8;
/** Up to so many bytes a loop beats `set`. */
const shortKey = 32;

export class Slab {
  readonly room: Room;
  /** Where the row copied last lies: key and value, one behind the other. */
  block: Uint8Array = new Uint8Array(0);
  start = 0;
  keyEnd = 0;
  end = 0;
  #shared: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(room: Room) {
    this.room = room;
  }

  /** Copies both, without a view of either. */
  copy(key: Uint8Array, value?: Uint8Array): void {
    const { before, after } = this.room;
    const keyLength = key.length;
    const length = keyLength + (value === undefined ? 0 : value.length);
    const start = this.#reserve(before + length + after) + before;
    const { block } = this;
    if (keyLength > shortKey) block.set(key, start);
    else for (let i = 0; i < keyLength; i += 1) block[start + i] = key[i]!;
    if (value !== undefined) block.set(value, start + keyLength);
    this.start = start;
    this.keyEnd = start + keyLength;
    this.end = start + length;
  }

  #reserve(length: number): number {
    if (length > largest) {
      this.block = newBlock(length);
      return 0;
    }
    let start = this.#used;
    if (start + length > this.#shared.length) {
      this.#shared = newBlock(blockSize);
      start = 0;
    }
    this.block = this.#shared;
    this.#used = start + length;
    return start;
  }
}

/** Not from the pool, and not zeroed: every byte that is handed out is written first. */
function newBlock(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}
