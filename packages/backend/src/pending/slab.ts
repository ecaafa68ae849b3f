/**
 * Copies of the bytes that writers bring, cut from large blocks.
 *
 * SL1  A copy is never written to again.
 * SL2  A small copy has memory of its own: kept in a cache for long, it keeps nothing else alive.
 * SL3  A middle-sized copy is a view of a block of 1 MiB, which lives as long as any view of it. Whoever keeps such a
 *     view for long copies it first.
 *
 * A view costs a third of an allocation, and LE8 keeps arrays up to 64 bytes within the object, cheaper still.
 */
import type { Bucket } from '../contract/bucket.ts';
import { PackedDelete } from './packed-delete.ts';
import { PackedPut } from './packed-put.ts';

const blockSize = 1 << 20;
const smallest = 64;
const largest = blockSize / 8;
/** Up to so many bytes a loop beats `set`. */
const shortKey = 32;

export class Slab {
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length <= smallest || length > largest) return new Uint8Array(bytes);
    const start = this.#reserve(length);
    this.#block.set(bytes, start);
    return new Uint8Array(this.#block.buffer, start, length);
  }

  /** Copies both, one behind the other, without a view of either. */
  row(bucket: Bucket, key: Uint8Array, value: Uint8Array): PackedPut {
    const length = key.length + value.length;
    const isLarge = length > largest;
    const start = isLarge ? 0 : this.#reserve(length);
    const block = isLarge ? newBlock(length) : this.#block;
    if (key.length > shortKey) block.set(key, start);
    else for (let i = 0; i < key.length; i += 1) block[start + i] = key[i]!;
    const keyEnd = start + key.length;
    block.set(value, keyEnd);
    return new PackedPut(bucket, block, start, keyEnd, keyEnd + value.length);
  }

  /** Copies the key, without a view of it. */
  deletion(bucket: Bucket, key: Uint8Array): PackedDelete {
    const { length } = key;
    const start = this.#reserve(length);
    const block = this.#block;
    if (length > shortKey) block.set(key, start);
    else for (let i = 0; i < length; i += 1) block[start + i] = key[i]!;
    return new PackedDelete(bucket, block, start, start + length);
  }

  #reserve(length: number): number {
    let start = this.#used;
    if (start + length > this.#block.length) {
      this.#block = newBlock(blockSize);
      start = 0;
    }
    this.#used = start + length;
    return start;
  }
}

/** Not from the pool, and not zeroed: every byte that is handed out is written first. */
function newBlock(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}
