/**
 * The transactions that live no longer than a function call: `readTx` and `batchTx` hand them to their bodies.
 *
 * SCT1  Dead once the body has returned; every call afterwards throws `BACKEND_CLOSED`.
 */
import type { BatchTx, ReadTx } from '../contract/backend.ts';
import type { Bucket } from '../contract/bucket.ts';
import { BackendError } from '../contract/errors.ts';
import type { RowSearch } from '../contract/row-search.ts';
import type { Overlay } from '../pending/overlay.ts';

/** Where a transaction of this tick reads. */
export interface Reader {
  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined;
  find(bucket: Bucket, search: RowSearch): void;
}

export class TickReadTx implements ReadTx {
  #reader: Reader | undefined;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return (this.#reader ?? ended()).get(bucket, key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    (this.#reader ?? ended()).find(bucket, search);
  }

  end(): void {
    this.#reader = undefined;
  }
}

export class SectionTx implements BatchTx {
  #overlay: Overlay | undefined;
  readonly #reader: Reader;

  constructor(overlay: Overlay, reader: Reader) {
    this.#overlay = overlay;
    this.#reader = reader;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    if (this.#overlay === undefined) ended();
    return this.#reader.get(bucket, key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    if (this.#overlay === undefined) ended();
    this.#reader.find(bucket, search);
  }

  createBucket(bucket: Bucket): void {
    (this.#overlay ?? ended()).createBucket(bucket);
  }

  deleteBucket(bucket: Bucket): void {
    (this.#overlay ?? ended()).deleteBucket(bucket);
  }

  put(bucket: Bucket, key: Uint8Array, value: Uint8Array): void {
    (this.#overlay ?? ended()).put(bucket, key, value);
  }

  putLent(bucket: Bucket, block: Uint8Array, start: number, keyEnd: number, end: number): void {
    (this.#overlay ?? ended()).putLent(bucket, block, start, keyEnd, end);
  }

  delete(bucket: Bucket, key: Uint8Array): void {
    (this.#overlay ?? ended()).delete(bucket, key);
  }

  end(): void {
    this.#overlay = undefined;
  }
}

function ended(): never {
  throw new BackendError('BACKEND_CLOSED', 'this transaction has ended: its body has returned');
}
