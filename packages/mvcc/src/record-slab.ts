/**
 * Where new records are encoded: large arrays, filled from front to back, whose parts become the record's bytes.
 *
 * RS1  A part is written once and never again; views of it may be handed to anybody.
 * RS2  One slab is shared by records of one stretch of time, which leave the caches together. Who keeps one of them
 *      for longer copies it out (`ownBytes`), so that a tiny record does not keep a slab alive.
 *
 * A fresh array for each record costs 300 ns and more, a view of a slab 60.
 */
import { NO_BYTES, recordBound, RecordWriter } from './key-value.ts';
import type { KeyValue } from './store.ts';

const SLAB_BYTES = 64 * 1024;
/** Larger records get arrays of their own, so at most a quarter of a slab stays unused. */
const LARGE_BYTES = SLAB_BYTES / 4;

export class RecordSlab {
  /** The encoded bytes of the record added last, and where they are in the slab. */
  record: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  readonly #writer = new RecordWriter();
  #slab: Uint8Array = NO_BYTES;

  /** The slab of the record added last. */
  get slab(): Uint8Array {
    return this.#slab;
  }

  /** Encodes a put; the result's arrays are views of the copy. */
  put(
    key: Uint8Array,
    value: Uint8Array,
    createRevision: number,
    modRevision: number,
    version: number,
    lease: bigint,
  ): KeyValue {
    const at = this.#reserve(recordBound(key, value));
    const slab = this.#slab;
    const writer = this.#writer;
    const end = writer.put(slab, at, key, value, createRevision, modRevision, version, lease);
    this.start = at;
    this.end = end;
    // The constructor takes half the time of `subarray`. Slabs begin at 0 of their buffers.
    const { buffer } = slab;
    this.record = new Uint8Array(buffer, at, end - at);
    return {
      key: new Uint8Array(buffer, writer.keyAt, key.length),
      value: value.length === 0 ? NO_BYTES : new Uint8Array(buffer, writer.valueAt, value.length),
      createRevision,
      modRevision,
      version,
      lease,
    };
  }

  /** Encodes a deletion; the result carries the revision, the record does not (spec 8.5, Q4). */
  tombstone(key: Uint8Array, modRevision: number): KeyValue {
    const at = this.#reserve(recordBound(key, NO_BYTES));
    const slab = this.#slab;
    const writer = this.#writer;
    const end = writer.tombstone(slab, at, key);
    this.start = at;
    this.end = end;
    const { buffer } = slab;
    this.record = new Uint8Array(buffer, at, end - at);
    return {
      key: new Uint8Array(buffer, writer.keyAt, end - writer.keyAt),
      value: NO_BYTES,
      createRevision: 0,
      modRevision,
      version: 0,
      lease: 0n,
    };
  }

  #reserve(bytes: number): number {
    if (this.end + bytes <= this.#slab.length) return this.end;
    // `allocUnsafeSlow` is neither zeroed nor part of Node's pool: the buffer is the slab's alone.
    const slab = Buffer.allocUnsafeSlow(bytes > LARGE_BYTES ? bytes : SLAB_BYTES);
    this.#slab = new Uint8Array(slab.buffer);
    this.end = 0;
    return 0;
  }
}

/** The same bytes, in a buffer that is hardly larger than they are. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return isOwn(bytes) ? bytes : new Uint8Array(bytes);
}

/** Copies out what a larger buffer holds, into slabs that records of one stretch of time share (RS2). */
export class RecordCopies {
  #slab: Uint8Array = NO_BYTES;
  #used = 0;

  /** The same bytes, in a buffer that is hardly larger than they are or a slab. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > LARGE_BYTES || isOwn(bytes)) return ownBytes(bytes);
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Buffer.allocUnsafeSlow(SLAB_BYTES).buffer);
      this.#used = 0;
    }
    const at = this.#used;
    this.#slab.set(bytes, at);
    this.#used += length;
    return new Uint8Array(this.#slab.buffer, at, length);
  }
}

function isOwn(bytes: Uint8Array): boolean {
  return bytes.buffer.byteLength <= 2 * bytes.length + 512;
}
