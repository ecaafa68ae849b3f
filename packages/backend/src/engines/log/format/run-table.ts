/**
 * Runs as bytes, in footers and images: for each
 *
 *    0  4  bucket       4  4  rows       8  4  1 if keys are revisions, 2 if they stand here, +4 for offsets of eight bytes
 *   12  4  bytes of keys that stand here      16  8  main of the first one
 *   24  .. of each row: delta, sub (revisions only), length and mark, offset; (keys only) where each key begins, and the end; keys
 *
 * each column by itself, all numbers with the least byte first. A run begins at a multiple of eight.
 */
import { endianness } from 'node:os';
import type { LiveFile } from '../files/live-file.ts';
import { PlainKeys } from '../rows/plain-keys.ts';
import { Run } from '../rows/run.ts';
import { aligned, getWide, setWide, viewOf } from './seed.ts';

const RUN_HEAD = 24;
const REVISIONS = 1;
const KEYS = 2;
const WIDE = 4;

/** A run as far as one version knows it. */
export interface KnownRun {
  readonly run: Run;
  readonly rowN: number;
}

/**
 * As views of the columns, where the machine has its numbers in this order: what a run has does not change, and what it becomes later
 * lies behind, or in other arrays.
 */
export function writeRuns(runs: readonly KnownRun[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const { run, rowN } of runs) {
    const { plain } = run;
    const isWide = run.offsets instanceof Float64Array;
    const keyBytes = plain?.starts[rowN] ?? 0;
    const head = new Uint8Array(RUN_HEAD);
    const view = viewOf(head);
    view.setUint32(0, run.bucket, true);
    view.setUint32(4, rowN, true);
    view.setUint32(8, (plain === undefined ? REVISIONS : KEYS) + (isWide ? WIDE : 0), true);
    view.setUint32(12, keyBytes, true);
    setWide(view, 16, run.base);
    const parts: Uint8Array[] = [head];
    if (plain === undefined) parts.push(bytesOf(run.deltas, rowN), bytesOf(run.subs, rowN));
    parts.push(bytesOf(run.lengths, rowN), bytesOf(run.offsets, rowN));
    if (plain !== undefined) parts.push(bytesOf(plain.starts, rowN + 1), plain.bytes.subarray(0, keyBytes));
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const padding = aligned(length) - length;
    if (padding > 0) parts.push(new Uint8Array(padding));
    pieces.push(...parts);
  }
  return pieces;
}

/**
 * Runs over these bytes, which are theirs from now on: columns are views of them where the machine has its numbers in this order.
 * @returns `undefined` where the bytes are none of these @param file in which the rows lie
 */
export function readRuns(bytes: Uint8Array, file: LiveFile): Run[] | undefined {
  const runs: Run[] = [];
  const view = viewOf(bytes);
  let at = 0;
  while (at < bytes.length) {
    if (at + RUN_HEAD > bytes.length) return undefined;
    const rowN = view.getUint32(at + 4, true);
    const kind = view.getUint32(at + 8, true);
    const keyBytes = view.getUint32(at + 12, true);
    const isWide = (kind & WIDE) !== 0;
    const isPlain = (kind & ~WIDE) === KEYS;
    if (!isPlain && (kind & ~WIDE) !== REVISIONS) return undefined;
    const length = rowN * (4 + (isWide ? 8 : 4)) + (isPlain ? 4 * (rowN + 1) + keyBytes : 8 * rowN);
    if (rowN === 0 || at + RUN_HEAD + length > bytes.length) return undefined;
    const run = new Run(file, view.getUint32(at, true), 0);
    run.rowN = rowN;
    run.base = getWide(view, at + 16);
    at += RUN_HEAD;
    const words = (count: number): Uint32Array => {
      const column = columnOf(bytes, at, count, 4);
      at += column.length;
      return new Uint32Array(column.buffer, column.byteOffset, count);
    };
    if (!isPlain) {
      run.deltas = words(rowN);
      run.subs = words(rowN);
    }
    run.lengths = words(rowN);
    if (isWide) {
      const column = columnOf(bytes, at, rowN, 8);
      run.offsets = new Float64Array(column.buffer, column.byteOffset, rowN);
      at += column.length;
    } else {
      run.offsets = words(rowN);
    }
    if (isPlain) {
      const starts = words(rowN + 1);
      run.plain = new PlainKeys(bytes.slice(at, at + keyBytes), starts);
      run.deltas = run.subs = new Uint32Array(0);
      at += keyBytes;
    }
    at = aligned(at);
    runs.push(run);
  }
  return runs;
}

const isSwapped = endianness() === 'BE';

/** The first numbers of an array as bytes with the least first. */
function bytesOf(numbers: Uint32Array | Float64Array, count: number): Uint8Array {
  const size = numbers.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, count * size);
  return isSwapped ? ownBytes(bytes, 0, bytes.length, size) : bytes;
}

/** So many numbers of `size` bytes, for an array of them: a copy where it cannot lie over these. */
function columnOf(bytes: Uint8Array, at: number, count: number, size: number): Uint8Array {
  const isInPlace = !isSwapped && (bytes.byteOffset + at) % size === 0;
  return isInPlace ? bytes.subarray(at, at + count * size) : ownBytes(bytes, at, count * size, size);
}

/** A copy, turned round where the machine has its numbers the other way. */
function ownBytes(bytes: Uint8Array, at: number, length: number, size: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(at, at + length));
  if (isSwapped) for (let i = 0; i < length; i += size) copy.subarray(i, i + size).reverse();
  return copy;
}
