/**
 * Whose file it is: ours, etcd's, or somebody's own.
 *
 * WHO1  Ours has a mark in the sequence of the root bucket, which every tool keeps and none uses. The first commit sets it, and
 *       every snapshot of a store has it. What rows such a file has is its store's business.
 * WHO2  Without the mark a file is a store if it looks like etcd's: rows of `key` are revisions with records behind them, rows
 *       of `meta` that etcd knows have etcd's form. Names of buckets alone prove nothing (R37), and buckets of other versions
 *       of etcd disprove nothing.
 * WHO3  A few rows are looked at: the first and the last of a bucket, and the known ones. Nothing is changed.
 *
 * etcd: server/storage/schema (the buckets, the rows of `meta`), server/storage/mvcc/revision.go.
 */
import type { Bolt, Cursor, ReadBucket, ReadTransaction } from '@varve/bolt';
import { buckets, knownBucket } from '../../contract/bucket.ts';
import { nameText } from './bucket-name.ts';
import { isRecord } from './record-look.ts';

/** `varvekvs`, in ASCII. */
export const storeMark = 0x7661_7276_656b_7673n;

const revisionLength = 17;
const separator = 0x5f;
/** The upper 32 bits of a number above 2^53 - 1. */
const tooHigh = 0x20_0000;

/** Rows of `meta` that etcd writes, each with the look of its value. */
const metaRows: Readonly<Record<string, (value: Uint8Array) => boolean>> = {
  consistent_index: (value) => value.length === 8,
  term: (value) => value.length === 8,
  scheduledCompactRev: (value) => value.length === revisionLength && isRevision(value),
  finishedCompactRev: (value) => value.length === revisionLength && isRevision(value),
  confState: (value) => value[0] === 0x7b,
  storageVersion: (value) => /^\d+\.\d+\.\d+/.test(nameText(value)),
};
/** etcd makes them before it writes anything else. */
const membership: readonly string[] = [buckets.cluster.name, buckets.members.name, buckets.membersRemoved.name];

/** Why the file is somebody's own, as the end of a sentence; `undefined` for a store, or for a file without a bucket. */
export function foreignBecause(bolt: Bolt): string | undefined {
  const tx = bolt.read();
  try {
    return tx.root.sequence === storeMark ? undefined : unlikeEtcd(tx);
  } finally {
    tx.end();
  }
}

function unlikeEtcd(tx: ReadTransaction): string | undefined {
  const names: string[] = [];
  const cursor = tx.root.cursor();
  for (let more = cursor.first(); more; more = cursor.next()) {
    if (!cursor.isBucket) return 'it has rows outside of buckets';
    names.push(nameText(cursor.key));
  }
  if (names.length === 0) return undefined;
  const key = tx.bucket(buckets.key.name);
  const meta = tx.bucket(buckets.meta.name);
  if (key === undefined && meta === undefined) return 'it has buckets, but none of a store';
  const wrong = wrongKeys(key) ?? wrongMeta(meta);
  if (wrong !== undefined) return wrong;
  const isNamedAsEtcds = names.every((name) => knownBucket(name) !== undefined);
  if (key === undefined && !isNamedAsEtcds) return 'it has no bucket of records, and buckets that no store has';
  const hasMembers = membership.every((name) => names.includes(name));
  // Etcd makes the bucket of records together with that of `meta`, or after it, and writes no row before the members' buckets.
  if (isFilled(key) || (knownRows(meta).length > 0 && (key !== undefined || hasMembers))) return undefined;
  const isEtcdsBeforeAnyWrite =
    meta !== undefined && !isFilled(meta) && (hasMembers || names.every((name) => !isFilled(tx.bucket(name))));
  return isNamedAsEtcds && isEtcdsBeforeAnyWrite ? undefined : 'nothing in it is a row of a store';
}

/** The ends of the bucket of records; a whole bucket of another kind has other ones. */
function wrongKeys(key: ReadBucket | undefined): string | undefined {
  const cursor = key?.cursor();
  if (cursor === undefined || !cursor.first()) return undefined;
  const first = rowLook(cursor);
  cursor.last();
  const last = rowLook(cursor);
  if (first === 'other' || last === 'other') return 'the keys in its bucket "key" are no revisions';
  // One of two: a damaged record is told by who reads it, as damage.
  return first === 'record' || last === 'record' ? undefined : 'the values in its bucket "key" are no records';
}

function rowLook(cursor: Cursor): 'record' | 'revision' | 'other' {
  if (cursor.isBucket) return 'other';
  const { key, value } = cursor;
  const isOurs = key.length === revisionLength || key.length === revisionLength + 1;
  if (!isOurs || !isRevision(key)) return 'other';
  return isRecord(value ?? key) ? 'record' : 'revision';
}

function wrongMeta(meta: ReadBucket | undefined): string | undefined {
  const cursor = meta?.cursor();
  if (cursor === undefined || !cursor.first()) return undefined;
  const hasBuckets = cursor.isBucket || (cursor.last() && cursor.isBucket);
  if (hasBuckets) return 'its bucket "meta" has buckets in it';
  const wrong = knownRows(meta).find(([name, value]) => metaRows[name]?.(value) !== true);
  return wrong === undefined ? undefined : `the row "${wrong[0]}" in its bucket "meta" is none of a store`;
}

function knownRows(meta: ReadBucket | undefined): readonly (readonly [name: string, value: Uint8Array])[] {
  return Object.keys(metaRows).flatMap((name) => {
    const value = meta?.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
}

function isFilled(bucket: ReadBucket | undefined): boolean {
  return bucket?.cursor().first() === true;
}

/** Two numbers of 8 bytes with `_` between them. */
function isRevision(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes[8] === separator && view.getUint32(0) < tooHigh && view.getUint32(9) < tooHigh;
}
