/**
 * What is wrong with a transaction before anything is looked up: both branches, taken or not, nested ones too.
 *
 * SVCT1  The order of the checks is etcd's, since the first that fails is the answer (spec server-api.md 5.5): number of
 *     operations, keys of comparisons, operations, keys given twice.
 *
 * etcd: server/etcdserver/api/v3rpc/key.go, checkTxnRequest.
 */
import type { PutRequest, RequestOp, TxnRequest } from '@varve/etcd-api';
import { failures } from '../status.ts';
import { checkDuplicates } from './duplicates.ts';
import { checkRange } from './range.ts';

/** @throws StatusError */
export function checkPut({ key, value, lease, ignoreValue, ignoreLease }: PutRequest): void {
  if (key.length === 0) throw failures.emptyKey();
  if (ignoreValue && value.length > 0) throw failures.valueProvided();
  if (ignoreLease && lease !== 0n) throw failures.leaseProvided();
}

/** @param mostOps operations in each of its lists @throws StatusError */
export function checkTxn(txn: TxnRequest, mostOps: number): void {
  checkOps(txn, mostOps);
  checkDuplicates(txn);
}

function checkOps(txn: TxnRequest, mostOps: number): void {
  const most = Math.max(txn.compare.length, txn.success.length, txn.failure.length);
  if (most > mostOps) throw failures.tooManyOps();
  for (const { key } of txn.compare) {
    if (key.length === 0) throw failures.emptyKey();
  }
  for (const op of txn.success) checkOp(op, mostOps - most);
  for (const op of txn.failure) checkOp(op, mostOps - most);
}

function checkOp({ request }: RequestOp, mostOps: number): void {
  switch (request.case) {
    case 'requestRange':
      checkRange(request.value);
      break;
    case 'requestPut':
      checkPut(request.value);
      break;
    case 'requestDeleteRange':
      if (request.value.key.length === 0) throw failures.emptyKey();
      break;
    case 'requestTxn':
      checkOps(request.value, mostOps);
      break;
    default:
      throw failures.keyNotFound();
  }
}

/** Whether all that it can do is to read single levels of ranges: a nested transaction counts as a write. */
export function isReadOnly(txn: TxnRequest): boolean {
  return txn.success.every(isRange) && txn.failure.every(isRange);
}

function isRange({ request }: RequestOp): boolean {
  return request.case === 'requestRange';
}

/** Whether it may take space. */
export function hasPut(txn: TxnRequest): boolean {
  return txn.success.some(isPut) || txn.failure.some(isPut);
}

function isPut({ request }: RequestOp): boolean {
  return request.case === 'requestPut' || (request.case === 'requestTxn' && hasPut(request.value));
}
