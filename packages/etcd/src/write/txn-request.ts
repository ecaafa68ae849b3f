/** A planned transaction as etcd's message. */
import type { LeasePlan, Plan, Step } from '@varve/api/implement';
import type { RequestOp, TxnRequest } from '@varve/etcd-api';
import { deleteRequest, putRequest, rangeRequest } from '../messages.ts';
import { comparesOf } from './compares.ts';

/** The lease that a put goes with, 0n for none. */
export type LeaseOf = (plan: LeasePlan | undefined) => bigint;

export function txnRequest(plan: Plan, leaseOf: LeaseOf): TxnRequest {
  return {
    $typeName: 'etcdserverpb.TxnRequest',
    compare: plan.conditions.flatMap(comparesOf),
    success: plan.then.map((step) => operation(step, leaseOf)),
    failure: plan.else.map((step) => operation(step, leaseOf)),
  };
}

export function requestOp(request: RequestOp['request']): RequestOp {
  return { $typeName: 'etcdserverpb.RequestOp', request };
}

function operation(step: Step, leaseOf: LeaseOf): RequestOp {
  switch (step.type) {
    case 'get':
      return requestOp({ case: 'requestRange', value: rangeRequest({ bounds: step.at, revision: 0 }) });
    case 'range': {
      const { at, limit, reverse } = step;
      return requestOp({ case: 'requestRange', value: rangeRequest({ bounds: at, revision: 0, limit, reverse }) });
    }
    case 'put': {
      const { key, value, previous, lease } = step;
      return requestOp({ case: 'requestPut', value: putRequest(key, value, leaseOf(lease), previous) });
    }
    case 'delete':
      return requestOp({ case: 'requestDeleteRange', value: deleteRequest(step.at, step.previous) });
    case 'txn':
      return requestOp({ case: 'requestTxn', value: txnRequest(step.plan, leaseOf) });
    default:
      return step satisfies never;
  }
}
