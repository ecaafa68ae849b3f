/**
 * Lets all leases begin: each runs out after what it has left, from now on.
 *
 * PRO1  In slices, the first at once. A lease that has begun already, granted or renewed meanwhile, is left as it is.
 * PRO2  With a rate and as many leases as that or more, those that would run out together are spread (`spread.ts`).
 *
 * etcd: Promote of server/lease/lessor.go (spec lease.md section 2.8).
 */
import type { Clock } from '@varve/base/clock';
import { Slice } from '@varve/base/pace';
import type { LeaseState } from './lease-state.ts';
import { Spread } from './spread.ts';

export interface Promotion {
  readonly extendMs: number;
  readonly rate: number | undefined;
  /** Takes the lease's time. */
  start(lease: number, expiry: number): void;
  /** Whether it still is what is wanted. */
  wanted(): boolean;
}

export async function promoteLeases(state: LeaseState, clock: Clock, promotion: Promotion): Promise<void> {
  const { extendMs, rate } = promotion;
  const { leases } = state;
  const slice = new Slice(clock);
  const now = clock.now();
  const forever = (lease: number): boolean => leases.has(lease) && leases.expiry.get(lease) === Infinity;
  let spread: Spread | undefined;
  if (rate !== undefined && leases.size >= rate) {
    const counts = new Map<number, number>();
    for (let lease = 1; lease < leases.end; lease++) {
      if (slice.due()) await slice.turn();
      if (!promotion.wanted()) return;
      if (!forever(lease)) continue;
      const remaining = leases.effectiveRemaining(lease);
      counts.set(remaining, (counts.get(remaining) ?? 0) + 1);
    }
    spread = new Spread(counts, rate);
  }
  for (let lease = 1; lease < leases.end; lease++) {
    if (slice.due()) await slice.turn();
    if (!promotion.wanted()) return;
    if (!forever(lease)) continue;
    const remaining = leases.effectiveRemaining(lease);
    const delay = spread?.delay(remaining) ?? 0;
    promotion.start(lease, now + extendMs + 1000 * (remaining + delay));
  }
}
