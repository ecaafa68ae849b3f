/** The lease of a put, inside its section: looked for, or granted, before the key is written. */
import type { LeasePlan } from '@varve/api/implement';
import type { LeaseTxn } from '@varve/lease';

/** The id to put a key with, 0n for none. @throws LeaseError `LEASE_NOT_FOUND`, `LEASE_TTL_TOO_LARGE` */
export function leaseFor(leases: LeaseTxn, plan: LeasePlan | undefined): bigint {
  if (plan === undefined) return 0n;
  if ('ttl' in plan) return leases.grant(plan.ttl).id;
  leases.check(plan.id);
  return plan.id;
}

/** Whether a lease is granted for it. */
export function isGrant(plan: LeasePlan | undefined): boolean {
  return plan !== undefined && 'ttl' in plan;
}
