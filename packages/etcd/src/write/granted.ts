/**
 * Leases of puts with a `ttl`: granted before the write, since etcd has no transaction over both.
 *
 * GRD1  A lease whose put was not carried out is revoked again before the call is answered; where that fails, too, it holds no key and runs
 *      out by itself.
 * GRD2  Of a write whose outcome is not known it is left: a key may go with it.
 */
import { codeOf } from '@varve/api';
import type { LeasePlan, Plan, Step } from '@varve/api/implement';
import type { Core } from '../core.ts';
import { grantLease, revokeLease } from '../lease/lease-calls.ts';
import type { LeaseOf } from './txn-request.ts';

/** The plans of all puts, in both branches. */
export function leasePlansOf(plan: Plan): readonly LeasePlan[] {
  return [...plan.then, ...plan.else].flatMap(plansOf);
}

function plansOf(step: Step): readonly LeasePlan[] {
  if (step.type === 'txn') return leasePlansOf(step.plan);
  return step.type === 'put' && step.lease !== undefined ? [step.lease] : [];
}

/**
 * Grants what the plans need, runs the write, and revokes what it has not used.
 * @param write tells which plans it has used
 */
export async function withLeases<T>(
  core: Core,
  plans: readonly (LeasePlan | undefined)[],
  write: (leaseOf: LeaseOf) => Promise<{ readonly value: T; readonly used: (plan: LeasePlan) => boolean }>,
): Promise<T> {
  const own = new Map<LeasePlan, bigint>();
  const leaseOf: LeaseOf = (plan) => {
    if (plan === undefined) return 0n;
    return 'id' in plan ? plan.id : (own.get(plan) ?? 0n);
  };
  let used: (plan: LeasePlan) => boolean = () => false;
  try {
    for (const plan of plans) {
      if (plan !== undefined && 'ttl' in plan) own.set(plan, (await grantLease(core, plan.ttl, 0n, undefined)).id);
    }
    const done = await write(leaseOf);
    used = done.used;
    return done.value;
  } catch (error) {
    if (codeOf(error) === 'KV_UNKNOWN_OUTCOME') used = () => true;
    throw error;
  } finally {
    for (const [plan, id] of own) if (!used(plan)) await revokeLease(core, id, undefined).catch(() => undefined);
  }
}
