/**
 * A key as the index alone knows it: revisions and version, and no record is read.
 *
 * KOY1  A revision whose record contradicts its place is not answered from the index either (R45).
 */
import type { IndexEntry, RevisionSet } from '@varve/index';
import { MvccError } from './errors.ts';
import { NO_BYTES } from './key-value.ts';
import { name, printKey } from './record-order.ts';
import type { KeyValue } from './store.ts';

/** @param damaged `History.damaged` @param key becomes that of the answer @throws MvccError `MVCC_CORRUPT` */
export function keyOnly(damaged: RevisionSet, key: Uint8Array, entry: IndexEntry): KeyValue {
  const { main, sub, createdMain, version } = entry;
  if (damaged.size > 0 && damaged.has(main, sub)) {
    const place = name(main, sub);
    throw new MvccError('MVCC_CORRUPT', `the record of revision ${place}, key ${printKey(key)}, is damaged`);
  }
  return { key, value: NO_BYTES, createRevision: createdMain, modRevision: main, version, lease: 0n };
}
