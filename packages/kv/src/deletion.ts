/**
 * Deletions inside a section: how much one piece of work may take away, and how the rest is told.
 *
 * DL1 A deletion takes some ten microseconds a key and cannot be cut: others see all of it or nothing. So the ranges of one
 *     transaction may delete `limits.maxDeletes` keys, and a larger one is refused before it has begun (law 10).
 * DL2 With a limit of its own a deletion takes the first keys, and says whether there are more.
 */
import type { WriteTxn } from '@varve/watch';
import { KvError } from './errors.ts';
import type { DeleteResult } from './kv.ts';
import type { Bounds } from './range.ts';
import type { Records } from './records.ts';

/** What to delete. */
export interface Deletion {
  readonly at: Bounds;
  readonly previous: boolean;
  readonly limit?: number | undefined;
}

/** Keys that the ranges of one transaction may still delete. */
export class DeleteBudget {
  readonly #limit: number;
  #left: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** @throws KvError `KV_TOO_LARGE` */
  take(keys: number): void {
    if (keys > this.#left) throw tooMany(this.#limit);
    this.#left -= keys;
  }
}

/** A deletion that may tell what it removed. @throws KvError `KV_TOO_LARGE`, and nothing is deleted */
export function runDelete<K, V>(
  txn: WriteTxn,
  records: Records<K, V>,
  { at, previous, limit }: Deletion,
  budget: DeleteBudget,
): DeleteResult<K, V> {
  const { key } = at;
  let { end } = at;
  let more = false;
  if (end !== undefined && limit !== undefined) {
    const { kvs } = txn.range(key, end, { keysOnly: true, limit: limit + 1 });
    const following = kvs[limit];
    more = following !== undefined;
    if (following !== undefined) end = following.key;
  }
  // Counted even where the limit says it: several deletions share what one transaction may take.
  if (end !== undefined) budget.take(txn.range(key, end, { countOnly: true }).count);
  const removed = previous ? txn.range(key, end).kvs.map((kv) => records.entry(kv)) : undefined;
  const { deleted, revision } = txn.deleteRange(key, end);
  return {
    revision,
    deleted,
    ...(limit === undefined ? undefined : { more }),
    ...(removed === undefined ? undefined : { previous: removed }),
  };
}

function tooMany(limit: number): KvError {
  const message = `the range holds more keys than one transaction may delete, ${limit}; delete it in parts, delete(range, { limit }) until there are no more, or raise the option limits.maxDeletes`;
  return new KvError('KV_TOO_LARGE', message, { limit });
}
