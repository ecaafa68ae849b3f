/**
 * Ranges of keys as the wire has them, and as the store does.
 *
 *     range_end   empty          one byte 0x00         else
 *     store       undefined      empty bytes           the same
 *     means       the one key    all keys from it on   up to, and without
 */
import type { RangeEnd } from '@varve/watch';

const FROM_KEY = new Uint8Array(0);

export function storeEnd(rangeEnd: Uint8Array): RangeEnd {
  if (rangeEnd.length === 0) return undefined;
  return isFromKey(rangeEnd) ? FROM_KEY : rangeEnd;
}

export function isFromKey(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

/** Whether the range holds no key, whatever there is. */
export function isEmptyRange(key: Uint8Array, end: RangeEnd): boolean {
  return end !== undefined && end.length > 0 && Buffer.compare(end, key) <= 0;
}
