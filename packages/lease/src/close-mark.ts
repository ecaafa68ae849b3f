/**
 * How long each lease still had when the store was closed, so that the time in between can be taken off when it opens.
 *
 *   00000000       version (1), time of the closing: a double, milliseconds since 1970; applied index (8 bytes)
 *   00000001 ...   leases: id (8 bytes), time left (a double, milliseconds), one after another
 *
 * CLM1  The first row makes it valid, and is written with or after all others.
 * CLM2  It lies in a bucket of its own, which etcd does not know and does not look at: rows of leases stay etcd's.
 * CLM3  Gone before the lessor answers anybody, since from then on leases may be renewed. A store that was not closed has none.
 * CLM4  An etcd that has had the data in between has applied its log to them, and may have renewed what it likes: the applied index tells.
 */
import type { Bucket, Rows, RowsTx } from '@varve/mvcc';

export const markBucket: Bucket = Object.freeze({ id: 200, name: 'varve_lease_close', appendOnly: false });

const VERSION = 1;
const HEAD_BYTES = 17;
const LEASE_BYTES = 16;
/** Leases a row: 64 KiB. */
export const MARK_LEASES = 4096;

export class MarkWriter {
  readonly #bytes = new Uint8Array(MARK_LEASES * LEASE_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #leases = 0;
  #rows = 0;

  /** Whether a row is full and has to be put. */
  get full(): boolean {
    return this.#leases === MARK_LEASES;
  }

  add(id: bigint, leftMs: number): void {
    const at = LEASE_BYTES * this.#leases++;
    this.#view.setBigInt64(at, id);
    this.#view.setFloat64(at + 8, leftMs);
  }

  /** Puts what was added since the last call. */
  putRow(rows: RowsTx): void {
    if (this.#rows === 0) rows.createBucket(markBucket);
    rows.put(markBucket, rowKey(++this.#rows), this.#bytes.subarray(0, LEASE_BYTES * this.#leases));
    this.#leases = 0;
  }

  /** Makes it valid. @param unixMs the time from which on the leases have what is left */
  putHead(rows: RowsTx, unixMs: number, appliedIndex: bigint): void {
    const head = new DataView(new ArrayBuffer(HEAD_BYTES));
    head.setUint8(0, VERSION);
    head.setFloat64(1, unixMs);
    head.setBigUint64(9, appliedIndex);
    rows.put(markBucket, rowKey(0), new Uint8Array(head.buffer));
  }
}

/**
 * When the store was closed, in milliseconds since 1970; `undefined` where it was not, where nobody wrote it down, and where a log was
 * applied to its data since.
 */
export function readHead(rows: Rows, appliedIndex: bigint): number | undefined {
  const head = rows.get(markBucket, rowKey(0));
  if (head?.length !== HEAD_BYTES || head[0] !== VERSION) return undefined;
  const view = new DataView(head.buffer, head.byteOffset);
  const unixMs = view.getFloat64(1);
  return Number.isFinite(unixMs) && view.getBigUint64(9) === appliedIndex ? unixMs : undefined;
}

/** All leases of the mark, in chunks. */
export async function* readLeases(rows: Rows): AsyncGenerator<Iterable<readonly [id: bigint, leftMs: number]>> {
  for await (const entries of rows.scan(markBucket, { start: rowKey(1), chunkSize: 1 })) {
    for (const { value } of entries) yield leasesOf(value);
  }
}

export async function hasMark(rows: Rows): Promise<boolean> {
  for await (const _ of rows.scan(markBucket, { chunkSize: 1 })) return true;
  return false;
}

function* leasesOf(row: Uint8Array): Generator<readonly [id: bigint, leftMs: number], void, void> {
  const view = new DataView(row.buffer, row.byteOffset, row.length);
  for (let at = 0; at + LEASE_BYTES <= row.length; at += LEASE_BYTES) {
    yield [view.getBigInt64(at), view.getFloat64(at + 8)];
  }
}

function rowKey(number: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}
