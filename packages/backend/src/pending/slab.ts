/**
 * Copies of the bytes that writers bring, cut from large blocks, with the room around them that the engine wants.
 *
 * SL1  A copy is never written to again.
 * SL2  A copy lies in a block of 1 MiB, which lives as long as anything in it is held; a large one has a block of its own.
 *     Who hands parts out copies the small ones (PKC3): kept in a cache for long, they keep nothing else alive.
 */
import { Blocks } from '@varve/base/block';
import type { Room } from '../contract/engine.ts';

const blockBytes = 1 << 20;
const largest = blockBytes / 8;
/** Up to so many bytes a loop beats `set`. */
const shortKey = 12;

export class Slab {
  readonly room: Room;
  /** Where the row copied last lies: key and value, one behind the other. */
  block: Uint8Array = new Uint8Array(0);
  start = 0;
  keyEnd = 0;
  end = 0;
  readonly #blocks = new Blocks(blockBytes, largest);

  constructor(room: Room) {
    this.room = room;
  }

  /** Copies both, without a view of either. */
  copy(key: Uint8Array, value?: Uint8Array): void {
    const { before, after } = this.room;
    const keyLength = key.length;
    const length = keyLength + (value === undefined ? 0 : value.length);
    const start = this.#blocks.reserve(before + length + after) + before;
    const { block } = this.#blocks;
    if (keyLength > shortKey) block.set(key, start);
    else for (let i = 0; i < keyLength; i += 1) block[start + i] = key[i]!;
    if (value !== undefined) block.set(value, start + keyLength);
    this.block = block;
    this.start = start;
    this.keyEnd = start + keyLength;
    this.end = start + length;
  }
}
