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
import { hexOf } from '@varve/base/hex';
import { VarintReader, writeInt64, writeVarint } from '@varve/base/varint';
import { LeaseError } from './errors.ts';

/** Seconds. */
export interface LeaseRow {
  readonly id: bigint;
  readonly ttl: number;
  /** As last checkpointed, 0 for none. */
  readonly remaining: number;
}

const KEY_BYTES = 8;
const ID = 0x08;
const TTL = 0x10;
const REMAINING = 0x18;
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
  if (id !== 0n) end = writeInt64(value, tagged(end, ID), id);
  if (ttl !== 0) end = writeVarint(value, tagged(end, TTL), ttl);
  if (remaining !== 0) end = writeVarint(value, tagged(end, REMAINING), remaining);
  return value.subarray(0, end);
}

/** @throws LeaseError `LEASE_CORRUPT` */
export function readLease(rowKey: Uint8Array, rowValue: Uint8Array): LeaseRow {
  const reader = new VarintReader(() => corrupt(rowKey));
  reader.bytes = rowValue;
  let id = 0n;
  let ttl = 0n;
  let remaining = 0n;
  while (reader.at < rowValue.length) {
    const tag = reader.number();
    if (tag === ID) id = reader.int64();
    else if (tag === TTL) ttl = reader.int64();
    else if (tag === REMAINING) remaining = reader.int64();
    else reader.skip(tag % 8);
  }
  if (rowKey.length !== KEY_BYTES || id === 0n) throw corrupt(rowKey);
  if (new DataView(rowKey.buffer, rowKey.byteOffset, KEY_BYTES).getBigInt64(0) !== id) throw corrupt(rowKey);
  return { id, ttl: seconds(ttl), remaining: Math.max(0, seconds(remaining)) };
}

/** Writes the tag; returns where its number goes. */
function tagged(at: number, tag: number): number {
  value[at] = tag;
  return at + 1;
}

/** What a double cannot hold is no time that anybody granted; it stays as long as it can. */
function seconds(number: bigint): number {
  if (number > MAX_SAFE) return Number.MAX_SAFE_INTEGER;
  return number < -MAX_SAFE ? -Number.MAX_SAFE_INTEGER : Number(number);
}

function corrupt(rowKey: Uint8Array): LeaseError {
  const name = hexOf(rowKey.subarray(0, 32));
  return new LeaseError(
    'LEASE_CORRUPT',
    `the row ${name} of the bucket lease is no lease; restore the store from a backup`,
  );
}
