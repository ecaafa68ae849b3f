/**
 * What the last operation of every commit tells, and what LevelDB's own files must agree with (R67).
 *
 *   counter   commits since the store was made                            8 bytes, big endian
 *   rows      LevelDB operations of this commit, this last one left out   4
 *   sequence  LevelDB's sequence number of this very operation            8
 *
 * LevelDB numbers operations from 1 without gaps. So the sequence number that its MANIFEST and log end with must be
 * the one written here: if it is not, commits were lost or this is an old one.
 *
 * CR1  A commit that ends with a put to an append-only bucket has this behind that row's value (`rows.ts`, W4). Any
 *      other has a row of its own, `commit` in the system slot. The one with the greatest counter is the newest.
 * CR2  So a store that only appends gives LevelDB ascending keys and nothing else, and its tables never overlap: a row
 *      that every commit writes anew spans all keys from itself to the newest, and LevelDB merges every four tables.
 */

export interface CommitRow {
  readonly counter: number;
  readonly rows: number;
  readonly sequence: number;
}

export const COMMIT_KEY: Uint8Array = Buffer.from('commit');
export const COMMIT_BYTES = 20;
const scratch = new DataView(new ArrayBuffer(COMMIT_BYTES));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Valid until the next call. */
export function writeCommitRow({ counter, rows, sequence }: CommitRow): Uint8Array {
  writeNumber(scratch, 0, counter);
  scratch.setUint32(8, rows);
  writeNumber(scratch, 12, sequence);
  return scratchBytes;
}

/** `undefined` when the bytes are no commit row. */
export function readCommitRow(bytes: Uint8Array): CommitRow | undefined {
  if (bytes.length !== COMMIT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { counter: readNumber(view, 0), rows: view.getUint32(8), sequence: readNumber(view, 12) };
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}

function readNumber(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
