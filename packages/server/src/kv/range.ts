/**
 * One range: what to ask the store for, and how its records become the answer.
 *
 * SVRA1  The count is that of the whole range, whatever limit and bounds leave out (S22 to S29).
 * SVRA2  Without bounds and with no order but that of the keys, no more than one record beyond the limit is read. Order NONE with
 *     another target sorts only what the limit has let in (S33).
 * SVRA3  Equals stay in the order of their keys.
 *
 * etcd: server/etcdserver/txn/range.go (spec server-api.md 5.2). Departs: `keys_only` keeps the lease.
 */
import { RangeRequest_SortOrder as Order, RangeRequest_SortTarget as Target, type RangeRequest } from '@varve/etcd-api';
import type { KeyValue, RangeEnd, RangeOptions, RangeResult } from '@varve/watch';
import { failures } from '../status.ts';
import type { RangeAnswer } from '../wire/kv-answers.ts';
import { isEmptyRange, storeEnd } from './keys.ts';

/** What a range is read from: the store, or a transaction. */
export interface Reader {
  get(key: Uint8Array, options?: { readonly revision?: number | undefined }): KeyValue | undefined;
}

/** A range as the store is asked for it. */
export interface RangePlan {
  readonly key: Uint8Array;
  readonly end: RangeEnd;
  readonly options: RangeOptions;
}

const NOTHING: readonly KeyValue[] = Object.freeze([]);
/** Limits beyond it are none: no store has so many keys. */
const MOST = BigInt(Number.MAX_SAFE_INTEGER - 1);

/** @throws StatusError */
export function checkRange({ key, sortOrder, sortTarget }: RangeRequest): void {
  if (key.length === 0) throw failures.emptyKey();
  if (!isOneOf(sortOrder, Order.DESCEND) || !isOneOf(sortTarget, Target.VALUE)) throw failures.invalidSort();
}

function isOneOf(value: number, last: number): boolean {
  return value >= 0 && value <= last;
}

/**
 * The revision to read at; 0: the present.
 * @throws StatusError when it has not come yet, or is further away than numbers go
 */
export function revisionOf(revision: bigint, current: number): number {
  if (revision <= 0n) return 0;
  if (revision > current) throw failures.futureRevision();
  return Number(revision);
}

/** @returns undefined where no key can be in the range */
export function planRange(request: RangeRequest, revision: number): RangePlan | undefined {
  const { key, limit, countOnly } = request;
  const end = storeEnd(request.rangeEnd);
  if (isEmptyRange(key, end)) return undefined;
  const bounded = limit > 0n && limit <= MOST && !isSorted(request) && !isFiltered(request);
  return { key, end, options: { revision, countOnly, withTotal: true, limit: bounded ? Number(limit) + 1 : 0 } };
}

/** A single key's range, which most are: answered from a point read. */
export function rangeOfOne(request: RangeRequest, reader: Reader, revision: number, current: number): RangeAnswer {
  const kv = reader.get(request.key, { revision });
  return shape(request, kv === undefined ? NOTHING : [kv], kv === undefined ? 0 : 1, current);
}

/** The answer, from what the store has found. @param found undefined: nothing was asked for */
export function rangeAnswer(request: RangeRequest, found: RangeResult | undefined, current: number): RangeAnswer {
  return found === undefined ? shape(request, NOTHING, 0, current) : shape(request, found.kvs, found.count, current);
}

function shape(request: RangeRequest, found: readonly KeyValue[], count: number, revision: number): RangeAnswer {
  const { keysOnly, limit } = request;
  if (request.countOnly) return { type: 'range', revision, kvs: NOTHING, keysOnly, more: false, count };
  let kvs = found;
  if (isFiltered(request)) kvs = kvs.filter((kv) => isWithin(request, kv));
  if (request.sortOrder === Order.DESCEND || request.sortTarget !== Target.KEY) kvs = sorted(request, kvs);
  const more = limit > 0n && kvs.length > limit;
  if (more) kvs = kvs.slice(0, Number(limit));
  return { type: 'range', revision, kvs, keysOnly, more, count };
}

/** Whether the order of the answer may be another one than that of the keys. */
function isSorted({ sortOrder, sortTarget }: RangeRequest): boolean {
  return sortOrder !== Order.NONE && !(sortOrder === Order.ASCEND && sortTarget === Target.KEY);
}

function isFiltered(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0n ||
    request.maxModRevision !== 0n ||
    request.minCreateRevision !== 0n ||
    request.maxCreateRevision !== 0n
  );
}

function isWithin(request: RangeRequest, { modRevision, createRevision }: KeyValue): boolean {
  return (
    isBetween(modRevision, request.minModRevision, request.maxModRevision) &&
    isBetween(createRevision, request.minCreateRevision, request.maxCreateRevision)
  );
}

function isBetween(revision: number, least: bigint, most: bigint): boolean {
  return (least === 0n || revision >= least) && (most === 0n || revision <= most);
}

function sorted({ sortOrder, sortTarget }: RangeRequest, kvs: readonly KeyValue[]): readonly KeyValue[] {
  const compare = comparisons[sortTarget as keyof typeof comparisons];
  const sign = sortOrder === Order.DESCEND ? -1 : 1;
  return kvs.toSorted((a, b) => sign * compare(a, b));
}

const comparisons: Readonly<Record<0 | 1 | 2 | 3 | 4, (a: KeyValue, b: KeyValue) => number>> = {
  [Target.KEY]: (a, b) => Buffer.compare(a.key, b.key),
  [Target.VERSION]: (a, b) => a.version - b.version,
  [Target.CREATE]: (a, b) => a.createRevision - b.createRevision,
  [Target.MOD]: (a, b) => a.modRevision - b.modRevision,
  [Target.VALUE]: (a, b) => Buffer.compare(a.value, b.value),
};
