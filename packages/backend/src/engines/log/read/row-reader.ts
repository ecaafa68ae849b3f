/**
 * Reads rows out of files: one `pread` of exactly the row, or out of a block that was read for the row before.
 *
 * LGRR1  A row's checksum is checked whenever it is read, and its bucket, key and lengths are compared with what was looked for:
 *     what is given out is what was put.
 * LGRR2  Who asks for a row's neighbour next gets a block of them, read at once: a hundred neighbours cost two reads of one.
 * LGRR3  What was written last is read where it lies in memory (`recent-blocks.ts`).
 * LGRR4  What is given out is a view of a block of at most 64 KiB, or of what was read for it alone. Nobody writes to it.
 */
import { BackendError } from '../../../contract/errors.ts';
import { corruptError } from '../failure.ts';
import type { LiveFile, OpenFiles } from '../files/live-file.ts';
import { isPutHead, isRow, PUT, readRowHead, ROW_HEAD } from '../format/frame.ts';
import type { Probe } from '../rows/probe.ts';
import type { Run } from '../rows/run.ts';
import type { RunView } from '../rows/run-view.ts';

const SLAB = 1 << 16;
/** Rows longer than this have bytes of their own. */
const LONG = SLAB / 4;
/** So many neighbours in a row, and the next ones are read with them. */
const STREAK = 3;

interface Block {
  readonly file: LiveFile;
  readonly from: number;
  readonly bytes: Uint8Array;
}

export class RowReader {
  readonly #files: OpenFiles;
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;
  #lastRun: Run | undefined;
  #lastIndex = -1;
  #streak = 0;
  #block: Block | undefined;

  constructor(files: OpenFiles) {
    this.#files = files;
  }

  /**
   * The value of a row. Same tick.
   * @throws BackendError `BACKEND_CORRUPT` for a row that is not the one that was put, `BACKEND_FAILED` where it cannot be read
   */
  value(view: RunView, index: number, key: Probe): Uint8Array {
    const { run } = view;
    const { file } = run;
    const place = run.offset(index);
    const length = run.rowLength(index);
    this.#streak = run === this.#lastRun && index === this.#lastIndex + 1 ? this.#streak + 1 : 0;
    this.#lastRun = run;
    this.#lastIndex = index;
    const recent = this.#files.recent.find(file, place, length);
    if (recent !== undefined) {
      const at = place - recent.place;
      if (problemOf(recent.bytes, at, run, index, place, key) === undefined) {
        this.#files.recent.gave(recent);
        return valueIn(recent.bytes, at, run, index);
      }
    }
    const block = this.#block;
    if (block !== undefined && block.file === file && place >= block.from) {
      const at = place - block.from;
      if (at + length <= block.bytes.length) return valueOf(block.bytes, at, run, index, place, key);
    }
    if (this.#streak >= STREAK && length <= LONG) {
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(SLAB).buffer);
      const read = readSome(this.#files, file, bytes, 0, Math.min(SLAB, file.end - place), place);
      this.#block = { file, from: place, bytes: bytes.subarray(0, read) };
      if (read < length) throw corruptError(file.path, `it ends within the row at ${place}`);
      return valueOf(bytes, 0, run, index, place, key);
    }
    if (length > LONG) {
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      readAll(this.#files, file, bytes, 0, length, place);
      return valueOf(bytes, 0, run, index, place, key);
    }
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Buffer.allocUnsafeSlow(SLAB).buffer);
      this.#used = 0;
    }
    const at = this.#used;
    readAll(this.#files, file, this.#slab, at, length, place);
    this.#used = at + length;
    return valueOf(this.#slab, at, run, index, place, key);
  }
}

/**
 * Fills `into` from `at` on with so many bytes of the file. Same tick.
 * @throws BackendError `BACKEND_FAILED`, and `BACKEND_CORRUPT` where the file ends before
 */
export function readAll(
  files: OpenFiles,
  file: LiveFile,
  into: Uint8Array,
  at: number,
  length: number,
  place: number,
): void {
  if (readSome(files, file, into, at, length, place) < length) {
    throw corruptError(file.path, `it ends within the row at ${place}`);
  }
}

function readSome(
  files: OpenFiles,
  file: LiveFile,
  into: Uint8Array,
  at: number,
  length: number,
  place: number,
): number {
  try {
    return files.of(file).read(into, at, length, place);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BackendError('BACKEND_FAILED', `${file.path} cannot be read: ${reason}`, { cause, path: file.path });
  }
}

/**
 * @param at where in `bytes` the row lies that stands at `place` of its file
 * @param words a view of the same bytes, from `bytes[0]` on, for who has many rows in them
 * @throws BackendError `BACKEND_CORRUPT`
 */
export function valueOf(
  bytes: Uint8Array,
  at: number,
  run: Run,
  index: number,
  place: number,
  key: Probe | undefined,
  words?: DataView,
): Uint8Array {
  checkRow(bytes, at, run, index, place, key, words);
  return valueIn(bytes, at, run, index);
}

/** As `valueOf`, for who knows where the value lies. @param words a view of the same bytes, from `bytes[0]` on @throws as `valueOf` */
export function checkRow(
  bytes: Uint8Array,
  at: number,
  run: Run,
  index: number,
  place: number,
  key: Probe | undefined,
  words?: DataView,
): void {
  const problem = problemOf(bytes, at, run, index, place, key, words);
  if (problem !== undefined) throw corruptError(run.file.path, `the row at ${place} ${problem}`);
}

function valueIn(bytes: Uint8Array, at: number, run: Run, index: number): Uint8Array {
  const valueAt = at + ROW_HEAD + run.keyLength(index);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + valueAt, run.valueLength(index));
}

/** @returns what is wrong, where it is not the row that was put */
function problemOf(
  bytes: Uint8Array,
  at: number,
  run: Run,
  index: number,
  place: number,
  key: Probe | undefined,
  words?: DataView,
): string | undefined {
  const keyLength = run.keyLength(index);
  const valueLength = run.valueLength(index);
  const keyAt = at + ROW_HEAD;
  const end = keyAt + keyLength + valueLength;
  const isHead =
    words === undefined
      ? hasHead(bytes, at, run.bucket, keyLength, valueLength)
      : isPutHead(words, at, run.bucket, keyLength, valueLength);
  if (!isHead || !isRow(bytes, at, end, run.file.salt, place, words)) return 'does not have its checksum';
  if (key !== undefined) {
    for (let i = 0; i < keyLength; i += 1) {
      if (bytes[keyAt + i] !== key.bytes[key.start + i]) {
        return 'has another key than its index says';
      }
    }
  }
  return undefined;
}

function hasHead(bytes: Uint8Array, at: number, bucket: number, keyLength: number, valueLength: number): boolean {
  const head = readRowHead(bytes, at);
  return head.op === PUT && head.bucket === bucket && head.keyLength === keyLength && head.valueLength === valueLength;
}
