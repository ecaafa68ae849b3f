/** The options of reads, checked: the same for every `Kv`. */
import type { ChangesOptions, DiffOptions } from './changes.ts';
import {
  checkInteger,
  checkNames,
  checkOptionalBoolean,
  checkOptionalInteger,
  checkSignalOptions,
  checkSignalType,
} from './checks.ts';
import { invalidType, outOfRange } from './errors.ts';
import type {
  CountOptions,
  HistoryOptions,
  KeysOptions,
  OrderBy,
  RevisionFilter,
  UndecodableOption,
} from './list-options.ts';
import type { SignalOptions } from './kv.ts';
import type { StoredRecord } from './records.ts';

/** The options of a read of a range, checked and with their defaults. */
export interface ReadPlan {
  /** `Infinity` for all. */
  readonly limit: number;
  readonly reverse: boolean;
  readonly orderBy: OrderBy;
  /** `undefined` where every record is wanted. */
  readonly wanted: ((record: Pick<StoredRecord, 'modRevision' | 'createRevision'>) => boolean) | undefined;
  /** The same as numbers, for who asks another to choose. */
  readonly filter: RevisionFilter;
  readonly undecodable: UndecodableOption['undecodable'];
  readonly signal: AbortSignal | undefined;
  /** Order and filters as text, empty where there are none: what a cursor of the walk is sealed with. */
  readonly how: string;
}

const filterNames = ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'] as const;
const orders: readonly unknown[] = ['key', 'version', 'createRevision', 'modRevision', 'value'];
/** Names that are looked for among the options of a read. */
const readHints = { revision: 'at(revision) reads the past' };
const countNames = ['limit', ...filterNames, 'signal'];
const listNames = ['limit', 'reverse', 'orderBy', ...filterNames, 'undecodable', 'signal'];
const historyNames = ['from', 'until', 'limit', 'reverse', 'undecodable', 'signal'];
const changesNames = ['since', 'until', 'limit', 'undecodable', 'signal'];
const diffNames = ['limit', 'reverse', 'undecodable', 'signal'];

/** Of point reads, which have nothing but a signal. @throws TypeError `KV_INVALID`; the signal's own reason */
export function checkPointRead(options: SignalOptions): void {
  checkSignalOptions(options, readHints);
}

/** @param more names that the call knows besides. @throws TypeError, RangeError `KV_INVALID` */
export function planRead(options: KeysOptions, more: readonly string[] = []): ReadPlan {
  checkNames(options, 'options', more.length === 0 ? listNames : [...listNames, ...more], readHints);
  return plan(options);
}

/** As `planRead`, for `count`. */
export function planCount(options: CountOptions): ReadPlan {
  checkNames(options, 'options', countNames, readHints);
  return plan(options);
}

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkHistory(options: HistoryOptions): void {
  checkNames(options, 'options', historyNames);
  checkOptionalInteger(options.from, 'from', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.until, 'until', 1, Number.MAX_SAFE_INTEGER);
  checkRest(options);
  const { from = 1, until = from } = options;
  if (until < from) throw outOfRange('until must not be below from');
}

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkChanges(options: ChangesOptions): void {
  checkNames(options, 'options', changesNames);
  checkInteger(options.since, 'since', 0, Number.MAX_SAFE_INTEGER - 1);
  checkOptionalInteger(options.until, 'until', 0, Number.MAX_SAFE_INTEGER);
  checkRest(options);
  if (options.until !== undefined && options.until < options.since) throw outOfRange('until must not be below since');
}

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkDiff(options: DiffOptions): void {
  checkNames(options, 'options', diffNames);
  checkRest(options);
}

/** @throws TypeError `KV_INVALID` */
export function checkUndecodable(value: unknown): void {
  if (value === undefined || value === 'throw' || value === 'skip' || typeof value === 'function') return;
  throw invalidType('undecodable must be "throw", "skip" or a function');
}

function plan(options: KeysOptions): ReadPlan {
  checkRest(options);
  const { limit = Number.POSITIVE_INFINITY, reverse = false, orderBy = 'key', undecodable, signal } = options;
  if (!orders.includes(orderBy)) throw invalidType(`orderBy must be one of ${orders.join(', ')}`);
  for (const name of filterNames) checkOptionalInteger(options[name], name, 1, Number.MAX_SAFE_INTEGER);
  const bounds = filterNames.map((name) => options[name]);
  const plain = bounds.every((bound) => bound === undefined);
  return {
    limit,
    reverse,
    orderBy,
    wanted: plain ? undefined : filter(options),
    filter: Object.fromEntries(filterNames.map((name, i) => [name, bounds[i]])),
    undecodable,
    signal,
    how: plain && orderBy === 'key' ? '' : JSON.stringify([orderBy, ...bounds.map((bound) => bound ?? 0)]),
  };
}

function filter(given: RevisionFilter): NonNullable<ReadPlan['wanted']> {
  const { minModRevision = 0, maxModRevision = Number.POSITIVE_INFINITY } = given;
  const { minCreateRevision = 0, maxCreateRevision = Number.POSITIVE_INFINITY } = given;
  return ({ modRevision, createRevision }) =>
    modRevision >= minModRevision &&
    modRevision <= maxModRevision &&
    createRevision >= minCreateRevision &&
    createRevision <= maxCreateRevision;
}

function checkRest(options: DiffOptions): void {
  checkOptionalInteger(options.limit, 'limit', 1, Number.MAX_SAFE_INTEGER - 1);
  checkOptionalBoolean(options.reverse, 'reverse');
  checkUndecodable(options.undecodable);
  checkSignalType(options.signal);
}
