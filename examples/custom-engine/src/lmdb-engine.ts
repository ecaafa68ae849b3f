/**
 * An engine over lmdb, complete: what you would write to put varve on a store of your own.
 *
 * Rows of all buckets share one lmdb database under `length of the name, name, key`, so they sort by bucket and then by
 * bytes; the names of the buckets are another. lmdb takes keys of up to 1978 bytes, so this engine does, too.
 */
import {
  BackendError,
  type Bucket,
  type Change,
  type Changes,
  type Engine,
  type Entry,
  type PinnedView,
} from '@varve/backend';
import type { ScanOptions } from '@varve/backend';
import { open, type Database, type RootDatabase, type Transaction } from 'lmdb';

const binary = { keyEncoding: 'binary', encoding: 'binary' } as const;
const empty = new Uint8Array();

class Store {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly rows: Database<Buffer, Buffer>;
  readonly names: Database<Buffer, Buffer>;
  isOpen = true;

  constructor(path: string) {
    this.root = open<Buffer, Buffer>({ path, noSubdir: true, ...binary });
    this.rows = this.root.openDB({ name: 'rows', ...binary });
    this.names = this.root.openDB({ name: 'buckets', ...binary });
  }
}

export function lmdbEngine(path: string): Engine {
  return new LmdbEngine(new Store(path));
}

class LmdbEngine implements Engine {
  readonly #store: Store;
  /** The newest committed state. */
  #present: View;
  #running: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    this.#present = new View(store);
  }

  get = (bucket: Bucket, key: Uint8Array): Uint8Array | undefined => this.#present.get(bucket, key);
  scan = (bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]> =>
    this.#present.scan(bucket, options);
  buckets = (): readonly string[] => this.#present.buckets();
  pin = (): PinnedView => new View(this.#store);

  async commit(changes: Changes): Promise<void> {
    if (!this.#store.isOpen) throw closed();
    await (this.#running = this.#commit(changes));
  }

  async #commit(changes: Changes): Promise<void> {
    const { root } = this.#store;
    // One lmdb transaction; `flushed` resolves when it is synced.
    await root.transaction(() => {
      for (const change of changes) this.#apply(change);
    });
    await root.flushed;
    const before = this.#present;
    this.#present = new View(this.#store);
    before[Symbol.dispose]();
  }

  #apply(change: Change): void {
    const { rows, names } = this.#store;
    const { bucket, type } = change;
    if (type === 'put') void rows.put(rowKey(bucket, change.key), Buffer.from(change.value));
    else if (type === 'delete') void rows.remove(rowKey(bucket, change.key));
    else if (type === 'createBucket') void names.put(Buffer.from(bucket.name), Buffer.from([1]));
    else {
      void names.remove(Buffer.from(bucket.name));
      for (const key of [...rows.getKeys(rangeOf(bucket))]) void rows.remove(key);
    }
  }

  /** lmdb uses freed pages again by itself and never gives them back. */
  async compact(): Promise<void> {
    if (!this.#store.isOpen) throw closed();
  }

  get size(): number {
    const { lastPageNumber, pageSize } = this.#store.root.getStats() as { lastPageNumber: number; pageSize: number };
    return (lastPageNumber + 1) * pageSize;
  }

  get sizeInUse(): number {
    return this.size;
  }

  async close(): Promise<void> {
    if (!this.#store.isOpen) return;
    await this.#running.catch(() => undefined);
    this.#store.isOpen = false;
    await this.#store.root.close();
  }
}

/** One committed state: an lmdb read transaction, given back when the view and its scans have ended. */
class View implements PinnedView {
  readonly #store: Store;
  readonly #transaction: Transaction;
  #holders = 1;
  #disposed = false;

  constructor(store: Store) {
    if (!store.isOpen) throw closed();
    this.#store = store;
    store.root.resetReadTxn();
    this.#transaction = store.root.useReadTransaction();
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    const value = this.#open().rows.get(rowKey(bucket, key), { transaction: this.#transaction });
    return value === undefined ? undefined : new Uint8Array(value);
  }

  buckets(): readonly string[] {
    const names = this.#open().names.getKeys({ transaction: this.#transaction });
    return [...names].map((name) => name.toString('latin1'));
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    this.#open();
    this.#holders += 1;
    return this.#chunks(bucket, options);
  }

  async *#chunks(bucket: Bucket, { start, end, chunkSize = 256, signal }: ScanOptions): AsyncGenerator<Entry[]> {
    const { rows } = this.#store;
    const range = { ...rangeOf(bucket, start, end), transaction: this.#transaction };
    let chunk: Entry[] = [];
    try {
      this.#live(signal);
      for (const { key, value } of rows.getRange(range)) {
        chunk.push({ key: new Uint8Array(key.subarray(1 + bucket.name.length)), value: new Uint8Array(value) });
        if (chunk.length < chunkSize) continue;
        yield chunk;
        this.#live(signal);
        chunk = [];
      }
      if (chunk.length > 0) yield chunk;
    } finally {
      this.#release();
    }
  }

  [Symbol.dispose](): void {
    if (!this.#disposed) this.#release();
    this.#disposed = true;
  }

  #open(): Store {
    if (this.#disposed || !this.#store.isOpen) throw closed();
    return this.#store;
  }

  #live(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (!this.#store.isOpen) throw closed();
  }

  #release(): void {
    this.#holders -= 1;
    if (this.#holders === 0 && this.#store.isOpen) this.#transaction.done();
  }
}

function rowKey({ name }: Bucket, key: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name), key]);
}

function rangeOf(bucket: Bucket, start: Uint8Array = empty, end?: Uint8Array): { start: Buffer; end: Buffer } {
  // The rows of a bucket end before its own prefix with the last byte counted up by one.
  const next = rowKey(bucket, empty);
  next[next.length - 1]! += 1;
  return { start: rowKey(bucket, start), end: end === undefined ? next : rowKey(bucket, end) };
}

function closed(): BackendError {
  return new BackendError('BACKEND_CLOSED', 'the engine, or this view of it, is closed');
}
