/**
 * The two buckets that belong to the store, and the keys of its rows in `meta`.
 *
 * etcd: server/storage/schema/schema.go (spec sections 3.1, 10.1, 13).
 */
import { byteKey } from '@varve/base/order';
import { buckets, isCopied, type Bucket } from '@varve/backend';

/** Records, by revision. */
export const keyBucket: Bucket = buckets.key;
export const metaBucket: Bucket = buckets.meta;

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The newest compaction that was accepted, as a 17-byte revision. */
export const scheduledCompactKey: Uint8Array = ascii('scheduledCompactRev');
/** The newest compaction that has removed everything it had to. */
export const finishedCompactKey: Uint8Array = ascii('finishedCompactRev');
export const consistentIndexKey: Uint8Array = ascii('consistent_index');
export const termKey: Uint8Array = ascii('term');

const unhashed = new Set(['consistent_index', 'term', 'storageVersion']);

/** Rows that differ between stores of one history, left out of the whole-backend hash (spec 12.6). */
export function ignoredByHash(bucket: string, key: Uint8Array): boolean {
  return !isCopied(bucket) || (bucket === metaBucket.name && unhashed.has(byteKey(key)));
}
