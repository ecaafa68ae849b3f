/**
 * What a checkpoint says of itself: which store's it is, as of which revision, and how to know that the records are still those.
 *
 * IXH1  Witnesses are the first records of the newest revisions, as many as are there: a store that has lost its newest commits, or
 *     went another way from there, has others. Compaction may remove some of them, but not all of those that are read.
 *
 * The body of HEAD, as JSON: `{ format: 1, id, revision, compacted, witnesses: [[main, CRC of key and value], …] }`; that of LAST:
 * `{ keys, leases }`.
 */
import { byteKey } from '@varve/base/order';
import { crc32c, type ReadTx } from '@varve/backend';
import { keyBucket } from '../buckets.ts';
import { revisionBytes, tombstoneBytes } from '../revision-bytes.ts';
import { Unusable } from './blocks.ts';

export const FORMAT = 1;
const MOST_WITNESSES = 16;

export type Witness = readonly [main: number, crc: number];

export interface CheckpointHead {
  readonly format: number;
  /** The store's (`Aside.id`). */
  readonly id: string;
  /** All changes up to here are in it, and none behind. */
  readonly revision: number;
  /** The compaction that the whole index had been through, 0 for none. */
  readonly compacted: number;
  readonly witnesses: readonly Witness[];
}

export interface CheckpointEnd {
  readonly keys: number;
  readonly leases: number;
}

export function witnessesOf(tx: ReadTx, revision: number): Witness[] {
  const witnesses: Witness[] = [];
  for (let main = revision; main > Math.max(0, revision - MOST_WITNESSES); main--) {
    const sum = sumOf(tx, main);
    if (sum !== undefined) witnesses.push([main, sum]);
  }
  return witnesses;
}

/**
 * Whether the records are those of the checkpoint.
 * @param compacted below and at which records may be missing
 * @throws Unusable
 */
export function checkWitnesses(tx: ReadTx, { witnesses }: CheckpointHead, compacted: number): void {
  let seen = 0;
  for (const [main, sum] of witnesses) {
    const found = sumOf(tx, main);
    if (found === undefined && main > compacted) throw new Unusable(`the record of revision ${main} is not there`);
    if (found !== undefined && found !== sum) throw new Unusable(`revision ${main} has another record`);
    if (found !== undefined) seen++;
  }
  if (seen === 0) throw new Unusable('none of the records is left by which it could be known');
}

/** The sum over key and value of a transaction's first record. */
function sumOf(tx: ReadTx, main: number): number | undefined {
  for (const key of [revisionBytes(main, 0), tombstoneBytes(main, 0)]) {
    const value = tx.get(keyBucket, key);
    if (value !== undefined) return crc32c(value, crc32c(key));
  }
  return undefined;
}

export function jsonBytes(value: CheckpointHead | CheckpointEnd): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** @throws Unusable */
export function readHead(body: Uint8Array): CheckpointHead {
  const head = parsed(body) as Partial<CheckpointHead>;
  if (head.format !== FORMAT)
    throw new Unusable(`it has format ${String(head.format)}, and this release reads ${FORMAT}`);
  const isWhole =
    typeof head.id === 'string' &&
    Number.isSafeInteger(head.revision) &&
    Number.isSafeInteger(head.compacted) &&
    Array.isArray(head.witnesses) &&
    head.witnesses.length <= MOST_WITNESSES;
  if (!isWhole) throw new Unusable('its head says nothing');
  return head as CheckpointHead;
}

/** @throws Unusable */
export function readEnd(body: Uint8Array): CheckpointEnd {
  return parsed(body) as CheckpointEnd;
}

function parsed(body: Uint8Array): object {
  try {
    return Object(JSON.parse(byteKey(body))) as object;
  } catch {
    throw new Unusable('what it says of itself cannot be read');
  }
}
