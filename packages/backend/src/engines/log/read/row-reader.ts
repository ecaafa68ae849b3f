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
import { isRow, PUT, readRowHead, ROW_HEAD } from '../format/frame.ts';
import type { Probe } from '../rows/probe.ts';
import type { Run } from '../rows/run.ts';
import type { RunView } from '../rows/run-view.ts';

const SLAB = 1 << 16;
/** Rows longer than this have bytes of their own. */
const LONG = SLAB / 4;
/** So many neighbours in a row, and the next ones are read with them. */
const STREAK = 3;
/** Rows of one call that lie so close are read together: what lies between costs less than another read. */
const JOINED = 1 << 14;
const LARGEST_READ = 1 << 20;

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
      const value = rowIn(recent.bytes, place - recent.place, run, index, place, key);
      if (value instanceof Uint8Array) {
        this.#files.recent.gave(recent);
        return value;
      }
    }
    const block = this.#block;
    if (block !== undefined && block.file === file && place >= block.from) {
      const at = place - block.from;
      if (at + length <= block.bytes.length) return valueOf(block.bytes, at, run, index, place, key);
    }
    if (this.#streak >= STREAK && length <= LONG) {
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(SLAB).buffer);
      const read = this.#read(file, bytes, 0, Math.min(SLAB, file.end - place), place);
      this.#block = { file, from: place, bytes: bytes.subarray(0, read) };
      if (read < length) throw corruptError(file.path, `it ends within the row at ${place}`);
      return valueOf(bytes, 0, run, index, place, key);
    }
    if (length > LONG) {
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      this.#readAll(file, bytes, 0, length, place);
      return valueOf(bytes, 0, run, index, place, key);
    }
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Buffer.allocUnsafeSlow(SLAB).buffer);
      this.#used = 0;
    }
    const at = this.#used;
    this.#readAll(file, this.#slab, at, length, place);
    this.#used = at + length;
    return valueOf(this.#slab, at, run, index, place, key);
  }

  /** The values of many rows, in the order asked; neighbours are read together. Same tick. @throws as `value` */
  values(wanted: readonly (Wanted | undefined)[]): (Uint8Array | undefined)[] {
    const found: (Uint8Array | undefined)[] = Array.from({ length: wanted.length }, () => undefined);
    const order: number[] = [];
    for (let i = 0; i < wanted.length; i += 1) if (wanted[i] !== undefined) order.push(i);
    order.sort((a, b) => {
      const one = wanted[a]!;
      const other = wanted[b]!;
      return one.run.file.number - other.run.file.number || one.place - other.place;
    });
    for (let i = 0; i < order.length;) {
      const first = wanted[order[i]!]!;
      const { file } = first.run;
      let end = first.place + first.length;
      let next = i + 1;
      for (; next < order.length; next += 1) {
        const { run, place, length } = wanted[order[next]!]!;
        if (run.file !== file || place - end > JOINED || place + length - first.place > LARGEST_READ) break;
        end = Math.max(end, place + length);
      }
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(end - first.place).buffer);
      this.#readAll(file, bytes, 0, bytes.length, first.place);
      for (; i < next; i += 1) {
        const { run, index, place, key } = wanted[order[i]!]!;
        found[order[i]!] = valueOf(bytes, place - first.place, run, index, place, key);
      }
    }
    return found;
  }

  #readAll(file: LiveFile, into: Uint8Array, at: number, length: number, place: number): void {
    if (this.#read(file, into, at, length, place) < length) {
      throw corruptError(file.path, `it ends within the row at ${place}`);
    }
  }

  #read(file: LiveFile, into: Uint8Array, at: number, length: number, place: number): number {
    try {
      return this.#files.of(file).read(into, at, length, place);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BackendError('BACKEND_FAILED', `${file.path} cannot be read: ${reason}`, { cause, path: file.path });
    }
  }
}

/** A row that is to be read with others. */
export interface Wanted {
  readonly run: Run;
  readonly index: number;
  readonly place: number;
  readonly length: number;
  readonly key: Probe;
}

/** @param at where in `bytes` the row lies that stands at `place` of its file @throws BackendError `BACKEND_CORRUPT` */
export function valueOf(
  bytes: Uint8Array,
  at: number,
  run: Run,
  index: number,
  place: number,
  key: Probe | undefined,
): Uint8Array {
  const found = rowIn(bytes, at, run, index, place, key);
  if (typeof found !== 'string') return found;
  throw corruptError(run.file.path, `the row at ${place} ${found}`);
}

/** @returns what is wrong, where it is not the row that was put */
function rowIn(
  bytes: Uint8Array,
  at: number,
  run: Run,
  index: number,
  place: number,
  key: Probe | undefined,
): Uint8Array | string {
  const keyLength = run.keyLength(index);
  const valueLength = run.valueLength(index);
  const keyAt = at + ROW_HEAD;
  const end = keyAt + keyLength + valueLength;
  const head = readRowHead(bytes, at);
  const fits =
    head.op === PUT &&
    head.bucket === run.bucket &&
    head.keyLength === keyLength &&
    head.valueLength === valueLength &&
    isRow(bytes, at, end, run.file.salt, place);
  if (!fits) return 'does not have its checksum';
  if (key !== undefined) {
    for (let i = 0; i < keyLength; i += 1) {
      if (bytes[keyAt + i] !== key.bytes[key.start + i]) {
        return 'has another key than its index says';
      }
    }
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset + keyAt + keyLength, valueLength);
}
