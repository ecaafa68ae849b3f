/**
 * The row that ends every commit, and tells what LevelDB's own files must agree with (R67).
 *
 *   counter   commits since the store was made                      8 bytes, big endian
 *   rows      LevelDB operations of this commit, this row left out  4
 *   sequence  LevelDB's sequence number of this very row            8
 *
 * LevelDB numbers operations from 1 without gaps, and this row is always the last one. So the sequence number that its
 * MANIFEST and log end with must be the one written here: if it is not, commits were lost or this row is an old one.
 */

export interface CommitRow {
  readonly counter: number;
  readonly rows: number;
  readonly sequence: number;
}

export const COMMIT_KEY: Uint8Array = Buffer.from('commit');
const COMMIT_BYTES = 20;
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
