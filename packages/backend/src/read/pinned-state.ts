/**
 * One finished state, kept as it is: an engine view and the overlays that lay over it at that moment.
 *
 * PS1  Readers opened while nothing changes share one pin; the last to end gives the engine's view back.
 * PS2  Ending is idempotent. Whatever is called afterwards throws `BACKEND_CLOSED`; a scan under way ends so as well.
 *
 * etcd: the buffer cache of server/storage/backend/read_tx.go, whose version numbers have no counterpart here.
 */
import type { Turns } from '@varve/base/pace';
import type { ConcurrentReadTx } from '../contract/backend.ts';
import type { Bucket } from '../contract/bucket.ts';
import type { Entry, PinnedView, ScanOptions } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import type { RowSearch } from '../contract/row-search.ts';
import type { Layer } from '../pending/layer.ts';
import type { Layers } from '../pending/overlay.ts';
import { findAll, lookUp } from './look-up.ts';
import { checkScan, mergedScan } from './merged-scan.ts';

export class PinnedState {
  readonly #pending: Layers;
  readonly #flushing: Layers | undefined;
  readonly #view: PinnedView;
  readonly #clock: Turns;
  #holders = 0;

  constructor(pending: Layers, flushing: Layers | undefined, view: PinnedView, clock: Turns) {
    this.#pending = pending;
    this.#flushing = flushing;
    this.#view = view;
    this.#clock = clock;
  }

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#view[Symbol.dispose]();
  }

  /** False once the last holder has released it: the engine's view is gone. */
  get held(): boolean {
    return this.#holders > 0;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return lookUp(this.#pending, this.#flushing, this.#view, bucket, key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    findAll(this.#pending, this.#flushing, this.#view, bucket, search);
  }

  scan(bucket: Bucket, options: ScanOptions): AsyncGenerator<readonly Entry[], void, undefined> {
    const layers: Layer[] = [];
    const above = this.#pending.get(bucket.name);
    const below = this.#flushing?.get(bucket.name);
    if (above !== undefined) layers.push(above);
    if (below !== undefined) layers.push(below);
    return mergedScan(this.#view, layers, bucket, options, this.#clock);
  }
}

export class PinnedReadTx implements ConcurrentReadTx {
  #state: PinnedState | undefined;
  readonly #onEnd: (tx: PinnedReadTx) => void;
  readonly #scans = new Set<AsyncGenerator<readonly Entry[], void, undefined>>();

  /** @param onEnd called once, as soon as the transaction has ended */
  constructor(state: PinnedState, onEnd: (tx: PinnedReadTx) => void) {
    state.hold();
    this.#state = state;
    this.#onEnd = onEnd;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#open().get(bucket, key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    this.#open().find(bucket, search);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    const state = this.#open();
    checkScan(options);
    return this.#guarded(state.scan(bucket, options));
  }

  [Symbol.dispose](): void {
    void this.end();
  }

  /** Resolves when no scan of this transaction asks the engine for anything any more. */
  async end(): Promise<void> {
    const state = this.#state;
    if (state === undefined) return;
    this.#state = undefined;
    this.#onEnd(this);
    // A scan that nobody pulls any more still holds an iterator of the engine; one in the middle of a pull ends after it.
    if (this.#scans.size > 0) await Promise.allSettled([...this.#scans].map((scan) => scan.return()));
    state.release();
  }

  async *#guarded(
    scan: AsyncGenerator<readonly Entry[], void, undefined>,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    this.#open();
    this.#scans.add(scan);
    try {
      for await (const chunk of scan) {
        this.#open();
        yield chunk;
        this.#open();
      }
      this.#open();
    } finally {
      this.#scans.delete(scan);
    }
  }

  #open(): PinnedState {
    if (this.#state === undefined) throw new BackendError('BACKEND_CLOSED', 'this read transaction has ended');
    return this.#state;
  }
}
