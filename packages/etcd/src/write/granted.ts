/**
 * Leases of puts with a `ttl`: granted before the write, since etcd has no transaction over both.
 *
 * GRD1  A lease whose put was not carried out is revoked again before the call is answered; where that fails, too, it holds no key and runs
 *      out by itself.
 * GRD2  Of a write whose outcome is not known it is left: a key may go with it.
 * GRD3  Which leases are used is known from the answer alone, before it is read: a codec that refuses what the answer holds takes no key that
 *      was written.
 */
import { codeOf } from '@varve/api';
import type { LeasePlan, Plan, Step } from '@varve/api/implement';
import type { TxnResponse } from '@varve/etcd-api';
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

/** The plans of puts that were carried out. */
export function plansUsed(plan: Plan, { succeeded, responses }: TxnResponse): ReadonlySet<LeasePlan> {
  const used = new Set<LeasePlan>();
  for (const [i, step] of (succeeded ? plan.then : plan.else).entries()) {
    if (step.type === 'put' && step.lease !== undefined) used.add(step.lease);
    const response = responses[i]?.response;
    if (step.type !== 'txn' || response?.case !== 'responseTxn') continue;
    for (const inner of plansUsed(step.plan, response.value)) used.add(inner);
  }
  return used;
}

/** A write that the cluster has answered. */
export interface Answered<T> {
  /** Which plans it has used. */
  readonly used: (plan: LeasePlan) => boolean;
  /** What its caller is told; called when no lease can be lost any more. */
  readonly read: () => T;
}

/** Grants what the plans need, runs the write, revokes what it has not used, and reads the answer. */
export async function withLeases<T>(
  core: Core,
  plans: readonly (LeasePlan | undefined)[],
  write: (leaseOf: LeaseOf) => Promise<Answered<T>>,
): Promise<T> {
  const own = new Map<LeasePlan, bigint>();
  const leaseOf: LeaseOf = (plan) => {
    if (plan === undefined) return 0n;
    return 'id' in plan ? plan.id : (own.get(plan) ?? 0n);
  };
  let used: (plan: LeasePlan) => boolean = () => false;
  let answered: Answered<T>;
  try {
    for (const plan of plans) {
      if (plan !== undefined && 'ttl' in plan) own.set(plan, (await grantLease(core, plan.ttl, 0n, undefined)).id);
    }
    answered = await write(leaseOf);
    ({ used } = answered);
  } catch (error) {
    if (codeOf(error) === 'KV_UNKNOWN_OUTCOME') used = () => true;
    throw error;
  } finally {
    for (const [plan, id] of own) if (!used(plan)) await revokeLease(core, id, undefined).catch(() => undefined);
  }
  return answered.read();
}
