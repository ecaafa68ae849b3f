/** What the memory engine wants of a bucket's rows. Types only. */
import type { Slice } from '@varve/base/pace';
import type { Entry } from '../contract/engine.ts';

export interface ResidentRows {
  /** A version to write the next state into; this one never changes again. O(1), the writes pay for what they touch. */
  next(): ResidentRows;
  get(key: Uint8Array): Uint8Array | undefined;
  /** Copies both. */
  put(key: Uint8Array, value: Uint8Array): void;
  /** As `put`, of a key that lies from `start` to `keyEnd` and a value that goes on from there to `end`. */
  putPlace(block: Uint8Array, start: number, keyEnd: number, end: number): void;
  delete(key: Uint8Array): void;
  /** The greatest key, or a greater one that was deleted. */
  last(): Uint8Array | undefined;
  /** Rows of [start, end) in byte order. */
  scan(start: Uint8Array | undefined, end: Uint8Array | undefined): Iterable<Entry>;
  /** The same rows without holes; yields to others when the slice is over. */
  compacted(slice: Slice): Promise<ResidentRows>;
  /** Memory held, holes included, and without them; estimates. */
  readonly byteN: number;
  readonly liveByteN: number;
}
