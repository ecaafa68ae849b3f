/**
 * A lease on the medium: a row of etcd's `lease` bucket, byte for byte.
 *
 *   key    8 bytes, the id, big-endian two's complement
 *   value  protobuf leasepb.Lease { ID: int64 = 1, TTL: int64 = 2, RemainingTTL: int64 = 3 }, zero fields left out
 *
 * LRW1  Whatever etcd wrote can be read, fields of later versions included, and what is written is what etcd writes.
 *
 * etcd: server/lease/leasepb, server/storage/schema/lease.go (spec lease.md section 6.1).
 */
import { LeaseError } from './errors.ts';

/** Seconds. */
export interface LeaseRow {
  readonly id: bigint;
  readonly ttl: number;
  /** As last checkpointed, 0 for none. */
  readonly remaining: number;
}

const KEY_BYTES = 8;
/** Three tags, an id of ten bytes, two numbers of eight. */
const MOST_BYTES = 3 + 10 + 8 + 8;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

// Reused for every row: the backend copies what is put.
const key = new Uint8Array(KEY_BYTES);
const keyView = new DataView(key.buffer);
const value = new Uint8Array(MOST_BYTES);

/** Good until the next call. */
export function leaseKey(id: bigint): Uint8Array {
  keyView.setBigInt64(0, id);
  return key;
}

/** Good until the next call. */
export function leaseValue({ id, ttl, remaining }: LeaseRow): Uint8Array {
  let end = 0;
  if (id !== 0n) end = writeId(end, id);
  if (ttl !== 0) end = writeNumber(end, 0x10, ttl);
  if (remaining !== 0) end = writeNumber(end, 0x18, remaining);
  return value.subarray(0, end);
}

/** @throws LeaseError `LEASE_CORRUPT` */
export function readLease(rowKey: Uint8Array, rowValue: Uint8Array): LeaseRow {
  const reader = new Reader(rowKey, rowValue);
  let id = 0n;
  let ttl = 0n;
  let remaining = 0n;
  while (!reader.ended) {
    const tag = Number(reader.varint());
    if (tag === 0x08) id = reader.varint();
    else if (tag === 0x10) ttl = reader.varint();
    else if (tag === 0x18) remaining = reader.varint();
    else reader.skip(tag & 7);
  }
  if (rowKey.length !== KEY_BYTES || id === 0n) throw reader.corrupt();
  if (new DataView(rowKey.buffer, rowKey.byteOffset, KEY_BYTES).getBigInt64(0) !== id) throw reader.corrupt();
  return { id, ttl: seconds(ttl), remaining: Math.max(0, seconds(remaining)) };
}

function writeId(at: number, id: bigint): number {
  let end = at;
  value[end++] = 0x08;
  for (let rest = BigInt.asUintN(64, id); ; rest >>= 7n) {
    if (rest <= 0x7fn) {
      value[end++] = Number(rest);
      return end;
    }
    value[end++] = Number(rest & 0x7fn) | 0x80;
  }
}

/** @param number a whole one, not negative */
function writeNumber(at: number, tag: number, number: number): number {
  let end = at;
  value[end++] = tag;
  let rest = number;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) value[end++] = (rest % 128) | 0x80;
  value[end++] = rest;
  return end;
}

/** What a double cannot hold is no time that anybody granted; it stays as long as it can. */
function seconds(number: bigint): number {
  if (number > MAX_SAFE) return Number.MAX_SAFE_INTEGER;
  return number < -MAX_SAFE ? -Number.MAX_SAFE_INTEGER : Number(number);
}

class Reader {
  readonly #key: Uint8Array;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(rowKey: Uint8Array, bytes: Uint8Array) {
    this.#key = rowKey;
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let number = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw this.corrupt();
      number |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, number);
    }
    throw this.corrupt();
  }

  skip(wireType: number): void {
    let length = 0;
    if (wireType === 0) this.varint();
    else if (wireType === 1) length = 8;
    else if (wireType === 2) length = Number(BigInt.asUintN(53, this.varint()));
    else if (wireType === 5) length = 4;
    else throw this.corrupt();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw this.corrupt();
  }

  corrupt(): LeaseError {
    const name = Buffer.from(this.#key.subarray(0, 32)).toString('hex');
    return new LeaseError(
      'LEASE_CORRUPT',
      `the row ${name} of the bucket lease is no lease; restore the store from a backup`,
    );
  }
}
