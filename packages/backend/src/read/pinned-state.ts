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
import type { EngineView, Entry, PinnedView, ScanOptions } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import type { Layer } from '../pending/layer.ts';
import { checkScan, mergedScan } from './merged-scan.ts';
import { corrupt } from './scan-order.ts';
import type { Layers } from '../pending/overlay.ts';

/** The value of a key through all layers, newest first. @throws TypeError for a key that is not bytes */
export function lookUp(
  pending: Layers,
  flushing: Layers | undefined,
  view: EngineView,
  bucket: Bucket,
  key: Uint8Array,
): Uint8Array | undefined {
  // Here, for all kinds of reads: left to them, one engine takes text for a key and another finds nothing.
  if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
  const above = pending.get(bucket.name);
  if (above !== undefined) {
    const row = above.find(key);
    if (row >= 0) return valueOf(above, row);
    if (above.cleared) return undefined;
  }
  const below = flushing?.get(bucket.name);
  if (below !== undefined) {
    const row = below.find(key);
    if (row >= 0) return valueOf(below, row);
    if (below.cleared) return undefined;
  }
  return view.get(bucket, key);
}

/** What a layer's row says of its key. */
function valueOf({ changes }: Layer, row: number): Uint8Array | undefined {
  return changes.isPut(row) ? changes.value(row) : undefined;
}

/**
 * As `lookUp`, for many keys of one bucket: what no layer has is asked of the engine at once.
 * @throws TypeError for anything but an array of bytes
 */
export function lookUpMany(
  pending: Layers,
  flushing: Layers | undefined,
  view: EngineView,
  bucket: Bucket,
  keys: readonly Uint8Array[],
): readonly (Uint8Array | undefined)[] {
  if (!Array.isArray(keys)) throw new TypeError('keys must be an array');
  const above = pending.get(bucket.name);
  const below = flushing?.get(bucket.name);
  if (view.getMany === undefined || keys.length < 2) {
    return keys.map((key) => lookUp(pending, flushing, view, bucket, key));
  }
  const values = new Array<Uint8Array | undefined>(keys.length);
  const missing: number[] = [];
  for (let i = 0; i < keys.length; i += 1) {
    const key = keys[i]!;
    if (!(key instanceof Uint8Array)) throw new TypeError('each of the keys must be a Uint8Array');
    let layer = above;
    let row = above === undefined ? -1 : above.find(key);
    if (row < 0 && below !== undefined && above?.cleared !== true) {
      layer = below;
      row = below.find(key);
    }
    if (row >= 0) values[i] = valueOf(layer!, row);
    else if (above?.cleared !== true && below?.cleared !== true) missing.push(i);
  }
  if (missing.length === 0) return values;
  const asked = missing.length === keys.length ? keys : missing.map((i) => keys[i]!);
  const found = view.getMany(bucket, asked);
  if (found.length !== asked.length)
    throw corrupt(bucket, `${found.length} values were given for ${asked.length} keys`);
  for (let i = 0; i < missing.length; i += 1) values[missing[i]!] = found[i];
  return values;
}

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

  getMany(bucket: Bucket, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    return lookUpMany(this.#pending, this.#flushing, this.#view, bucket, keys);
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

  getMany(bucket: Bucket, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    return this.#open().getMany(bucket, keys);
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
