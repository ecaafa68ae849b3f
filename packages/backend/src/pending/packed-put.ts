/**
 * A put that waits for its commit: one small object on bytes that lie in a block (`slab.ts`), key and value in a row.
 *
 *   block   ... | key | value | next key | ...
 *                start  keyEnd  end
 *
 * PP1  It is a `Change` like any other. Key and value are made when somebody asks, anew each time: ten thousand rows
 *     wait in memory at a time, and what three objects each would cost the collector is more than all the rest of a put.
 * PP2  What it gives out never changes; small parts are copies and keep no block alive (`Slab`, SL2).
 */
import type { Bucket } from '../contract/bucket.ts';

/** Up to so many bytes a copy of its own is no dearer than a view: LE8 keeps it within the object. */
const smallest = 64;

export class PackedPut {
  readonly bucket: Bucket;
  readonly block: Uint8Array;
  readonly start: number;
  readonly keyEnd: number;
  readonly end: number;

  constructor(bucket: Bucket, block: Uint8Array, start: number, keyEnd: number, end: number) {
    this.bucket = bucket;
    this.block = block;
    this.start = start;
    this.keyEnd = keyEnd;
    this.end = end;
  }

  get type(): 'put' {
    return 'put';
  }

  get key(): Uint8Array {
    return part(this.block, this.start, this.keyEnd);
  }

  get value(): Uint8Array {
    return part(this.block, this.keyEnd, this.end);
  }

  /** Order of this row's key against `key`. */
  compare(key: Uint8Array): number {
    return comparePart(this.block, this.start, this.keyEnd, key);
  }
}

/** Order of the bytes from `start` to `end` of a block against `key`. */
export function comparePart(block: Uint8Array, start: number, end: number, key: Uint8Array): number {
  const length = end - start;
  const common = length < key.length ? length : key.length;
  for (let i = 0; i < common; i += 1) {
    const difference = block[start + i]! - key[i]!;
    if (difference !== 0) return difference;
  }
  return length - key.length;
}

/** The bytes from `start` to `end` of a block (PP2). */
export function part(block: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length > smallest) return new Uint8Array(block.buffer, block.byteOffset + start, length);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = block[start + i]!;
  return bytes;
}
