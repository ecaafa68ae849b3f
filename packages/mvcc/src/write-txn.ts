/**
 * One write section: changes go to index and backend as they are made, and out of both again if the body throws.
 *
 * WT1  Change n of the transaction has revision (begin + 1, n); n is its place in `changed`.
 * WT2  Before the index is told of a change, `undo` knows its key (D3).
 * WT3  The records of this transaction reach the cache only when the section has ended well.
 * WT4  Dead once the section has ended.
 * WT5  What the range deletions of a section take is counted before the first key goes: more than `maxDeletes` is refused
 *      whole, so that one section cannot stop the event loop for seconds (law 10).
 *
 * etcd: server/storage/mvcc/kvstore_txn.go (spec section 8). Departs: undone instead of a crash (D3); `changes` carry
 * the revision of a deletion (Q4).
 */
import { BackendError, type BatchTx, type Bucket } from '@varve/backend';
import type { RangeEnd, RevisionList } from '@varve/index';
import { check, checkBytes, checkHasFields, checkOptional, isInteger, type Rule } from '@varve/base/options';
import { checkUint64, writeAppliedIndex, type AppliedIndex } from './applied-index.ts';
import { keyBucket } from './buckets.ts';
import { changedSince } from './changed-since.ts';
import { MvccError } from './errors.ts';
import type { History, RecordSource } from './history.ts';
import { keyOnly } from './key-only.ts';
import { checkGet, checkRange, rangeNow } from './range.ts';
import { checkForeign, SectionRows } from './rows.ts';
import type {
  Change,
  DeleteRangeOptions,
  DeleteRangeResult,
  GetOptions,
  KeyValue,
  RangeOptions,
  RangeResult,
  RowsTx,
  WriteTxn,
} from './store.ts';
import { TransactionChanges } from './transaction-changes.ts';

const NO_OPTIONS: RangeOptions = {};
const NO_LIMIT: DeleteRangeOptions = {};
const isPositive: Rule = isInteger(1);
const MIN_LEASE = -(2n ** 63n);
const MAX_LEASE = 2n ** 63n - 1n;

export class WriteTransaction implements WriteTxn, RecordSource {
  changed: TransactionChanges;
  /** What the metrics count once the section has ended well. */
  puts = 0;
  ranges = 0;
  deletes = 0;
  putBytes = 0;
  /** Whether rows outside of the history were written. */
  wroteRows = false;
  applied: AppliedIndex | undefined;
  readonly #history: History;
  #begin: number;
  /** How many keys its range deletions may still take. */
  #deletesLeft: number;
  #tx: BatchTx | undefined;
  #lastKey: Uint8Array | undefined;
  #rows: RowsTx | undefined;

  constructor(history: History, maxDeletes: number) {
    this.#history = history;
    this.#deletesLeft = maxDeletes;
    this.#begin = history.finished;
    this.changed = new TransactionChanges(this.#begin + 1);
  }

  /** Makes a transaction that has ended, and that nobody outside has seen, a new one. */
  renew(maxDeletes: number): this {
    this.#deletesLeft = maxDeletes;
    this.#begin = this.#history.finished;
    this.changed = new TransactionChanges(this.#begin + 1);
    this.puts = this.ranges = this.deletes = this.putBytes = 0;
    this.wroteRows = false;
    this.applied = undefined;
    this.#lastKey = undefined;
    this.#rows = undefined;
    return this;
  }

  get operations(): number {
    return this.puts + this.ranges + this.deletes;
  }

  /** Opens the section. */
  enter(tx: BatchTx): void {
    this.#tx = tx;
  }

  /** Ends the section, well or not. */
  leave(): void {
    this.#tx = undefined;
  }

  /** Takes back what the index was told; the backend drops its rows by itself. */
  undo(): void {
    const { index } = this.#history;
    const main = this.#begin + 1;
    for (const { kv } of this.changed.changes) index.undo(kv.key, main);
    if (this.#lastKey !== undefined) index.undo(this.#lastKey, main);
  }

  rev(): number {
    return this.#begin;
  }

  firstRev(): number {
    return this.#history.compacted;
  }

  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined {
    const tx = this.#live();
    if (options !== undefined) checkGet(options);
    const history = this.#history;
    const revision = history.revisionFor(options?.revision, this.#current());
    checkBytes(key, 'key');
    this.ranges++;
    const entry = history.index.get(key, revision, history.entry);
    if (entry === undefined) return undefined;
    if (options?.keyOnly === true) return keyOnly(history.damaged, key, entry);
    if (entry.main > this.#begin) return this.changed.keyValue(entry.sub);
    return history.cache.peek(entry.main, entry.sub) ?? history.load(key, entry, tx);
  }

  range(key: Uint8Array, end: RangeEnd, options: RangeOptions = NO_OPTIONS): RangeResult {
    this.#live();
    checkRange(key, end, options);
    const current = this.#current();
    const revision = this.#history.revisionFor(options.revision, current);
    this.ranges++;
    return rangeNow(this.#history, this, key, end, revision, current, options);
  }

  addRecords(revisions: RevisionList, into: KeyValue[]): void {
    const tx = this.#live();
    const { mains, length } = revisions;
    // Its own changes are few as a rule, and in the order of keys: anywhere.
    let from = 0;
    for (let i = 0; i < length; i++) {
      if (mains[i]! <= this.#begin) continue;
      if (i > from) this.#history.addRecordsIn(tx, revisions, from, i, into);
      into.push(this.changed.keyValue(revisions.subAt(i)));
      from = i + 1;
    }
    if (from < length) this.#history.addRecordsIn(tx, revisions, from, length, into);
  }

  put(key: Uint8Array, value: Uint8Array, lease = 0n): number {
    const tx = this.#live();
    checkBytes(key, 'key');
    checkBytes(value, 'value');
    if (key.length === 0) throw new RangeError('key must not be empty');
    if (lease !== 0n) checkLease(lease);
    const main = this.#nextMain();
    const sub = this.changed.length;
    this.#lastKey = key;
    const history = this.#history;
    const { createdMain, version } = history.index.put(key, main, sub, history.entry);
    const { slab } = history;
    slab.put(main, sub, key, value, createdMain, version, lease);
    this.changed.add(slab.slab, slab.start, slab.end, false);
    if (lease !== 0n) this.changed.hasLease = true;
    tx.putLent(keyBucket, slab.block, slab.keyStart, slab.start, slab.end);
    this.puts++;
    this.putBytes += key.length + value.length;
    return main;
  }

  deleteRange(key: Uint8Array, end?: RangeEnd, options: DeleteRangeOptions = NO_LIMIT): DeleteRangeResult {
    const tx = this.#live();
    checkRange(key, end, NO_OPTIONS);
    checkHasFields(options);
    checkOptional(options.limit, 'limit', isPositive);
    this.deletes++;
    if (end !== undefined) return this.#deleteRange(tx, key, end, options.limit);
    return this.#deleted(this.#delete(tx, key) ? 1 : 0, options.limit === undefined ? undefined : false);
  }

  changedSince(revision: number, key: Uint8Array, end?: RangeEnd): boolean {
    this.#live();
    checkRange(key, end, NO_OPTIONS);
    check(revision, 'revision', isPositive);
    const current = this.#current();
    this.#history.revisionFor(revision, current);
    if (revision >= current) return false;
    if (this.changed.length > 0) return this.#history.index.changedSince(key, end, revision);
    return changedSince(this.#history, current, revision, key, end);
  }

  changes(): readonly Change[] {
    return this.changed.list();
  }

  get rows(): RowsTx {
    return (this.#rows ??= new SectionRows(this));
  }

  setAppliedIndex(index: bigint, term: bigint): boolean {
    const tx = this.#live();
    checkUint64(index, 'index');
    checkUint64(term, 'term');
    const before = this.applied ?? this.#history.applied;
    if (index <= before.index) return false;
    this.applied = { index, term };
    writeAppliedIndex(tx, this.applied);
    return true;
  }

  /** The backend's transaction, for rows that are not the store's. */
  foreign(bucket: Bucket): BatchTx {
    checkForeign(bucket);
    return this.#live();
  }

  /** The revision that a read without one gets (spec 8.3). */
  #current(): number {
    return this.changed.length === 0 ? this.#begin : this.#begin + 1;
  }

  #nextMain(): number {
    const { revision } = this.changed;
    if (revision > Number.MAX_SAFE_INTEGER) {
      throw new MvccError('MVCC_EXHAUSTED', 'the last revision, 2^53 - 1, is taken');
    }
    return revision;
  }

  #deleteRange(tx: BatchTx, key: Uint8Array, end: Uint8Array, asked: number | undefined): DeleteRangeResult {
    const limit = asked ?? Infinity;
    const { index } = this.#history;
    const revision = this.#current();
    const room = this.#deletesLeft;
    const found = index.countRevisions(key, end, revision, Math.min(limit, room) + 1);
    if (found > room && limit > room) {
      throw new MvccError(
        'MVCC_TOO_LARGE',
        `the range holds more than the ${room} keys that this write may still delete, so none was: delete in pages, with limit, or open with a larger maxDeletes`,
      );
    }
    const wanted = Math.min(found, limit);
    let deleted = 0;
    if (wanted > 0) {
      for (const entry of index.entries(key, end, revision)) {
        this.#delete(tx, entry.key);
        if (++deleted === wanted) break;
      }
    }
    this.#deletesLeft -= deleted;
    return this.#deleted(deleted, asked === undefined ? undefined : found > wanted);
  }

  #deleted(deleted: number, more: boolean | undefined): DeleteRangeResult {
    const revision = this.#current();
    return more === undefined ? { deleted, revision } : { deleted, more, revision };
  }

  #delete(tx: BatchTx, key: Uint8Array): boolean {
    const main = this.#nextMain();
    const sub = this.changed.length;
    this.#lastKey = key;
    if (!this.#history.index.tombstone(key, main, sub)) return false;
    const { slab } = this.#history;
    slab.tombstone(main, sub, key);
    this.changed.add(slab.slab, slab.start, slab.end, true);
    tx.putLent(keyBucket, slab.block, slab.keyStart, slab.start, slab.end);
    return true;
  }

  #live(): BatchTx {
    if (this.#tx === undefined) throw new MvccError('MVCC_CLOSED', 'the transaction has ended');
    return this.#tx;
  }
}

function checkLease(lease: bigint): void {
  if (typeof lease !== 'bigint') throw new TypeError('lease must be a bigint');
  if (lease < MIN_LEASE || lease > MAX_LEASE) throw new RangeError('lease must be a signed 64-bit bigint');
}

/** What a section inside a section gets, here as from the backend. */
export function nested(): BackendError {
  return new BackendError(
    'BACKEND_NESTED',
    "a write inside the body of another: there, use the section's own put and delete, which are part of it",
  );
}
