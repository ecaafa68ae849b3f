/**
 * Carries out a planned transaction inside one write section of the store.
 *
 * Q1  All conditions of the path taken, nested ones included, are decided on the state before the first change.
 * Q2  Operations run in order; a read sees the changes before it.
 * Q3  Answers are decoded inside the section: a codec that throws undoes the transaction, so a rejected call has changed
 *     nothing (law 3).
 *
 * etcd: server/etcdserver/txn/txn.go (spec server-api.md 5.5).
 */
import type { KeyValue, WriteTxn } from '@varve/watch';
import type { DeleteResult, PutResult } from './kv.ts';
import type { NumberTest, RangeOpResult } from './operations.ts';
import type { Bounds } from './range.ts';
import type { Records } from './records.ts';
import type { Condition, Plan, Step } from './txn.ts';

/** The answer of a transaction, while its revision is not known yet. */
export interface TxnAnswer {
  readonly succeeded: boolean;
  /** The same for all parts of one transaction; set when it is finished. */
  revision: number;
  readonly results: readonly unknown[];
}

/** The branch a plan takes. */
interface Path {
  readonly succeeded: boolean;
  readonly steps: readonly PathStep[];
}

type PathStep = Exclude<Step, { type: 'txn' }> | { readonly type: 'txn'; readonly path: Path };

/** A missing key, as conditions see it. */
const absent: Pick<KeyValue, 'version' | 'createRevision' | 'modRevision' | 'lease'> = {
  version: 0,
  createRevision: 0,
  modRevision: 0,
  lease: 0n,
};

export function runTxn<K, V>(plan: Plan, txn: WriteTxn, records: Records<K, V>): TxnAnswer {
  const answers: TxnAnswer[] = [];
  const answer = runPath(choosePath(plan, txn), txn, records, answers);
  const revision = txn.changes().length === 0 ? txn.rev() : txn.rev() + 1;
  for (const part of answers) part.revision = revision;
  return answer;
}

/** A put that may tell what it replaced. */
export function runPut<K, V>(
  txn: WriteTxn,
  records: Records<K, V>,
  key: Uint8Array,
  value: Uint8Array,
  previous: boolean,
): PutResult<K, V> {
  const before = previous ? txn.get(key) : undefined;
  const replaced = before === undefined ? undefined : records.entry(before);
  const revision = txn.put(key, value);
  return replaced === undefined ? { revision } : { revision, previous: replaced };
}

/** A deletion that may tell what it removed. */
export function runDelete<K, V>(
  txn: WriteTxn,
  records: Records<K, V>,
  { key, end }: Bounds,
  previous: boolean,
): DeleteResult<K, V> {
  const removed = previous ? txn.range(key, end).kvs.map((kv) => records.entry(kv)) : undefined;
  const { deleted, revision } = txn.deleteRange(key, end);
  return removed === undefined ? { revision, deleted } : { revision, deleted, previous: removed };
}

function choosePath(plan: Plan, txn: WriteTxn): Path {
  const succeeded = plan.conditions.every((condition) => holds(condition, txn));
  const steps = (succeeded ? plan.then : plan.else).map((step): PathStep => {
    return step.type === 'txn' ? { type: 'txn', path: choosePath(step.plan, txn) } : step;
  });
  return { succeeded, steps };
}

function runPath<K, V>(path: Path, txn: WriteTxn, records: Records<K, V>, answers: TxnAnswer[]): TxnAnswer {
  const results = path.steps.map((step) => runStep(step, txn, records, answers));
  const answer = { succeeded: path.succeeded, revision: 0, results };
  answers.push(answer);
  return answer;
}

function runStep<K, V>(step: PathStep, txn: WriteTxn, records: Records<K, V>, answers: TxnAnswer[]): unknown {
  switch (step.type) {
    case 'get': {
      const kv = txn.get(step.at.key);
      return kv === undefined ? undefined : records.entry(kv);
    }
    case 'range': {
      const { kvs, count } = txn.range(step.at.key, step.at.end, { limit: step.limit, withTotal: true });
      const found: RangeOpResult<K, V> = { entries: kvs.map((kv) => records.entry(kv)), total: count };
      return found;
    }
    case 'put':
      return runPut(txn, records, step.key, step.value, step.previous);
    case 'delete':
      return runDelete(txn, records, step.at, step.previous);
    case 'txn':
      return runPath(step.path, txn, records, answers);
    default:
      return step satisfies never;
  }
}

function holds(condition: Condition, txn: WriteTxn): boolean {
  const { key, end } = condition.at;
  if (end === undefined) return passes(condition, txn.get(key));
  const { kvs } = txn.range(key, end);
  return kvs.length === 0 ? passes(condition, undefined) : kvs.every((kv) => passes(condition, kv));
}

function passes({ numbers, value }: Condition, kv: KeyValue | undefined): boolean {
  for (const { field, test } of numbers) {
    if (!numberPasses(test, (kv ?? absent)[field])) return false;
  }
  if (value === undefined) return true;
  // A missing key has no value to compare with: every test of it fails (S83).
  if (kv === undefined) return false;
  if (value.equals !== undefined && Buffer.compare(kv.value, value.equals) !== 0) return false;
  if (value.not !== undefined && Buffer.compare(kv.value, value.not) === 0) return false;
  if (value.greater !== undefined && Buffer.compare(kv.value, value.greater) <= 0) return false;
  return value.less === undefined || Buffer.compare(kv.value, value.less) < 0;
}

function numberPasses({ equals, not, greater, less }: NumberTest<number | bigint>, actual: number | bigint): boolean {
  if (equals !== undefined && actual !== equals) return false;
  if (not !== undefined && actual === not) return false;
  if (greater !== undefined && actual <= greater) return false;
  return less === undefined || actual < less;
}
