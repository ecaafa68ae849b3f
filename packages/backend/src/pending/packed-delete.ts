/**
 * A delete that waits for its commit, of an append-only bucket: one small object on a key that lies in a block (`slab.ts`).
 *
 * A compaction removes rows by the hundred thousand. An array of its own for each key took 300 bytes that lived until the
 * commit: the collector stopped writers for ten milliseconds at a time to move them about.
 */
import type { Bucket } from '../contract/bucket.ts';
import { comparePart, part } from './packed-put.ts';

export class PackedDelete {
  readonly bucket: Bucket;
  readonly block: Uint8Array;
  readonly start: number;
  readonly end: number;

  constructor(bucket: Bucket, block: Uint8Array, start: number, end: number) {
    this.bucket = bucket;
    this.block = block;
    this.start = start;
    this.end = end;
  }

  get type(): 'delete' {
    return 'delete';
  }

  /** Made anew each time. */
  get key(): Uint8Array {
    return part(this.block, this.start, this.end);
  }

  /** Order of this row's key against `key`. */
  compare(key: Uint8Array): number {
    return comparePart(this.block, this.start, this.end, key);
  }
}
