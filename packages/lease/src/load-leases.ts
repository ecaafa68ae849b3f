/**
 * Reads what is known of leases from the data of a store: the rows, then the keys that a restore found.
 *
 * LOA1  All rows of the bucket are read, whatever their keys: those of negative ids come last (spec lease.md section 6.1).
 * LOA2  Nobody has time left or keys before all rows are read, and nobody runs out: that begins with a promotion.
 */
import { type LeaseAttachment, type Rows } from '@varve/mvcc';
import type { Clock } from '@varve/base/clock';
import { Slice } from '@varve/base/pace';
import { leaseBucket } from './bucket.ts';
import { readLease } from './lease-row.ts';
import { LeaseState } from './lease-state.ts';

export async function loadLeases(
  rows: Rows,
  attachments: Iterable<LeaseAttachment>,
  clock: Clock,
  minTtl: number,
): Promise<LeaseState> {
  const state = new LeaseState();
  const slice = new Slice(clock);
  for await (const entries of rows.scan(leaseBucket)) {
    for (const { key, value } of entries) {
      const { id, ttl, remaining } = readLease(key, value);
      state.leases.add(id, Math.max(ttl, minTtl), remaining);
    }
    if (slice.over) await slice.turn();
  }
  for (const { key, lease } of attachments) {
    state.attach(key, lease);
    if (slice.due()) await slice.turn();
  }
  return state;
}
