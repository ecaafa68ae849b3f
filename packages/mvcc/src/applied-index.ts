/**
 * The applied index: up to which entry of a log above the store its contents go.
 *
 * AI1  Its rows change in the section, and so in the commit, of what the entry changed (row M92).
 * AI2  It never goes back, and 0 is never written: it means "not known".
 *
 * etcd: server/etcdserver/cindex/cindex.go (spec section 13, rows M92 to M94). Departs: no hook before commits; the
 * section that applies an entry names it.
 */
import type { BatchTx, ReadTx } from '@varve/backend';
import { byteKey } from '@varve/base/order';
import { consistentIndexKey, metaBucket, termKey } from './buckets.ts';
import { MvccError } from './errors.ts';

export interface AppliedIndex {
  readonly index: bigint;
  readonly term: bigint;
}

function read(tx: ReadTx, key: Uint8Array): bigint {
  const row = tx.get(metaBucket, key);
  if (row === undefined) return 0n;
  if (row.length !== 8) {
    throw new MvccError('MVCC_CORRUPT', `the row ${byteKey(key)} has ${row.length} bytes and not 8`);
  }
  return new DataView(row.buffer, row.byteOffset, 8).getBigUint64(0);
}

function bytes(value: bigint): Uint8Array {
  const row = new Uint8Array(8);
  new DataView(row.buffer).setBigUint64(0, value);
  return row;
}

export function readAppliedIndex(tx: ReadTx): AppliedIndex {
  return { index: read(tx, consistentIndexKey), term: read(tx, termKey) };
}

export function writeAppliedIndex(tx: BatchTx, applied: AppliedIndex): void {
  tx.put(metaBucket, consistentIndexKey, bytes(applied.index));
  tx.put(metaBucket, termKey, bytes(applied.term));
}

/** @throws RangeError for anything but an unsigned 64-bit number */
export function checkUint64(value: bigint, field: string): void {
  if (typeof value !== 'bigint' || value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new RangeError(`${field} must be an unsigned 64-bit bigint`);
  }
}
