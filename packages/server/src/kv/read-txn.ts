/**
 * A transaction that only reads: all of it at one visible revision, large ranges in slices, and no writer is held up (S104).
 *
 * etcd: server/etcdserver/v3_server.go, Txn (spec server-api.md 4.1).
 */
import type { Compare, RequestOp, TxnRequest } from '@varve/etcd-api';
import type { KeyValue, ReadTxn, WatchableStore } from '@varve/watch';
import { failures } from '../status.ts';
import type { RangeAnswer, TxnAnswer } from '../wire/kv-answers.ts';
import { holds, neededFor } from './compare.ts';
import { isEmptyRange, storeEnd } from './keys.ts';
import { planRange, rangeAnswer, rangeOfOne } from './range.ts';
import { checkRevision } from './txn.ts';

/** @param compacted the compacted revision, -1 for none */
export async function readTxn(
  request: TxnRequest,
  store: WatchableStore,
  compacted: number,
  signal: AbortSignal,
): Promise<TxnAnswer> {
  const txn = store.read();
  try {
    const succeeded = await allHold(request.compare, txn, signal);
    const ops = succeeded ? request.success : request.failure;
    const revision = txn.rev();
    for (const { request: op } of ops) {
      if (op.case === 'requestRange') checkRevision(op.value.revision, revision, compacted);
    }
    const responses: RangeAnswer[] = [];
    for (const op of ops) responses.push(await readRange(op, txn, signal));
    return { type: 'txn', revision, succeeded, responses };
  } finally {
    txn.end();
  }
}

async function allHold(compares: readonly Compare[], txn: ReadTxn, signal: AbortSignal): Promise<boolean> {
  for (const compare of compares) {
    if (!holds(compare, await compared(compare, txn, signal))) return false;
  }
  return true;
}

async function compared(compare: Compare, txn: ReadTxn, signal: AbortSignal): Promise<readonly KeyValue[]> {
  const { key } = compare;
  const end = storeEnd(compare.rangeEnd);
  const needed = neededFor(compare);
  if (isEmptyRange(key, end)) return [];
  if (end !== undefined) return (await txn.range(key, end, { ...needed, signal })).kvs;
  const kv = txn.get(key, needed);
  return kv === undefined ? [] : [kv];
}

async function readRange({ request: op }: RequestOp, txn: ReadTxn, signal: AbortSignal): Promise<RangeAnswer> {
  if (op.case !== 'requestRange') throw failures.keyNotFound();
  const request = op.value;
  const revision = request.revision > 0n ? Number(request.revision) : 0;
  if (request.rangeEnd.length === 0) return rangeOfOne(request, txn, revision, txn.rev());
  const plan = planRange(request, revision);
  const found = plan && (await txn.range(plan.key, plan.end, { ...plan.options, signal }));
  return rangeAnswer(request, found, txn.rev());
}
