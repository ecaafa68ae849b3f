/**
 * Keys with their leases as bytes: for each, the length of the key as a varint, the key, the lease in eight bytes, the least first.
 */
import { byteKeyOf } from '@varve/base/order';
import { VarintReader, writeVarint } from '@varve/base/varint';
import type { LeaseAttachment } from '../store.ts';
import { Unusable } from './blocks.ts';

const LEASE_BYTES = 8;
const LONGEST_NUMBER = 8;

export function leaseBytes({ key, lease }: LeaseAttachment): Uint8Array {
  const bytes = new Uint8Array(LONGEST_NUMBER + key.length + LEASE_BYTES);
  const at = writeVarint(bytes, 0, key.length);
  bytes.set(key, at);
  new DataView(bytes.buffer).setBigInt64(at + key.length, lease, true);
  return bytes.subarray(0, at + key.length + LEASE_BYTES);
}

/** Adds what a block holds, by key, as latin1. @throws Unusable */
export function readLeases(body: Uint8Array, into: Map<string, bigint>): void {
  const reader = new VarintReader((problem) => new Unusable(`its leases: ${problem}`));
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  reader.bytes = body;
  while (reader.at < body.length) {
    const end = reader.skipBytes();
    if (end + LEASE_BYTES > body.length) throw new Unusable('its leases are cut off');
    into.set(byteKeyOf(body, end - reader.length, end), view.getBigInt64(end, true));
    reader.at = end + LEASE_BYTES;
  }
}
