/**
 * Whether a range has changed since a revision: what an optimistic transaction asks before it writes.
 *
 * CS1  Exact. After few revisions the records that were written since are looked at, where they lie in memory; else the
 *      index is walked, which costs a few milliseconds for a hundred thousand keys, and no record.
 */
import type { RangeEnd } from '@varve/index';
import { compareBytes } from '@varve/base/order';
import { decodeRecord, type History } from './history.ts';

/** Beyond so many revisions the index is asked at once. */
const FEW = 64;

/** @param begin the newest finished revision; later ones are the transaction's own, and count */
export function changedSince(
  history: History,
  begin: number,
  revision: number,
  key: Uint8Array,
  end: RangeEnd,
): boolean {
  return changedInMemory(history, begin, revision, key, end) ?? history.index.changedSince(key, end, revision);
}

/** `undefined` where it cannot be told without the index. */
function changedInMemory(
  history: History,
  begin: number,
  revision: number,
  key: Uint8Array,
  end: RangeEnd,
): boolean | undefined {
  if (begin - revision > FEW) return undefined;
  for (let main = revision + 1; main <= begin; main++) {
    const record = history.cache.wholeRecent(main);
    if (record === undefined) return undefined;
    if (holds(decodeRecord(record, main, 0).key, key, end)) return true;
  }
  return false;
}

function holds(changed: Uint8Array, key: Uint8Array, end: RangeEnd): boolean {
  const order = compareBytes(changed, key);
  if (end === undefined) return order === 0;
  return order >= 0 && (end.length === 0 || compareBytes(changed, end) < 0);
}
