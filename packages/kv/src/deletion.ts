/**
 * Deletions inside a section: how much one piece of work may take away, and how the rest is told.
 *
 * DL1 A deletion takes some ten microseconds a key and cannot be cut: others see all of it or nothing. So the ranges of one
 *     transaction may delete `limits.maxDeletes` keys; the store counts them and refuses a larger one before it has begun
 *     (law 10).
 * DL2 With a limit of its own a deletion takes the first keys, and says whether there are more.
 * DL3 What is to be told of the deleted entries is read before, and never more of it than may be deleted.
 */
import { type DeleteResult, KvError } from '@varve/api';
import type { Bounds, Deletion, Records } from '@varve/api/implement';
import { MvccError, type DeleteRangeResult, type WriteTxn } from '@varve/watch';

/** A deletion that may tell what it removed. @throws KvError `KV_TOO_LARGE`, and nothing is deleted */
export function runDelete<K, V>(
  txn: WriteTxn,
  records: Records<K, V>,
  { at, previous, limit }: Deletion,
): DeleteResult<K, V> {
  const { maxDeletes } = records.limits;
  const before = previous ? txn.range(at.key, at.end, { limit: limit ?? maxDeletes }).kvs : undefined;
  const { deleted, more, revision } = take(txn, at, limit, maxDeletes);
  return {
    revision,
    deleted,
    ...(more === undefined ? undefined : { more }),
    ...(before === undefined ? undefined : { previous: before.map((kv) => records.entry(kv)) }),
  };
}

function take(txn: WriteTxn, { key, end }: Bounds, limit: number | undefined, maxDeletes: number): DeleteRangeResult {
  try {
    return txn.deleteRange(key, end, { limit });
  } catch (error) {
    throw error instanceof MvccError && error.code === 'MVCC_TOO_LARGE' ? tooMany(maxDeletes, error) : error;
  }
}

function tooMany(limit: number, cause: MvccError): KvError {
  const message = `the range holds more keys than one transaction may delete, ${limit}; delete it in parts, delete(range, { limit }) until there are no more, or raise the option limits.maxDeletes`;
  return new KvError('KV_TOO_LARGE', message, { limit, cause });
}
