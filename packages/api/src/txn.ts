/**
 * A transaction as data, checked and encoded as a whole: what comes out of here cannot be refused any more.
 *
 * TX1  Both branches are checked, taken or not, nested ones included.
 * TX2  Everything is counted before anything is encoded, each reference of its own: the operations below `then`, those below
 *     `else` and the conditions, whatever they are nested in, are at most `maxOps` each. Counting stops at the limit, and
 *     depth is bounded before it is walked: no input exhausts the stack or the time (R6), shared parts included.
 * TX3  The bytes of a plan are its own, and so are its lists: the caller, and the codecs while they are called, may change what
 *     was passed (KK4).
 *
 * etcd: server/etcdserver/api/v3rpc/key.go, checkTxnRequest (spec server-api.md 5.5). Departs: TX2, where etcd counts what is
 * nested side by side apart.
 */
import type { Bounds } from './bounds.ts';
import { checkNames, checkOptionalBoolean, checkOptionalInteger } from './checks.ts';
import { checkDuplicates } from './duplicates.ts';
import { invalidType } from './errors.ts';
import { planLease, type LeasePlan } from './lease-plan.ts';
import { leaseOf } from './lease-text.ts';
import type { KeySpace } from './key-space.ts';
import type { Compare, NumberTest, PutOp, Txn, ValueTest } from './operations.ts';
import type { Records } from './records.ts';
import { outlineOf, type Outline, type OutlineOp } from './txn-outline.ts';
import type { OneOp, WithinCompare, WithinOp } from './within.ts';

/** What to delete. */
export interface Deletion {
  readonly at: Bounds;
  readonly previous: boolean;
  readonly limit?: number | undefined;
}

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

/** What to put, and the lease it goes with. */
export interface PlannedPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: LeasePlan | undefined;
}

/** A step; with `records` those of another name space, which its keys and its answer are of. */
export type Step = { readonly records?: Records<unknown, unknown> | undefined } & PlainStep;

type PlainStep =
  | { readonly type: 'get'; readonly at: Bounds }
  | { readonly type: 'range'; readonly at: Bounds; readonly limit: number; readonly reverse: boolean }
  | ({ readonly type: 'put'; readonly previous: boolean } & PlannedPut)
  | ({ readonly type: 'delete' } & Deletion)
  | { readonly type: 'txn'; readonly plan: Plan };

export interface Plan {
  readonly conditions: readonly Condition[];
  readonly then: readonly Step[];
  readonly else: readonly Step[];
}

/** A plan that is nested in no other. */
export interface WholePlan extends Plan {
  /** Some operation of it writes. */
  readonly writes: boolean;
  /** Some put of it grants a lease. */
  readonly grants: boolean;
  /** The ranges that its conditions test. */
  readonly ranges: readonly Bounds[];
}

const testNames = ['equals', 'not', 'greater', 'less'] as const;
const numberFields = ['version', 'createRevision', 'modRevision', 'lease'] as const;
const withinCompareNames = ['namespace', 'compare'];
const compareNames = ['key', ...numberFields, 'value'];
const opNames = {
  get: ['type', 'key'],
  range: ['type', 'range', 'limit', 'reverse'],
  put: ['type', 'key', 'value', 'previous', 'lease', 'ttl'],
  delete: ['type', 'key', 'previous'],
  within: ['type', 'namespace', 'op'],
} as const;

/** The records of a name space of the same store. @throws TypeError `KV_INVALID` for anything else */
export type RecordsInside = (namespace: object) => Records<unknown, unknown>;

/**
 * @param inside who knows the name spaces that parts may be `within`
 * @throws TypeError, RangeError `KV_INVALID` for a wrong shape; KvError `KV_TOO_LARGE`, `KV_DUPLICATE_KEY`, `KV_ENCODE`
 */
export function planTxn<K, V>(
  txn: Txn<K, V>,
  records: Records<K, V>,
  inside: RecordsInside = () => {
    throw invalidType('this store has no transactions over several name spaces');
  },
): WholePlan {
  const planning = new Planning(records, inside);
  const plan = planning.part(outlineOf(txn, records.limits));
  checkDuplicates(plan, [records.keys, ...planning.others]);
  return { ...plan, writes: planning.writes, grants: planning.grants, ranges: planning.ranges };
}

class Planning<K, V> {
  writes = false;
  grants = false;
  readonly ranges: Bounds[] = [];
  /** The other name spaces that it is about. */
  readonly others: KeySpace<unknown>[] = [];
  readonly #records: Records<K, V>;
  readonly #inside: RecordsInside;

  constructor(records: Records<K, V>, inside: RecordsInside) {
    this.#records = records;
    this.#inside = inside;
  }

  part(outline: Outline<K, V>): Plan {
    return {
      conditions: outline.conditions.map((compare) => this.#condition(compare)),
      then: outline.then.map((op) => this.#step(op)),
      else: outline.else.map((op) => this.#step(op)),
    };
  }

  #condition(compare: Compare<K, V> | WithinCompare): Condition {
    const condition = 'namespace' in compare ? this.#conditionWithin(compare) : planCondition(compare, this.#records);
    if (condition.at.end !== undefined) this.ranges.push(condition.at);
    return condition;
  }

  #conditionWithin(within: WithinCompare): Condition {
    checkNames(within, 'a condition within a name space', withinCompareNames);
    return planCondition(within.compare as Compare<unknown, unknown>, this.#other(within.namespace));
  }

  #step(outlined: OutlineOp<K, V>): Step {
    if (outlined.type === 'txn') return { type: 'txn', plan: this.part(outlined.txn) };
    return outlined.op.type === 'within' ? this.#stepWithin(outlined.op) : this.#one(outlined.op, this.#records);
  }

  #stepWithin(within: WithinOp): Step {
    checkNames(within, 'an operation within a name space', opNames.within);
    if (typeof within.op !== 'object' || within.op === null) throw invalidType('within takes an operation');
    const records = this.#other(within.namespace);
    return { ...this.#one(within.op, records), records };
  }

  #other(namespace: object): Records<unknown, unknown> {
    const records = this.#inside(namespace);
    this.others.push(records.keys);
    return records;
  }

  #one<W, X>(op: OneOp<W, X>, records: Records<W, X>): Step {
    const { keys } = records;
    switch (op.type) {
      case 'get':
        checkNames(op, 'a get', opNames.get);
        return { type: 'get', at: { key: keys.encodeOwn(op.key), end: undefined } };
      case 'range': {
        checkNames(op, 'a range', opNames.range);
        const { range, limit, reverse } = op;
        checkOptionalInteger(limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
        checkOptionalBoolean(reverse, 'reverse');
        return { type: 'range', at: keys.bounds(range), limit: limit ?? 0, reverse: reverse === true };
      }
      case 'put':
        return this.#put(op, records);
      case 'delete': {
        checkNames(op, 'a delete', opNames.delete);
        const { key, previous } = op;
        checkOptionalBoolean(previous, 'previous');
        this.writes = true;
        return { type: 'delete', at: keys.selectDoomed(key), previous: previous === true };
      }
      default:
        throw invalidType(
          'the type of an operation must be get, range, put, delete or txn: make it with put(key, value) and its like',
        );
    }
  }

  #put<W, X>(op: PutOp<W, X>, records: Records<W, X>): Step {
    checkNames(op, 'a put', opNames.put);
    const { previous } = op;
    checkOptionalBoolean(previous, 'previous');
    const lease = planLease(op);
    this.writes = true;
    if (lease !== undefined && 'ttl' in lease) this.grants = true;
    const key = records.newOwnKey(op.key);
    const value = records.newOwnValue(op.value, key);
    return { type: 'put', key, value, previous: previous === true, lease };
  }
}

function planCondition<K, V>(compare: Compare<K, V>, records: Records<K, V>): Condition {
  checkNames(compare, 'a condition', compareNames);
  const at = records.keys.select(compare.key);
  const numbers: NumberCheck[] = [];
  for (const field of numberFields) {
    const given = compare[field];
    if (given !== undefined) numbers.push({ field, test: numberTest(given, field) });
  }
  const value = compare.value === undefined ? undefined : encodedTest(compare.value, records);
  if (numbers.length === 0 && value === undefined) throw invalidType('a condition must test something of its key');
  return { at, numbers, value };
}

function numberTest(given: NumberTest<number | bigint | string>, field: NumberField): NumberTest<number | bigint> {
  const { equals, not, greater, less } = checkedTest(given, field);
  return {
    equals: operand(equals, field, 'equals'),
    not: operand(not, field, 'not'),
    greater: operand(greater, field, 'greater'),
    less: operand(less, field, 'less'),
  };
}

function encodedTest<K, V>(given: ValueTest<V>, records: Records<K, V>): ValueTest<Uint8Array> {
  const { equals, not, greater, less } = checkedTest(given, 'value');
  const encode = (value: V | undefined): Uint8Array | undefined =>
    value === undefined ? undefined : records.comparedValue(value);
  return { equals: encode(equals), not: encode(not), greater: encode(greater), less: encode(less) };
}

/** The operands of a test, read once. */
function checkedTest<N>(test: NumberTest<N>, field: string): NumberTest<N> {
  checkNames(test, `the test of ${field}`, testNames);
  const { equals, not, greater, less } = test;
  if (equals === undefined && not === undefined && greater === undefined && less === undefined) {
    throw invalidType(`the test of ${field} must have one of ${testNames.join(', ')}`);
  }
  return { equals, not, greater, less };
}

function operand(value: unknown, field: NumberField, name: string): number | bigint | undefined {
  if (value === undefined) return undefined;
  if (field === 'lease') {
    const lease = typeof value === 'string' ? leaseOf(value) : value;
    if (typeof lease === 'bigint') return lease;
    throw invalidType(`lease.${name} must be a bigint, or the hexadecimal text that entries have`);
  }
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalidType(`${field}.${name} must be a number`);
  return value;
}
