/**
 * Whether an engine keeps to what was asked: the one check of everything that a scan answers.
 *
 * SO1  The keys of a scan ascend, within a chunk and over chunks, and lie in its range; no chunk is empty. Anything else
 *      is damage that the engine did not see (a page of an older commit), or a mistake of the engine. It is
 *      `BACKEND_CORRUPT`, with the bucket and the key: a loop that goes on behind the last key would never end, and a
 *      merge of layers would be silently wrong.
 * SO2  A key costs one comparison with the one before, some ten nanoseconds; the range is looked at once a chunk.
 */
import { hexOf } from '@varve/base/hex';
import { compareBytes } from '@varve/base/order';
import type { Bucket } from '../contract/bucket.ts';
import type { Entry } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';

/** Bytes of a key that a message shows. */
const shownBytes = 64;

export class ScanOrder {
  readonly #bucket: Bucket;
  readonly #start: Uint8Array | undefined;
  readonly #end: Uint8Array | undefined;
  #last: Uint8Array | undefined;

  constructor(bucket: Bucket, start?: Uint8Array, end?: Uint8Array) {
    this.#bucket = bucket;
    this.#start = start;
    this.#end = end;
  }

  /** Looks at the next chunk. @throws BackendError `BACKEND_CORRUPT` */
  check(rows: readonly Entry[]): void {
    if (rows.length === 0) throw corrupt(this.#bucket, 'a scan gave an empty chunk');
    let last = this.#last;
    if (last === undefined) {
      const { key } = rows[0]!;
      if (this.#start !== undefined && compareBytes(key, this.#start) < 0) {
        throw corrupt(this.#bucket, `key ${shown(key)} was given, which is before the first that was asked for`);
      }
    }
    for (let i = 0; i < rows.length; i += 1) {
      const { key } = rows[i]!;
      if (last !== undefined && compareBytes(key, last) <= 0) {
        throw corrupt(this.#bucket, `key ${shown(key)} came after key ${shown(last)}`);
      }
      last = key;
    }
    if (this.#end !== undefined && compareBytes(last!, this.#end) >= 0) {
      throw corrupt(this.#bucket, `key ${shown(last!)} was given, which is behind the last that was asked for`);
    }
    // A copy: what is lent has other bytes by then (`ScanOptions`).
    this.#last = new Uint8Array(last!);
  }
}

export function corrupt(bucket: Bucket, what: string): BackendError {
  return new BackendError('BACKEND_CORRUPT', `bucket "${bucket.name}": ${what}; restore the store from a copy`);
}

/** A key in a message: hexadecimal, and not endless. */
export function shown(key: Uint8Array): string {
  const hex = hexOf(key.subarray(0, shownBytes));
  return key.length <= shownBytes ? hex : `${hex}... (${key.length} bytes)`;
}
