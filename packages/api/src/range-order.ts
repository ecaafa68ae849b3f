/** The orders of a read, and what a walk has left of its bounds. */
import { compareBytes, keyAfter, type Bounds } from './bounds.ts';
import { ownBytes } from './coder.ts';
import type { ReadPlan } from './read-plan.ts';
import type { StoredRecord } from './records.ts';

/** What a walk has left of its bounds, `next` being the first of it. */
export function restFrom(next: Uint8Array, { key, end }: Bounds, reverse: boolean): Bounds {
  return reverse ? { key, end: keyAfter(next) } : { key: next, end };
}

/** What a walk has left of its bounds behind `last`. */
export function restBehind(last: Uint8Array, { key, end }: Bounds, reverse: boolean): Bounds {
  return reverse ? { key, end: ownBytes(last) } : { key: keyAfter(last), end };
}

/** The order that was asked for. What is equal in it comes in that of the keys, so every order is total: pages need that. */
export function orderOf({ orderBy, reverse }: ReadPlan): (a: StoredRecord, b: StoredRecord) => number {
  const sign = reverse ? -1 : 1;
  if (orderBy === 'key' || orderBy === 'value') {
    return (a, b) => sign * (compareBytes(a[orderBy], b[orderBy]) || compareBytes(a.key, b.key));
  }
  return (a, b) => sign * (a[orderBy] - b[orderBy] || compareBytes(a.key, b.key));
}
