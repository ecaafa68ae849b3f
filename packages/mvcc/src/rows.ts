/**
 * Rows of others: leases, users, alarms. They lie beside the store's own, in the same backend and the same commits.
 *
 * ROT1  The store's own buckets are refused, for reading too: their rows are its own affair.
 * ROT2  A section changes them with its changes, or not at all. Readers see what has finished, as writers do: what they find
 *       may still be lost, so who tells somebody else waits for `settled` first (law 1).
 * ROT3  A port belongs to the data that it was asked for: once the store is closed, or works on another backend, it answers
 *       `MVCC_CLOSED`, in the middle of a scan too. `Store.rows` is always the port of the present data.
 */
import type { Backend, Bucket, ConcurrentReadTx, Entry, ScanOptions } from '@varve/backend';
import { keyBucket, metaBucket } from './buckets.ts';
import type { Rows, RowsTx } from './store.ts';
import type { WriteTransaction } from './write-txn.ts';

/** @throws TypeError for a bucket of the store's own */
export function checkForeign(bucket: Bucket): void {
  if (typeof bucket?.name !== 'string') throw new TypeError('bucket must be a Bucket');
  if (bucket.name === keyBucket.name || bucket.name === metaBucket.name) {
    throw new TypeError(`the bucket ${bucket.name} belongs to the store`);
  }
}

/** Reads them, outside of sections. */
export class RowsReader implements Rows {
  readonly #backend: Backend;
  readonly #check: () => void;

  /** @param check throws when the port has ended (ROT3) */
  constructor(backend: Backend, check: () => void) {
    this.#backend = backend;
    this.#check = check;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    this.#check();
    checkForeign(bucket);
    return this.#backend.readTx((tx) => tx.get(bucket, key));
  }

  scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]> {
    this.#check();
    checkForeign(bucket);
    return this.#scan(bucket, options);
  }

  async *#scan(bucket: Bucket, options: ScanOptions | undefined): AsyncGenerator<readonly Entry[], void, void> {
    this.#check();
    const tx: ConcurrentReadTx = this.#backend.concurrentReadTx();
    try {
      for await (const entries of tx.scan(bucket, options)) {
        this.#check();
        yield entries;
      }
    } finally {
      tx[Symbol.dispose]();
    }
  }
}

/** Reads and changes them inside a section. */
export class SectionRows implements RowsTx {
  readonly #txn: WriteTransaction;

  constructor(txn: WriteTransaction) {
    this.#txn = txn;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#txn.foreign(bucket).get(bucket, key);
  }

  put(bucket: Bucket, key: Uint8Array, value: Uint8Array): void {
    this.#txn.foreign(bucket).put(bucket, key, value);
    this.#txn.wroteRows = true;
  }

  delete(bucket: Bucket, key: Uint8Array): void {
    this.#txn.foreign(bucket).delete(bucket, key);
    this.#txn.wroteRows = true;
  }

  createBucket(bucket: Bucket): void {
    this.#txn.foreign(bucket).createBucket(bucket);
    this.#txn.wroteRows = true;
  }

  deleteBucket(bucket: Bucket): void {
    this.#txn.foreign(bucket).deleteBucket(bucket);
    this.#txn.wroteRows = true;
  }
}
