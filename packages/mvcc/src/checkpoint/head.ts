/**
 * What a checkpoint says of itself: which store's it is, as of which revision, and how to know that the records are still those.
 *
 * IXH1  Witnesses are records of the newest revisions: a store that has lost its newest commits, or went another way from there, has others.
 *     Of the newest it is the last one, which no compaction removes that does not overtake the checkpoint; of each before it the
 *     first there is, which may be gone later.
 * IXH2  Without a single one nothing is saved: it could never be known again.
 *
 * The body of HEAD, as JSON: `{ format: 1, id, revision, compacted, witnesses: [[main, CRC of key and value, sub], …] }`, where a sub
 * of 0 is left out; that of LAST: `{ keys, leases }`.
 */
import { byteKey } from '@varve/base/order';
import { crc32c, type ConcurrentReadTx, type Entry, type ReadTx } from '@varve/backend';
import { keyBucket } from '../buckets.ts';
import { readSub, revisionBytes, tombstoneBytes } from '../revision-bytes.ts';
import { Unusable } from './blocks.ts';

export const FORMAT = 1;
const MOST_WITNESSES = 16;
const ROWS_AT_ONCE = 16;

export type Witness = readonly [main: number, crc: number, sub?: number];

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

/** Ends the transaction. */
export async function witnessesOf(tx: ConcurrentReadTx, revision: number): Promise<Witness[]> {
  const witnesses: Witness[] = [];
  try {
    for (let main = revision; main > Math.max(0, revision - MOST_WITNESSES); main--) {
      const witness = main === revision ? await lastOf(tx, main) : await firstOf(tx, main);
      if (witness !== undefined) witnesses.push(witness);
    }
  } finally {
    tx[Symbol.dispose]();
  }
  return witnesses;
}

async function firstOf(tx: ConcurrentReadTx, main: number): Promise<Witness | undefined> {
  const sum = sumOf(tx, main, 0);
  if (sum !== undefined) return [main, sum];
  for await (const [row] of rowsFrom(tx, main, 1, 1)) return witnessOf(main, row!);
  return undefined;
}

async function lastOf(tx: ConcurrentReadTx, main: number): Promise<Witness | undefined> {
  let last: Entry | undefined;
  for await (const rows of rowsFrom(tx, main, 0, ROWS_AT_ONCE)) last = rows.at(-1);
  return last && witnessOf(main, last);
}

function rowsFrom(tx: ConcurrentReadTx, main: number, sub: number, chunkSize: number): AsyncIterable<readonly Entry[]> {
  return tx.scan(keyBucket, { start: revisionBytes(main, sub), end: revisionBytes(main + 1, 0), chunkSize });
}

function witnessOf(main: number, row: Entry): Witness {
  const sub = readSub(row.key);
  return sub === 0 ? [main, sumOfRow(row)] : [main, sumOfRow(row), sub];
}

/**
 * Whether the records are those of the checkpoint.
 * @param compacted below and at which records may be missing
 * @throws Unusable
 */
export function checkWitnesses(tx: ReadTx, { witnesses }: CheckpointHead, compacted: number): void {
  let seen = 0;
  for (const [main, sum, sub = 0] of witnesses) {
    const found = sumOf(tx, main, sub);
    if (found === undefined && main > compacted) throw new Unusable(`the record of revision ${main} is not there`);
    if (found !== undefined && found !== sum) throw new Unusable(`revision ${main} has another record`);
    if (found !== undefined) seen++;
  }
  if (seen === 0) throw new Unusable('none of the records is left by which it could be known');
}

/** The sum over key and value of a record, a put or a deletion. */
function sumOf(tx: ReadTx, main: number, sub: number): number | undefined {
  for (const key of [revisionBytes(main, sub), tombstoneBytes(main, sub)]) {
    const value = tx.get(keyBucket, key);
    if (value !== undefined) return sumOfRow({ key, value });
  }
  return undefined;
}

function sumOfRow({ key, value }: Entry): number {
  return crc32c(value, crc32c(key));
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
