/**
 * Writing: one synchronous section at a time, which ends as one revision, or leaves nothing.
 *
 *   body ──> WriteTransaction ──ends well──> finished: counted, cached, on its way to be visible
 *                 └──throws──> undone
 *
 * SCN1  Between the first change of a section and the new revision nothing is awaited and no other code runs.
 * SCN2  `put` and `deleteRange` make no object of their own: their arguments lie here, and one transaction serves all of them.
 * SCN3  In a sparse store the caller says which revision is next; one whose body throws is as if it had never been named.
 *
 * etcd: server/storage/mvcc/kvstore_txn.go (spec section 8). Departs: D3.
 */
import type { BatchTx } from '@varve/backend';
import { refusePromise } from '@varve/base/synchronous';
import type { RangeEnd } from '@varve/index';
import type { Checkpoints } from './checkpoint/checkpoints.ts';
import { sectionsWatched, sectionTook } from './diagnostics.ts';
import type { History } from './history.ts';
import type { Metrics } from './metrics.ts';
import type { Publisher } from './publisher.ts';
import type { DeleteRangeOptions, DeleteRangeResult, Finished, WriteTxn } from './store.ts';
import { FinishedSection, TransactionChanges } from './transaction-changes.ts';
import { nested, WriteTransaction } from './write-txn.ts';

export class Sections {
  readonly #history: History;
  readonly #publisher: Publisher;
  readonly #checkpoints: Checkpoints | undefined;
  readonly #metrics: Metrics;
  readonly #maxDeletes: number;
  /** The section under way, and its body. */
  #txn: WriteTransaction | undefined;
  #body: ((txn: WriteTxn) => unknown) | undefined;
  #single: WriteTransaction | undefined;
  /** Arguments of `put` and `deleteRange` (SCN2). */
  #key: Uint8Array | undefined;
  #value: Uint8Array | undefined;
  #lease = 0n;
  #deleteOptions: DeleteRangeOptions | undefined;

  constructor(
    history: History,
    publisher: Publisher,
    checkpoints: Checkpoints | undefined,
    metrics: Metrics,
    maxDeletes: number,
  ) {
    this.#history = history;
    this.#publisher = publisher;
    this.#checkpoints = checkpoints;
    this.#metrics = metrics;
    this.#maxDeletes = maxDeletes;
  }

  write<T>(body: (txn: WriteTxn) => T): Finished<T> {
    const txn = new WriteTransaction(this.#history, this.#maxDeletes);
    return new FinishedSection(this.#write(txn, body), this.#history.finished, txn.changed);
  }

  writeAt<T>(revision: number, body: (txn: WriteTxn) => T): Finished<T> {
    const history = this.#history;
    this.#checkAhead(revision);
    const before = history.finished;
    history.finished = revision - 1;
    let finished: Finished<T>;
    try {
      finished = this.write(body);
    } catch (error) {
      history.finished = before;
      throw error;
    }
    if (history.finished < revision) this.advance(revision);
    return finished;
  }

  advance(revision: number): void {
    this.#checkAhead(revision);
    this.#history.finished = revision;
    this.#publisher.finished(new TransactionChanges(revision));
  }

  #checkAhead(revision: number): void {
    const { sparse, finished } = this.#history;
    if (this.#txn !== undefined) throw nested();
    if (!sparse) throw new TypeError('the store is not sparse: its revisions are its own');
    if (!Number.isSafeInteger(revision) || revision <= finished)
      throw new RangeError(`revision must be an integer above ${finished}`);
  }

  put(key: Uint8Array, value: Uint8Array, lease: bigint): number {
    const txn = this.#renewed();
    this.#key = key;
    this.#value = value;
    this.#lease = lease;
    return this.#write(txn, this.#putBody);
  }

  deleteRange(key: Uint8Array, end: RangeEnd, options: DeleteRangeOptions | undefined): DeleteRangeResult {
    const txn = this.#renewed();
    this.#key = key;
    this.#value = end;
    this.#deleteOptions = options;
    return this.#write(txn, this.#deleteBody);
  }

  readonly #section = (tx: BatchTx): unknown => {
    const txn = this.#txn!;
    txn.enter(tx);
    const value = this.#body!(txn);
    refusePromise(value, asynchronous);
    return value;
  };

  readonly #putBody = (txn: WriteTxn): number => {
    const key = this.#key!;
    const value = this.#value!;
    this.#key = undefined;
    this.#value = undefined;
    return txn.put(key, value, this.#lease);
  };

  readonly #deleteBody = (txn: WriteTxn): DeleteRangeResult => {
    const key = this.#key!;
    const end = this.#value;
    const options = this.#deleteOptions;
    this.#deleteOptions = undefined;
    this.#key = undefined;
    this.#value = undefined;
    return txn.deleteRange(key, end, options);
  };

  /** Their bodies hand it to nobody, so it can be used again (SCN2). */
  #renewed(): WriteTransaction {
    if (this.#txn !== undefined) throw nested();
    return (this.#single ??= new WriteTransaction(this.#history, this.#maxDeletes)).renew(this.#maxDeletes);
  }

  #write<T>(txn: WriteTransaction, body: (txn: WriteTxn) => T): T {
    const history = this.#history;
    if (typeof body !== 'function') throw new TypeError('body must be a function');
    if (this.#txn !== undefined) throw nested();
    const began = sectionsWatched() ? history.clock.now() : 0;
    this.#txn = txn;
    this.#body = body;
    let value: T;
    try {
      value = history.backend.batchTx(this.#section) as T;
    } catch (error) {
      txn.undo();
      throw error;
    } finally {
      txn.leave();
      this.#txn = undefined;
      this.#body = undefined;
    }
    this.#finish(history, txn);
    if (began > 0) sectionTook(history.clock.now() - began, txn.changed.length, history.finished);
    return value;
  }

  /** What a section that ended well leaves behind. */
  #finish(history: History, txn: WriteTransaction): void {
    const metrics = this.#metrics;
    const { changed } = txn;
    if (changed.length > 0) {
      history.finished++;
      history.cache.addWritten(changed);
      this.#checkpoints?.finished(changed.length, changed.hasLease);
    }
    metrics.puts += txn.puts;
    metrics.ranges += txn.ranges;
    metrics.deletes += txn.deletes;
    metrics.putBytes += txn.putBytes;
    if (txn.operations > 1) metrics.txns++;
    if (txn.applied !== undefined) history.applied = txn.applied;
    if (changed.length === 0 && !txn.wroteRows && txn.applied === undefined) return;
    this.#publisher.finished(changed.length === 0 ? undefined : changed);
  }
}

function asynchronous(): TypeError {
  return new TypeError('the body of write must be synchronous, it returned a promise');
}
