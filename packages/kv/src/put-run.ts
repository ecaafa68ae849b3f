/** A put inside a section, as a call of its own or as a part of a transaction. */
import type { PutResult } from '@varve/api';
import { leaseText, type PlannedPut, type Records } from '@varve/api/implement';
import type { LeaseTxn } from '@varve/lease';
import type { WriteTxn } from '@varve/watch';
import { leaseFor } from './lease-choice.ts';

/** A put that may tell what it replaced. */
export function runPut<K, V>(
  txn: WriteTxn,
  leases: LeaseTxn,
  records: Records<K, V>,
  { key, value, previous, lease }: PlannedPut & { readonly previous?: boolean | undefined },
): PutResult<K, V> {
  const before = previous === true ? txn.get(key) : undefined;
  const replaced = before === undefined ? undefined : records.entry(before);
  const id = leaseFor(leases, lease);
  const revision = txn.put(key, value, id);
  const granted = lease !== undefined && 'ttl' in lease ? { lease: leaseText(id) } : undefined;
  return { revision, ...granted, ...(replaced === undefined ? undefined : { previous: replaced }) };
}
