/**
 * Records: a `KeyValue` as the protobuf bytes that etcd stores.
 *
 * KV1  Canonical: fields in ascending order, zero and empty ones left out. Hashes run over these bytes (law 6).
 * KV2  Decoding accepts any order and skips unknown fields; the last of a repeated field counts. Everything else is
 *      `MVCC_CORRUPT`.
 * KV3  Numbers, except a lease, which is a full int64 and becomes a bigint only where there is one.
 *
 * By hand: a general protobuf library costs twenty to forty times as much (performance.md).
 * etcd: api/mvccpb/kv.proto (spec section 3.2, row M6).
 */
import { VarintReader, writeInt64, writeVarint } from '@varve/base/varint';
import { MvccError } from './errors.ts';
import type { KeyValue } from './store.ts';

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Bytes a record takes at the most; its key and value apart. */
const MAX_OVERHEAD = 2 * 6 + 3 * 9 + 11;

const KEY = 0x0a;
const CREATE_REVISION = 0x10;
const MOD_REVISION = 0x18;
const VERSION = 0x20;
const VALUE = 0x2a;
const LEASE = 0x30;

/** Up to so many bytes a loop beats `set`. */
const SHORT = 12;

function notKeyValue(problem: string): MvccError {
  return new MvccError('MVCC_CORRUPT', `not a KeyValue: ${problem}`);
}

/** An upper bound of what `RecordWriter.write` needs. */
export function recordBound(key: Uint8Array, value: Uint8Array): number {
  return key.length + value.length + MAX_OVERHEAD;
}

function copy(target: Uint8Array, at: number, source: Uint8Array): void {
  if (source.length > SHORT) {
    target.set(source, at);
    return;
  }
  for (let i = 0; i < source.length; i++) target[at + i] = source[i]!;
}

/** Encodes, and remembers where key and value went, so that nobody has to copy them again. */
export class RecordWriter {
  keyAt = 0;
  valueAt = 0;

  /** Writes a put at `at` and returns where it ends. */
  put(
    target: Uint8Array,
    at: number,
    key: Uint8Array,
    value: Uint8Array,
    createRevision: number,
    modRevision: number,
    version: number,
    lease: bigint,
  ): number {
    let end = this.tombstone(target, at, key);
    target[end] = CREATE_REVISION;
    end = writeVarint(target, end + 1, createRevision);
    target[end] = MOD_REVISION;
    end = writeVarint(target, end + 1, modRevision);
    target[end] = VERSION;
    end = writeVarint(target, end + 1, version);
    this.valueAt = end;
    if (value.length > 0) {
      target[end] = VALUE;
      end = writeVarint(target, end + 1, value.length);
      this.valueAt = end;
      copy(target, end, value);
      end += value.length;
    }
    if (lease !== 0n) {
      target[end] = LEASE;
      end = writeInt64(target, end + 1, lease);
    }
    return end;
  }

  /** Writes a deletion, which is a key alone, at `at` and returns where it ends. */
  tombstone(target: Uint8Array, at: number, key: Uint8Array): number {
    this.keyAt = at;
    if (key.length === 0) return at;
    target[at] = KEY;
    this.keyAt = writeVarint(target, at + 1, key.length);
    copy(target, this.keyAt, key);
    return this.keyAt + key.length;
  }
}

/** A `KeyValue` as bytes of its own, zero fields left out. For tests, tools and states that are filled in; the store encodes into its slab. */
export function encodeKeyValue(kv: KeyValue): Uint8Array {
  const bytes = new Uint8Array(recordBound(kv.key, kv.value));
  let end = new RecordWriter().tombstone(bytes, 0, kv.key);
  const numbers = [
    [CREATE_REVISION, kv.createRevision],
    [MOD_REVISION, kv.modRevision],
    [VERSION, kv.version],
  ] as const;
  for (const [tag, number] of numbers) {
    if (number === 0) continue;
    bytes[end] = tag;
    end = writeVarint(bytes, end + 1, number);
  }
  if (kv.value.length > 0) {
    bytes[end] = VALUE;
    end = writeVarint(bytes, end + 1, kv.value.length);
    bytes.set(kv.value, end);
    end += kv.value.length;
  }
  if (kv.lease !== 0n) {
    bytes[end] = LEASE;
    end = writeInt64(bytes, end + 1, kv.lease);
  }
  return bytes.slice(0, end);
}

/** Finds the fields of one record at a time without making an object of it. */
export class RecordReader {
  keyAt = 0;
  keyEnd = 0;
  valueAt = 0;
  valueEnd = 0;
  createRevision = 0;
  modRevision = 0;
  version = 0;
  lease = 0n;
  readonly #varint = new VarintReader(notKeyValue);

  /**
   * Reads the record that goes from `start` to `end`.
   * @throws MvccError `MVCC_CORRUPT` when the bytes are no KeyValue; the message does not know the revision
   */
  read(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    this.keyAt = 0;
    this.keyEnd = 0;
    this.valueAt = 0;
    this.valueEnd = 0;
    this.createRevision = 0;
    this.modRevision = 0;
    this.version = 0;
    this.lease = 0n;
    const varint = this.#varint;
    varint.bytes = bytes;
    varint.at = start;
    while (varint.at < end) {
      switch (bytes[varint.at]) {
        case KEY:
          varint.at++;
          this.keyEnd = varint.skipBytes();
          this.keyAt = this.keyEnd - varint.length;
          break;
        case CREATE_REVISION:
          varint.at++;
          this.createRevision = varint.number();
          break;
        case MOD_REVISION:
          varint.at++;
          this.modRevision = varint.number();
          break;
        case VERSION:
          varint.at++;
          this.version = varint.number();
          break;
        case VALUE:
          varint.at++;
          this.valueEnd = varint.skipBytes();
          this.valueAt = this.valueEnd - varint.length;
          break;
        case LEASE:
          varint.at++;
          this.lease = varint.int64();
          break;
        default:
          skipUnknown(varint);
      }
    }
    // What lies behind the record is other people's.
    if (varint.at > end) throw notKeyValue(`cut off after ${end - start} bytes`);
  }
}

const KNOWN_FIELDS = 6;

function skipUnknown(varint: VarintReader): void {
  const tag = varint.number();
  const field = Math.floor(tag / 8);
  if (field <= KNOWN_FIELDS) {
    throw notKeyValue(`field ${field} has wire type ${tag % 8}`);
  }
  varint.skip(tag % 8);
}

const reader = new RecordReader();

/**
 * The record as an object, its key and value as views of `bytes`.
 * @throws MvccError `MVCC_CORRUPT`
 */
export function decodeKeyValue(bytes: Uint8Array, start: number = 0, end: number = bytes.length): KeyValue {
  reader.read(bytes, start, end);
  return keyValueOf(reader, bytes, 0);
}

/**
 * The record that `reader` has read as an object, its key and value as views of `bytes`.
 * @param moved how much further on the record lies there than where it was read
 */
export function keyValueOf(reader: RecordReader, bytes: Uint8Array, moved: number): KeyValue {
  const { buffer } = bytes;
  const byteOffset = bytes.byteOffset + moved;
  const { keyAt, keyEnd, valueAt, valueEnd } = reader;
  return {
    // The constructor takes half the time of `subarray`.
    key: new Uint8Array(buffer, byteOffset + keyAt, keyEnd - keyAt),
    value: valueAt === valueEnd ? NO_BYTES : new Uint8Array(buffer, byteOffset + valueAt, valueEnd - valueAt),
    createRevision: reader.createRevision,
    modRevision: reader.modRevision,
    version: reader.version,
    lease: reader.lease,
  };
}

/** Whether a put's numbers fit each other and its place in the history (R45). */
export function fitsRevision(
  record: { readonly createRevision: number; readonly modRevision: number; readonly version: number },
  main: number,
): boolean {
  if (record.modRevision !== main || record.createRevision < 1 || record.createRevision > main) return false;
  return record.version === 1 ? record.createRevision === main : record.version > 1;
}
