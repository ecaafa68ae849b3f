/**
 * A transaction as data, checked and encoded as a whole: what comes out of here cannot be refused any more.
 *
 * V1  Both branches are checked, taken or not, nested ones included.
 * V2  Sizes: conditions, or operations of a branch, at most `maxOps`; a nested transaction has what its parent leaves.
 *     Depth is bounded before it is walked, so no input exhausts the stack (R6).
 * V3  The bytes of a plan are its own: the caller may change what he passed as soon as the call has returned (K4).
 *
 * etcd: server/etcdserver/api/v3rpc/key.go, checkTxnRequest (spec server-api.md 5.5).
 */
import { checkNames, checkOptionalBoolean, checkOptionalInteger } from './checks.ts';
import { checkDuplicates } from './duplicates.ts';
import { invalidType, KvError } from './errors.ts';
import type { Compare, NumberTest, Op, Txn, ValueTest } from './operations.ts';
import type { Bounds } from './range.ts';
import type { Records } from './records.ts';

/** The numbers of a key that can be tested. */
export type NumberField = 'version' | 'createRevision' | 'modRevision' | 'lease';

export interface NumberCheck {
  readonly field: NumberField;
  readonly test: NumberTest<number | bigint>;
}

/** One condition. `value` holds encoded bytes. */
export interface Condition {
  readonly at: Bounds;
  readonly numbers: readonly NumberCheck[];
  readonly value: ValueTest<Uint8Array> | undefined;
}

export type Step =
  | { readonly type: 'get'; readonly at: Bounds }
  | { readonly type: 'range'; readonly at: Bounds; readonly limit: number }
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array; readonly previous: boolean }
  | { readonly type: 'delete'; readonly at: Bounds; readonly previous: boolean }
  | { readonly type: 'txn'; readonly plan: Plan };

export interface Plan {
  readonly conditions: readonly Condition[];
  readonly then: readonly Step[];
  readonly else: readonly Step[];
}

const txnNames = ['if', 'then', 'else'];
const nestedNames = ['type', ...txnNames];
const testNames = ['equals', 'not', 'greater', 'less'] as const;
const numberFields = ['version', 'createRevision', 'modRevision', 'lease'] as const;
const compareNames = ['key', ...numberFields, 'value'];
const opNames = {
  get: ['type', 'key'],
  range: ['type', 'range', 'limit'],
  put: ['type', 'key', 'value', 'previous'],
  delete: ['type', 'key', 'previous'],
} as const;

/**
 * @throws TypeError, RangeError `KV_INVALID` for a wrong shape; KvError `KV_TOO_LARGE`, `KV_DUPLICATE_KEY`, `KV_ENCODE`
 */
export function planTxn<K, V>(txn: Txn<K, V>, records: Records<K, V>): Plan {
  checkNames(txn, 'the transaction', txnNames);
  const plan = planPart(txn, records, records.limits.maxOps, 0);
  checkDuplicates(plan);
  return plan;
}

function planPart<K, V>(txn: Txn<K, V>, records: Records<K, V>, allowed: number, depth: number): Plan {
  const { maxDepth } = records.limits;
  if (depth > maxDepth) {
    const message = `transactions are nested deeper than ${maxDepth}; flatten them, or raise the option limits.maxDepth`;
    throw new KvError('KV_TOO_LARGE', message, { limit: maxDepth });
  }
  const conditions = list(txn.if, 'if');
  const branches = { then: list(txn.then, 'then'), else: list(txn.else, 'else') };
  const size = Math.max(conditions.length, branches.then.length, branches.else.length);
  if (size > allowed) {
    const limit = records.limits.maxOps;
    const message = `the transaction has too many operations, the limit is ${limit}; split it, or raise limits.maxOps`;
    throw new KvError('KV_TOO_LARGE', message, { limit });
  }
  const step = (op: Op<K, V>): Step => planStep(op, records, allowed - size, depth);
  return {
    conditions: conditions.map((compare) => planCondition(compare, records)),
    then: branches.then.map(step),
    else: branches.else.map(step),
  };
}

function planStep<K, V>(op: Op<K, V>, records: Records<K, V>, allowed: number, depth: number): Step {
  if (typeof op !== 'object' || op === null)
    throw invalidType('an operation must be an object; make it with put(), get() ...');
  const { type } = op;
  switch (type) {
    case 'get':
      checkNames(op, 'a get', opNames.get);
      return { type, at: { key: records.keys.encodeOwn(op.key), end: undefined } };
    case 'range':
      checkNames(op, 'a range', opNames.range);
      checkOptionalInteger(op.limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
      return { type, at: records.keys.bounds(op.range), limit: op.limit ?? 0 };
    case 'put': {
      checkNames(op, 'a put', opNames.put);
      checkOptionalBoolean(op.previous, 'previous');
      const [key, value] = [records.newOwnKey(op.key), records.newOwnValue(op.value)];
      return { type, key, value, previous: op.previous === true };
    }
    case 'delete':
      checkNames(op, 'a delete', opNames.delete);
      checkOptionalBoolean(op.previous, 'previous');
      return { type, at: records.keys.selectDoomed(op.key), previous: op.previous === true };
    case 'txn':
      checkNames(op, 'a nested transaction', nestedNames);
      return { type, plan: planPart(op, records, allowed, depth + 1) };
    default:
      throw invalidType('the type of an operation must be get, range, put, delete or txn');
  }
}

function planCondition<K, V>(compare: Compare<K, V>, records: Records<K, V>): Condition {
  checkNames(compare, 'a condition', compareNames);
  const at = records.keys.select(compare.key);
  const numbers: NumberCheck[] = [];
  for (const field of numberFields) {
    const test = compare[field];
    if (test === undefined) continue;
    checkTest(test, field);
    for (const name of testNames) checkOperand(test[name], field, name);
    numbers.push({ field, test: { ...test } });
  }
  const value = compare.value === undefined ? undefined : encodedTest(compare.value, records);
  if (numbers.length === 0 && value === undefined) throw invalidType('a condition must test something of its key');
  return { at, numbers, value };
}

function encodedTest<K, V>(test: ValueTest<V>, records: Records<K, V>): ValueTest<Uint8Array> {
  checkTest(test, 'value');
  const encode = (name: (typeof testNames)[number]): Uint8Array | undefined => {
    const operand = test[name];
    return operand === undefined ? undefined : records.comparedValue(operand);
  };
  return { equals: encode('equals'), not: encode('not'), greater: encode('greater'), less: encode('less') };
}

function checkTest(test: object, field: string): void {
  checkNames(test, `the test of ${field}`, testNames);
  if (Object.values(test).every((operand) => operand === undefined)) {
    throw invalidType(`the test of ${field} must have one of ${testNames.join(', ')}`);
  }
}

function checkOperand(operand: unknown, field: NumberField, name: string): void {
  if (operand === undefined) return;
  const wanted = field === 'lease' ? 'bigint' : 'number';
  if (typeof operand !== wanted || Number.isNaN(operand)) {
    throw invalidType(`${field}.${name} must be a ${wanted === 'bigint' ? 'bigint' : 'number'}`);
  }
}

function list<T>(items: readonly T[] | undefined, name: string): readonly T[] {
  if (items === undefined) return [];
  if (!Array.isArray(items)) throw invalidType(`${name} must be an array`);
  return items as readonly T[];
}
