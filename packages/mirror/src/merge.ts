/**
 * Two stores side by side, key by key.
 *
 * MRG1  Both lists are read once, each at one revision, in the order of the keys; a part of each is in memory.
 */
import type { Entry, Reader, Range } from '@varve/api';
import { compareBytes } from '@varve/base/order';
import { isOwn } from './checkpoint.ts';

type Row = Entry<Uint8Array, Uint8Array>;
type Rows = Reader<Uint8Array, Uint8Array>;

/** A key that one of them has, or both. */
export interface Pair {
  readonly key: Uint8Array;
  readonly first: Row | undefined;
  readonly second: Row | undefined;
}

/** Every key of a range in either store. Leaving the loop ends both walks. */
export async function* pairs(
  first: Rows,
  second: Rows,
  range: Range<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Pair> {
  const left = walk(first, range, signal);
  const right = walk(second, range, signal);
  try {
    let a = await next(left);
    let b = await next(right);
    while (a !== undefined || b !== undefined) {
      const order = a === undefined ? 1 : b === undefined ? -1 : compareBytes(a.key, b.key);
      if (order < 0) {
        yield { key: a!.key, first: a, second: undefined };
        a = await next(left);
      } else if (order > 0) {
        yield { key: b!.key, first: undefined, second: b };
        b = await next(right);
      } else {
        yield { key: a!.key, first: a, second: b };
        [a, b] = [await next(left), await next(right)];
      }
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

function walk(store: Rows, range: Range<Uint8Array>, signal: AbortSignal | undefined): AsyncIterator<Row> {
  return store.list(range, { signal })[Symbol.asyncIterator]();
}

async function next(rows: AsyncIterator<Row>): Promise<Row | undefined> {
  for (;;) {
    const { done, value } = await rows.next();
    if (done === true) return undefined;
    if (!isOwn(value.key)) return value;
  }
}

/** Both have it, with the same value. */
export function sameValue({ first, second }: Pair): boolean {
  return first !== undefined && second !== undefined && compareBytes(first.value, second.value) === 0;
}
