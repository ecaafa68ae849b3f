/** What the memory engine wants of a bucket's rows. Types only. */
import type { Slice } from '@varve/base/pace';
import type { Entry } from '../contract/engine.ts';
import type { PackedPut } from '../pending/packed-put.ts';

export interface ResidentRows {
  /** A version to write the next state into; this one never changes again. O(1), the writes pay for what they touch. */
  next(): ResidentRows;
  get(key: Uint8Array): Uint8Array | undefined;
  /** Copies both. */
  put(key: Uint8Array, value: Uint8Array): void;
  /** As `put`, without making the arrays where that can be helped. */
  putPacked(row: PackedPut): void;
  delete(key: Uint8Array): void;
  /** Rows of [start, end) in byte order. */
  scan(start: Uint8Array | undefined, end: Uint8Array | undefined): Iterable<Entry>;
  /** The same rows without holes; yields to others when the slice is over. */
  compacted(slice: Slice): Promise<ResidentRows>;
  /** Memory held, holes included, and without them; estimates. */
  readonly byteN: number;
  readonly liveByteN: number;
}
