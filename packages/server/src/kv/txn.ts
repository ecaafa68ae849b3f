/**
 * A transaction that is sound, carried out: which way it goes, whether that can be gone, then each step.
 *
 *     path ──> check ──> run        all in one section; what `check` refuses has written nothing
 *
 * SVTX1  All comparisons, nested ones too, see the state before the first change (S75).
 * SVTX2  What can fail is looked at before anything is written, in the order of the operations (S94 to S100). What fails later
 *     undoes the section (S74).
 * SVTX3  A range without a revision sees the changes before it; one at the present revision sees the state before them (S98).
 *
 * etcd: server/etcdserver/txn/txn.go (spec server-api.md 5.5). Departs: SVTX2 in order of operations, as newer etcds.
 */
import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from '@varve/etcd-api';
import type { KeyValue, WriteTxn } from '@varve/watch';
import type { Lessor } from '../layers.ts';
import { failures } from '../status.ts';
import type { DeleteAnswer, OpAnswer, PutAnswer, RangeAnswer, TxnAnswer } from '../wire/kv-answers.ts';
import { holds, neededFor } from './compare.ts';
import { isEmptyRange, storeEnd } from './keys.ts';
import { planRange, rangeAnswer, rangeOfOne } from './range.ts';

const NOTHING: readonly KeyValue[] = Object.freeze([]);

/** The way that a transaction goes. */
interface Path {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

type Step =
  | { readonly type: 'range'; readonly request: RangeRequest }
  | { readonly type: 'put'; readonly request: PutRequest }
  | { readonly type: 'delete'; readonly request: DeleteRangeRequest }
  | { readonly type: 'txn'; readonly path: Path };

/** What a transaction needs to know besides the store. */
export interface TxnWorld {
  readonly lessor: Lessor | undefined;
  /** The compacted revision, -1 for none. */
  readonly compacted: number;
}

/** @throws StatusError: then nothing of it remains */
export function runTxn(request: TxnRequest, txn: WriteTxn, world: TxnWorld): TxnAnswer {
  const path = choosePath(request, txn);
  checkPath(path, txn, world);
  return runPath(path, txn);
}

function choosePath({ compare, success, failure }: TxnRequest, txn: WriteTxn): Path {
  const succeeded = compare.every((one) => holds(one, comparedNow(one, txn)));
  return { succeeded, steps: (succeeded ? success : failure).map((op) => stepOf(op, txn)) };
}

function stepOf({ request }: RequestOp, txn: WriteTxn): Step {
  switch (request.case) {
    case 'requestRange':
      return { type: 'range', request: request.value };
    case 'requestPut':
      return { type: 'put', request: request.value };
    case 'requestDeleteRange':
      return { type: 'delete', request: request.value };
    case 'requestTxn':
      return { type: 'txn', path: choosePath(request.value, txn) };
    default:
      throw failures.keyNotFound();
  }
}

function comparedNow(compare: Compare, txn: WriteTxn): readonly KeyValue[] {
  const { key } = compare;
  const end = storeEnd(compare.rangeEnd);
  const needed = neededFor(compare);
  if (end !== undefined) return isEmptyRange(key, end) ? NOTHING : txn.range(key, end, needed).kvs;
  const kv = txn.get(key, needed);
  return kv === undefined ? NOTHING : [kv];
}

function checkPath({ steps }: Path, txn: WriteTxn, world: TxnWorld): void {
  for (const step of steps) {
    if (step.type === 'range') checkRevision(step.request.revision, txn.rev(), world.compacted);
    else if (step.type === 'put') checkPutNow(step.request, txn, world.lessor);
    else if (step.type === 'txn') checkPath(step.path, txn, world);
  }
}

/** The revision of a range inside a transaction. @throws StatusError */
export function checkRevision(revision: bigint, current: number, compacted: number): void {
  if (revision > current) throw failures.futureRevision();
  if (revision !== 0n && revision < compacted) throw failures.compacted();
}

/** What a put needs to find: its key first, then its lease, while a put by itself asks for the lease first (S12). @throws StatusError */
function checkPutNow(request: PutRequest, txn: Pick<WriteTxn, 'get'>, lessor: Lessor | undefined): void {
  const { key, lease, ignoreValue, ignoreLease } = request;
  if ((ignoreValue || ignoreLease) && txn.get(key) === undefined) throw failures.keyNotFound();
  checkLease(lease, lessor);
}

/** @throws StatusError when there is no such lease */
export function checkLease(lease: bigint, lessor: Lessor | undefined): void {
  if (lease !== 0n && lessor?.lookup(lease) === undefined) throw failures.leaseNotFound();
}

function runPath({ succeeded, steps }: Path, txn: WriteTxn): TxnAnswer {
  const responses: OpAnswer[] = [];
  for (const step of steps) responses.push(runStep(step, txn));
  return { type: 'txn', revision: revisionNow(txn), succeeded, responses };
}

function runStep(step: Step, txn: WriteTxn): OpAnswer {
  switch (step.type) {
    case 'range':
      return runRange(step.request, txn);
    case 'put':
      return runPut(step.request, txn);
    case 'delete':
      return runDelete(step.request, txn);
    case 'txn':
      return runPath(step.path, txn);
    default:
      return step satisfies never;
  }
}

/** The revision before the first change, or the one being made. */
function revisionNow(txn: WriteTxn): number {
  return txn.changes().length === 0 ? txn.rev() : txn.rev() + 1;
}

function runRange(request: RangeRequest, txn: WriteTxn): RangeAnswer {
  const revision = request.revision > 0n ? Number(request.revision) : 0;
  const current = revisionNow(txn);
  if (request.rangeEnd.length === 0) return rangeOfOne(request, txn, revision, current);
  const plan = planRange(request, revision);
  return rangeAnswer(request, plan && txn.range(plan.key, plan.end, plan.options), current);
}

export function runPut(request: PutRequest, txn: WriteTxn): PutAnswer {
  const { key, prevKv, ignoreValue, ignoreLease } = request;
  const before = prevKv || ignoreValue || ignoreLease ? txn.get(key) : undefined;
  // It was there when the path was checked; a deletion of the same transaction may have taken it away since.
  if ((ignoreValue || ignoreLease) && before === undefined) throw failures.keyNotFound();
  const value = ignoreValue ? before!.value : request.value;
  const lease = ignoreLease ? before!.lease : request.lease;
  const revision = txn.put(key, value, lease);
  return { type: 'put', revision, previous: prevKv ? before : undefined };
}

export function runDelete(request: DeleteRangeRequest, txn: WriteTxn): DeleteAnswer {
  const { key, prevKv } = request;
  const end = storeEnd(request.rangeEnd);
  if (isEmptyRange(key, end)) return { type: 'delete', revision: revisionNow(txn), deleted: 0, previous: NOTHING };
  const previous = prevKv ? txn.range(key, end).kvs : NOTHING;
  const { deleted, revision } = txn.deleteRange(key, end);
  return { type: 'delete', revision, deleted, previous };
}
