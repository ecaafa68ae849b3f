/**
 * Scans of one state.
 *
 * LGSC1  Rows of files are read ahead in blocks of up to a mebibyte, through the pool where that is much; rows that are deleted
 *     between them are read too, as long as they are few. Each row is checked as a point read checks it (LGRR1).
 * LGSC2  The event loop turns between blocks.
 * LGSC3  A scan whose rows are lent reads all blocks into the same memory: what lies outside of the heap hurries the collector, and its
 *     pauses are everybody's. What it has given of one block is handed on before the next one is read.
 */
import { Slice } from '@varve/base/pace';
import { newBlock } from '@varve/base/block';
import type { Entry, ScanOptions } from '../../../contract/engine.ts';
import { BackendError } from '../../../contract/errors.ts';
import type { ResidentTree } from '../../../resident/resident-tree.ts';
import { corruptError } from '../failure.ts';
import type { LiveFile, OpenFiles } from '../files/live-file.ts';
import { ROW_HEAD } from '../format/frame.ts';
import type { LoggedRows } from '../rows/logged-rows.ts';
import { Probe } from '../rows/probe.ts';
import type { BucketState } from '../state/state.ts';
import { valueOf } from './row-reader.ts';
import { summedRow } from './summed-row.ts';

const LARGEST_READ = 1 << 20;
const LARGEST_GAP = 1 << 16;
/** Up to so many bytes are read in this tick. */
const SMALL_READ = 1 << 15;
/** Rows between two looks at the clock. */
const STRIDE = 64;

/** @param checkOpen throws once nothing may be read any more */
export async function* scanBucket(
  bucket: BucketState | undefined,
  options: ScanOptions,
  files: OpenFiles,
  checkOpen: () => void,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const { chunkSize = 256, signal } = options;
  signal?.throwIfAborted();
  checkOpen();
  if (bucket === undefined) return;
  let chunk: Entry[] = [];
  const rows = bucket.appendOnly
    ? scanFiles(bucket.rows, options, files, checkOpen)
    : scanTree(bucket.rows, options, files);
  for await (const some of rows) {
    if (some.length === 0 && chunk.length > 0) {
      yield chunk;
      chunk = [];
    }
    // By index: an iterator's result for each row is as much garbage as the row.
    for (let i = 0; i < some.length; i += 1) {
      chunk.push(some[i]!);
      if (chunk.length < chunkSize) continue;
      yield chunk;
      signal?.throwIfAborted();
      checkOpen();
      chunk = [];
    }
    signal?.throwIfAborted();
    checkOpen();
  }
  if (chunk.length > 0) yield chunk;
}

async function* scanTree(
  rows: ResidentTree,
  { start, end }: ScanOptions,
  files: OpenFiles,
): AsyncGenerator<Entry[], void, undefined> {
  const slice = new Slice(files.clock);
  let some: Entry[] = [];
  for (const row of rows.scan(start, end)) {
    some.push(row);
    if (some.length < STRIDE) continue;
    yield some;
    some = [];
    if (slice.over) await slice.turn();
  }
  yield some;
}

/** An empty array says that rows given before are about to be overwritten (LGSC3). */
async function* scanFiles(
  rows: LoggedRows,
  { start, end, lent, sums }: ScanOptions,
  files: OpenFiles,
  checkOpen: () => void,
): AsyncGenerator<Entry[], void, undefined> {
  const first = start === undefined ? undefined : new Probe().set(start);
  const last = end === undefined ? undefined : new Probe().set(end);
  const slice = new Slice(files.clock);
  let memory: Uint8Array = new Uint8Array(0);
  for (const view of rows.views) {
    const { run, rowN } = view;
    if (last !== undefined && run.compare(0, last) >= 0) return;
    if (first !== undefined && run.compare(rowN - 1, first) < 0) continue;
    const to = last === undefined ? rowN : run.lowerBound(last, rowN);
    let index = first === undefined ? 0 : run.lowerBound(first, rowN);
    while (index < to) {
      while (index < to && !view.isLive(index)) index += 1;
      if (index === to) break;
      const from = run.offset(index);
      let readEnd = from + run.rowLength(index);
      let next = index + 1;
      let lastLive = index;
      for (; next < to; next += 1) {
        if (!view.isLive(next)) continue;
        const at = run.offset(next);
        const rowEnd = at + run.rowLength(next);
        if (at - readEnd > LARGEST_GAP || rowEnd - from > LARGEST_READ) break;
        readEnd = rowEnd;
        lastLive = next;
      }
      const length = readEnd - from;
      if (lent !== true || memory.length < length) {
        memory = newBlock(lent === true ? Math.max(length, Math.min(2 * memory.length, LARGEST_READ)) : length);
      } else {
        yield [];
      }
      const bytes = memory.length === length ? memory : memory.subarray(0, length);
      await readInto(files, run.file, bytes, from);
      checkOpen();
      const words = new DataView(bytes.buffer, bytes.byteOffset, length);
      let some: Entry[] = [];
      for (; index <= lastLive; index += 1) {
        if (!view.isLive(index)) continue;
        const place = run.offset(index);
        if (sums === true) {
          some.push(summedRow(bytes, words, place - from, run, index, place));
        } else {
          const value = valueOf(bytes, place - from, run, index, place, undefined, words);
          const keyAt = bytes.byteOffset + place - from + ROW_HEAD;
          some.push({ key: new Uint8Array(bytes.buffer, keyAt, run.keyLength(index)), value });
        }
        if (some.length < STRIDE) continue;
        yield some;
        some = [];
        if (slice.over) await slice.turn();
      }
      if (some.length > 0) yield some;
    }
  }
}

/** Fills `bytes`. @throws BackendError `BACKEND_FAILED`, `BACKEND_CORRUPT` */
export async function readInto(files: OpenFiles, file: LiveFile, bytes: Uint8Array, from: number): Promise<void> {
  const { length } = bytes;
  let read: number;
  try {
    const handle = files.of(file);
    read = length <= SMALL_READ ? handle.read(bytes, 0, length, from) : await handle.readLater(bytes, from);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BackendError('BACKEND_FAILED', `${file.path} cannot be read: ${reason}`, { cause, path: file.path });
  }
  if (read < length) throw corruptError(file.path, `it ends at ${from + read}, within a row`);
}
