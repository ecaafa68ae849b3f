/**
 * Conditions as etcd compares them.
 *
 * ECMP1  etcd tests one thing of a key in one compare; what is tested of a key here may be several. Each counts for its limit.
 * ECMP2  Its numbers are whole and signed, of 64 bits. A test that no such number passes is said as one that never holds, and one that
 *      all pass is left out: the answer is that of an embedded store.
 */
import type { NumberTest } from '@varve/api';
import type { Bounds, Condition, NumberField } from '@varve/api/implement';
import { Compare_CompareResult, Compare_CompareTarget, type Compare } from '@varve/etcd-api';
import { endOf } from '../messages.ts';

type Union = Compare['targetUnion'];

const { EQUAL, GREATER, LESS, NOT_EQUAL } = Compare_CompareResult;
const { VERSION, CREATE, MOD, VALUE, LEASE } = Compare_CompareTarget;
const least = -(2n ** 63n);
const most = 2n ** 63n - 1n;

export function comparesOf({ at, numbers, value }: Condition): Compare[] {
  const compares: Compare[] = [];
  for (const { field, test } of numbers) compares.push(...numberCompares(at, field, test));
  const values = [
    [EQUAL, value?.equals],
    [NOT_EQUAL, value?.not],
    [GREATER, value?.greater],
    [LESS, value?.less],
  ] as const;
  for (const [result, bytes] of values) {
    if (bytes !== undefined) compares.push(compare(at, result, VALUE, { case: 'value', value: bytes }));
  }
  return compares;
}

/** The key, or each key of the range, is as this revision of its last change left it; 0 for a key that is not there. */
export function modIs(key: Uint8Array, revision: number): Compare {
  return compare({ key, end: undefined }, EQUAL, MOD, { case: 'modRevision', value: BigInt(revision) });
}

/** No key of the range was written after `revision`. Says nothing of keys that are gone. */
export function writtenUntil(at: Bounds, revision: number): Compare {
  return compare(at, LESS, MOD, { case: 'modRevision', value: BigInt(revision) + 1n });
}

function numberCompares(at: Bounds, field: NumberField, test: NumberTest<number | bigint>): Compare[] {
  const { equals, not, greater, less } = test;
  const compares: Compare[] = [];
  const add = (result: Compare['result'], operand: bigint): void => {
    compares.push(compare(at, result, targets[field], unions[field](operand)));
  };
  const never = (): void => {
    compares.push(compare(at, LESS, VERSION, { case: 'version', value: 0n }));
  };
  if (equals !== undefined) {
    const operand = exactly(equals);
    if (operand === undefined) never();
    else add(EQUAL, operand);
  }
  const other = not === undefined ? undefined : exactly(not);
  if (other !== undefined) add(NOT_EQUAL, other);
  if (greater !== undefined) {
    const operand = rounded(greater, Math.floor);
    if (operand >= most) never();
    else if (operand >= least) add(GREATER, operand);
  }
  if (less !== undefined) {
    const operand = rounded(less, Math.ceil);
    if (operand <= least) never();
    else if (operand <= most) add(LESS, operand);
  }
  return compares;
}

const targets: Readonly<Record<NumberField, Compare['target']>> = {
  version: VERSION,
  createRevision: CREATE,
  modRevision: MOD,
  lease: LEASE,
};

const unions: Readonly<Record<NumberField, (value: bigint) => Union>> = {
  version: (value) => ({ case: 'version', value }),
  createRevision: (value) => ({ case: 'createRevision', value }),
  modRevision: (value) => ({ case: 'modRevision', value }),
  lease: (value) => ({ case: 'lease', value }),
};

/** The number, or `undefined` where no number of etcd's is the same. */
function exactly(value: number | bigint): bigint | undefined {
  if (typeof value === 'number' && !Number.isInteger(value)) return undefined;
  const operand = BigInt(value);
  return operand < least || operand > most ? undefined : operand;
}

/** The next whole number in a direction; beyond all there are where it is endless. */
function rounded(value: number | bigint, round: (value: number) => number): bigint {
  if (typeof value === 'bigint') return value;
  if (Number.isFinite(value)) return BigInt(round(value));
  return value > 0 ? most + 1n : least - 1n;
}

function compare(at: Bounds, result: Compare['result'], target: Compare['target'], targetUnion: Union): Compare {
  return { $typeName: 'etcdserverpb.Compare', result, target, key: at.key, targetUnion, rangeEnd: endOf(at) };
}
