/**
 * What a copy writes: what differs, in parts that one transaction takes each.
 *
 * MCO1  The last part is there whatever differs, and leads to the place; with it comes the newest change that the source has.
 */
import { put, remove } from '@varve/api';
import type { Bounds, WriteOp } from './apply.ts';
import { sameValue, type Pair } from './merge.ts';
import { newerOf, noteOf, type Newest, type NewPut } from './source.ts';

export interface Part {
  readonly ops: readonly WriteOp[];
  readonly isLast: boolean;
  /** Only of the last one. */
  readonly newest?: Newest | undefined;
}

/** @param all the source's rows first */
export async function* partsOf(all: AsyncIterable<Pair>, { maxOps, maxBytes }: Bounds): AsyncGenerator<Part> {
  let ops: WriteOp[] = [];
  let bytes = 0;
  let newest: NewPut | undefined;
  for await (const pair of all) {
    if (pair.first !== undefined) newest = newerOf(newest, { ...pair.first, revision: pair.first.modRevision });
    // A lease of the target would take the key away.
    if (sameValue(pair) && pair.second?.lease === undefined) continue;
    const size = pair.key.length + (pair.first?.value.length ?? 0);
    if (ops.length > 0 && (ops.length >= maxOps || bytes + size > maxBytes)) {
      yield { ops, isLast: false };
      [ops, bytes] = [[], 0];
    }
    ops.push(pair.first === undefined ? remove(pair.key) : put(pair.key, pair.first.value));
    bytes += size;
  }
  yield { ops, isLast: true, newest: noteOf(newest) };
}
