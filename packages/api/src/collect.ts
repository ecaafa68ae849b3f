/**
 * A range read in the order that was asked for, whichever it is.
 *
 * CLLT1  In another order than that of the keys all of it is read before the first is given. Where so many are wanted only, hardly more than
 *     twice as many are held at a time (law 9).
 */
import type { PullSlice } from './pull.ts';
import { orderOf } from './range-order.ts';
import type { ReadPlan } from './read-plan.ts';
import type { StoredRecord } from './records.ts';
import { sortInSlices } from './sort.ts';

/** Who reads the range: in the order of the keys, backwards only where that was asked for. */
export interface KeyWalk<R> {
  /** The next part, `undefined` after the last. @param most so many are wanted at most */
  next(most: number): Promise<readonly R[] | undefined>;
}

/** What is wanted of a range. */
export interface Collecting<R> {
  readonly plan: ReadPlan;
  /** The first in order that is wanted, where the order is not that of the keys. @default the first there is */
  readonly from?: R | undefined;
}

/** Sorted and cut no more often than after so many. */
const pruneEvery = 1024;

/** What the filters choose, in the order asked for; the first `most` of it. @param wanted the filters, where the walk does not apply them itself */
export async function collect<R extends StoredRecord>(
  slice: PullSlice,
  walk: KeyWalk<R>,
  { plan, from }: Collecting<R>,
  most: number,
  wanted?: (kv: R) => boolean,
): Promise<readonly R[]> {
  const ordered = plan.orderBy !== 'key';
  const compare = orderOf(plan);
  const inOrder = (kvs: readonly R[]): Promise<readonly R[]> => sortInSlices(slice, kvs, compare);
  const isWanted = (kv: R): boolean => wanted?.(kv) !== false && (from === undefined || compare(kv, from) >= 0);
  let held: R[] = [];
  const left = (): number => (ordered || wanted !== undefined ? Number.POSITIVE_INFINITY : most - held.length);
  for (let kvs = await walk.next(left()); kvs !== undefined; kvs = await walk.next(left())) {
    if (slice.over()) await slice.next();
    for (const kv of kvs) if (isWanted(kv)) held.push(kv);
    if (!ordered && held.length >= most) break;
    if (ordered && held.length >= 2 * most + pruneEvery) held = (await inOrder(held)).slice(0, most);
  }
  const all = ordered ? await inOrder(held) : held;
  return all.length > most ? all.slice(0, most) : all;
}
