/**
 * Ranges: the index names the revisions, then each record is looked up.
 *
 * RG1  What fits one slice is answered in one tick; a larger range takes one slice a turn of the event loop (law 10).
 * RG2  After each turn the range checks that it may still be read: compaction that overtakes it ends it (law 5).
 * RG3  The next slice starts behind the last key of the one before, or ends before it where the range is read from its end,
 *      so nothing is held over a turn.
 * RG4  A record's key is inside the range and on the right side of the one before, as the index has it, or the record is another's: where a
 *      slice ends by its last key, a wrong one would never come to an end.
 *
 * etcd: server/storage/mvcc/kvstore_txn.go, rangeKeys (spec section 7.2).
 */
import type { RangeEnd, RevisionList } from '@varve/index';
import { checkBytes, checkHasFields, checkOptional, isBoolean } from '@varve/base/options';
import { compareBytes, nextKey } from '@varve/base/order';
import { MvccError } from './errors.ts';
import type { History, RecordSource } from './history.ts';
import { keyOnly } from './key-only.ts';
import { name, printKey } from './record-order.ts';
import type { GetOptions, KeyValue, RangeOptions, RangeResult, SliceOptions } from './store.ts';

/** Records read in one turn. */
const SLICE_RECORDS = 256;
/** Keys counted in one turn. */
const SLICE_KEYS = 4096;

const NO_OPTIONS: RangeOptions & SliceOptions = {};

/** @throws TypeError, RangeError */
export function checkRange(key: Uint8Array, end: RangeEnd, options: RangeOptions): void {
  checkBytes(key, 'key');
  if (end !== undefined) checkBytes(end, 'end');
  checkHasFields(options);
  if (options.limit !== undefined && !Number.isInteger(options.limit)) {
    throw new RangeError('limit must be an integer');
  }
  checkOptional(options.countOnly, 'countOnly', isBoolean);
  checkOptional(options.keysOnly, 'keysOnly', isBoolean);
  checkOptional(options.withTotal, 'withTotal', isBoolean);
  checkOptional(options.reverse, 'reverse', isBoolean);
}

/** @throws TypeError */
export function checkGet(options: GetOptions): void {
  checkHasFields(options);
  checkOptional(options.keyOnly, 'keyOnly', isBoolean);
}

/** The whole range in this tick, for writers. */
export function rangeNow(
  history: History,
  source: RecordSource,
  key: Uint8Array,
  end: RangeEnd,
  revision: number,
  current: number,
  options: RangeOptions,
): RangeResult {
  const { index } = history;
  if (options.countOnly === true) {
    return { kvs: [], count: index.countRevisions(key, end, revision), revision: current };
  }
  const reverse = options.reverse === true;
  const found = { limit: options.limit, withTotal: options.withTotal, reverse };
  if (options.keysOnly === true) {
    const { entries, total } = index.range(key, end, revision, found);
    return { kvs: entries.map((entry) => keyOnly(history.damaged, entry.key, entry)), count: total, revision: current };
  }
  const { revisions, total } = index.revisions(key, end, revision, found);
  const kvs: KeyValue[] = [];
  addRecords(kvs, history, source, revisions, key, end, reverse);
  return { kvs, count: total, revision: current };
}

/** The range at `revision`, in slices. The arrays may be changed by the caller once this has returned its promise. */
export async function rangeSliced(
  history: History,
  key: Uint8Array,
  end: RangeEnd,
  revision: number,
  current: number,
  options: RangeOptions & SliceOptions = NO_OPTIONS,
): Promise<RangeResult> {
  options.signal?.throwIfAborted();
  const { index } = history;
  const limit = end !== undefined && options.limit !== undefined && options.limit > 0 ? options.limit : Infinity;
  const small = index.size <= SLICE_RECORDS || end === undefined;
  if (small) return rangeNow(history, history, key, end, revision, current, options);

  const reverse = options.reverse === true;
  let last = new Uint8Array(end);
  let from: Uint8Array = new Uint8Array(key);
  if (options.countOnly === true) {
    return { kvs: [], count: await count(history, from, last, revision, options), revision: current };
  }
  const kvs: KeyValue[] = [];
  for (;;) {
    const wanted = Math.min(SLICE_RECORDS, limit - kvs.length);
    const got =
      options.keysOnly === true
        ? keysInto(kvs, history, from, last, revision, wanted, reverse)
        : recordsInto(kvs, history, from, last, revision, wanted, reverse);
    if (got < wanted) return { kvs, count: kvs.length, revision: current };
    if (reverse) last = new Uint8Array(kvs[kvs.length - 1]!.key);
    else from = nextKey(kvs[kvs.length - 1]!.key);
    if (kvs.length >= limit) break;
    await nextSlice(history, revision, options);
  }
  if (options.withTotal !== true) return { kvs, count: kvs.length, revision: current };
  return { kvs, count: kvs.length + (await count(history, from, last, revision, options)), revision: current };
}

async function nextSlice(history: History, revision: number, options: SliceOptions): Promise<void> {
  await history.clock.turn();
  options.signal?.throwIfAborted();
  history.checkReadable(revision);
}

function recordsInto(
  kvs: KeyValue[],
  history: History,
  from: Uint8Array,
  end: Uint8Array,
  revision: number,
  limit: number,
  reverse: boolean,
): number {
  const { revisions } = history.index.revisions(from, end, revision, { limit, reverse });
  addRecords(kvs, history, history, revisions, from, end, reverse);
  return revisions.length;
}

/** The records of a range's revisions, in order (RG4). @throws MvccError `MVCC_CORRUPT` */
function addRecords(
  kvs: KeyValue[],
  history: History,
  source: RecordSource,
  revisions: RevisionList,
  key: Uint8Array,
  end: RangeEnd,
  reverse: boolean,
): void {
  if (revisions.length === 0) return;
  const { reads } = history;
  const first = kvs.length;
  source.addRecords(revisions, kvs);
  // Where all came out of the cache they were looked at before; the last one is what the next slice goes on from.
  let at = history.reads === reads ? kvs.length - 1 : first;
  let last: Uint8Array | undefined;
  for (; at < kvs.length; at++) {
    const kv = kvs[at]!;
    if (!(reverse ? fitsReversed : fits)(kv.key, last, at === kvs.length - 1, key, end)) {
      throw foreign(history, revisions.mains[at - first]!, revisions.subAt(at - first), kv);
    }
    last = kv.key;
  }
}

/** Whether a record's key may stand behind `last`; the one of a slice that the next goes on from is held against the end. */
function fits(
  key: Uint8Array,
  last: Uint8Array | undefined,
  isFinal: boolean,
  start: Uint8Array,
  end: RangeEnd,
): boolean {
  const isBehind = last === undefined ? compareBytes(key, start) >= 0 : compareBytes(key, last) > 0;
  return isBehind && (!isFinal || isBefore(key, start, end));
}

function fitsReversed(
  key: Uint8Array,
  last: Uint8Array | undefined,
  isFinal: boolean,
  start: Uint8Array,
  end: RangeEnd,
): boolean {
  const isBehind = last === undefined ? isBefore(key, start, end) : compareBytes(key, last) < 0;
  return isBehind && (!isFinal || compareBytes(key, start) >= 0);
}

function isBefore(key: Uint8Array, start: Uint8Array, end: RangeEnd): boolean {
  if (end === undefined) return compareBytes(key, start) === 0;
  return end.length === 0 || compareBytes(key, end) < 0;
}

function foreign(history: History, main: number, sub: number, { key }: KeyValue): MvccError {
  // It has been kept with those that were read, and would be believed the next time.
  history.cache.clear();
  return new MvccError('MVCC_CORRUPT', `the record of revision ${name(main, sub)} is another key's: ${printKey(key)}`);
}

function keysInto(
  kvs: KeyValue[],
  history: History,
  from: Uint8Array,
  end: Uint8Array,
  revision: number,
  limit: number,
  reverse: boolean,
): number {
  const { entries } = history.index.range(from, end, revision, { limit, reverse });
  for (const entry of entries) kvs.push(keyOnly(history.damaged, entry.key, entry));
  return entries.length;
}

/** Counts in slices; a record gives the key from which each slice goes on. */
async function count(
  history: History,
  key: Uint8Array,
  end: Uint8Array,
  revision: number,
  options: SliceOptions,
): Promise<number> {
  const { index } = history;
  if (index.size <= 2 * SLICE_KEYS) return index.countRevisions(key, end, revision);
  let from = key;
  let counted = 0;
  for (;;) {
    const { revisions } = index.revisions(from, end, revision, { limit: SLICE_KEYS });
    counted += revisions.length;
    if (revisions.length < SLICE_KEYS) return counted;
    const newest = revisions.length - 1;
    const [main, sub] = [revisions.mains[newest]!, revisions.subAt(newest)];
    const kv = history.record(main, sub);
    if (compareBytes(kv.key, from) < 0 || !isBefore(kv.key, from, end)) throw foreign(history, main, sub, kv);
    from = nextKey(kv.key);
    await nextSlice(history, revision, options);
  }
}
