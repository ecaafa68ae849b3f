/**
 * Reads at one pinned revision.
 *
 * RT1  Pins a number and nothing else: revisions do not change, so there is nothing to hold (decisions/0020).
 * RT2  Ends with `end`, with the store, and when the store moves to another backend.
 *
 * etcd: server/storage/mvcc/kvstore_txn.go, storeTxnRead (spec section 7.1). Departs: compaction does not wait for it.
 */
import type { RangeEnd } from '@varve/index';
import { checkBytes, checkOptional, isSignal } from '@varve/base/options';
import { MvccError } from './errors.ts';
import type { History } from './history.ts';
import type { Metrics } from './metrics.ts';
import { checkGet, checkRange, rangeNow, rangeSliced } from './range.ts';
import type { GetOptions, KeyValue, RangeOptions, RangeResult, ReadTxn, SliceOptions } from './store.ts';

const NO_OPTIONS: RangeOptions & SliceOptions = {};

export class ReadTransaction implements ReadTxn {
  readonly #history: History;
  readonly #metrics: Metrics;
  readonly #revision: number;
  readonly #firstRev: number;
  #ended = false;

  constructor(history: History, metrics: Metrics, revision: number) {
    this.#history = history;
    this.#metrics = metrics;
    this.#revision = revision;
    this.#firstRev = history.compacted;
  }

  rev(): number {
    return this.#revision;
  }

  firstRev(): number {
    return this.#firstRev;
  }

  get(key: Uint8Array, options?: GetOptions): KeyValue | undefined {
    if (options !== undefined) checkGet(options);
    const revision = this.#revisionFor(options?.revision);
    checkBytes(key, 'key');
    this.#metrics.ranges++;
    return options?.keyOnly === true ? this.#history.getKey(key, revision) : this.#history.get(key, revision);
  }

  async range(key: Uint8Array, end: RangeEnd, options: RangeOptions & SliceOptions = NO_OPTIONS): Promise<RangeResult> {
    checkRange(key, end, options);
    checkOptional(options.signal, 'signal', isSignal);
    options.signal?.throwIfAborted();
    const revision = this.#revisionFor(options.revision);
    this.#metrics.ranges++;
    return await rangeSliced(this.#history, key, end, revision, this.#revision, options);
  }

  rangeNow(key: Uint8Array, end: RangeEnd, options: RangeOptions = NO_OPTIONS): RangeResult {
    checkRange(key, end, options);
    const revision = this.#revisionFor(options.revision);
    this.#metrics.ranges++;
    return rangeNow(this.#history, this.#history, key, end, revision, this.#revision, options);
  }

  end(): void {
    this.#ended = true;
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #revisionFor(asked: number | undefined): number {
    if (this.#ended) throw new MvccError('MVCC_CLOSED', 'the transaction has ended');
    this.#history.checkOpen();
    const revision = this.#history.revisionFor(asked, this.#revision);
    this.#history.checkReadable(revision);
    return revision;
  }
}
