/**
 * Finds many rows at once: all positions first, then reads in the order of the places.
 *
 * LGFD1  Rows that lie close are read together, up to 64 KiB at once: what lies between costs less than another read.
 * LGFD2  Each row is checked as `row-reader.ts` checks it (LGRR1).
 * LGFD3  What is read together is given out where it lies, if most of it was asked for. Out of anything else the rows are
 *     copied, so that nobody keeps bytes alive that nobody asked for.
 * LGFD4  All that one search finds lies in one block, or in several of about 64 KiB: who keeps it all keeps hardly anything else.
 *     Only those who find little share blocks with others.
 */
import { Blocks, newBlock } from '@varve/base/block';
import type { RowSearch } from '../../../contract/row-search.ts';
import { ROW_HEAD } from '../format/frame.ts';
import type { OpenFiles } from '../files/live-file.ts';
import type { LoggedRows } from '../rows/logged-rows.ts';
import { Probe } from '../rows/probe.ts';
import type { Run } from '../rows/run.ts';
import type { RunView } from '../rows/run-view.ts';
import { checkRow, readAll } from './row-reader.ts';

const BLOCK_BYTES = 1 << 16;
/** From so many bytes on a search has blocks of its own. */
const MUCH = BLOCK_BYTES / 4;
/** So much may lie between two rows that are read together. */
const JOINED = 1 << 14;
const FEWEST = 64;
/** For fewer rows a view of their words is not worth making. */
const FEW = 4;

const NO_BYTES = new Uint8Array(0);

export class RowFinder {
  readonly #files: OpenFiles;
  readonly #blocks = new Blocks(BLOCK_BYTES);
  readonly #probe = new Probe();
  /** The block of the running search that is being filled, how far it is, and about how many bytes are still to come. */
  #block: Uint8Array = NO_BYTES;
  #used = 0;
  #left = 0;
  /** Out of which rows are copied. */
  #scratch: Uint8Array = NO_BYTES;
  /** For each row that is there: its key's number in the search, its run's among the views, and its own in that run. */
  #wanted = new Uint32Array(FEWEST);
  #runs = new Uint32Array(FEWEST);
  #indexes = new Uint32Array(FEWEST);

  constructor(files: OpenFiles) {
    this.#files = files;
  }

  /** Same tick. @throws as `RowReader.value` */
  find(rows: LoggedRows, search: RowSearch): void {
    const count = this.#locate(rows, search);
    const runs = this.#runs;
    this.#block = NO_BYTES;
    const hasMuch = this.#left >= MUCH;
    for (let i = 0; i < count;) {
      const { run } = rows.views[runs[i]!]!;
      const first = run.offset(this.#indexes[i]!);
      let end = first;
      let bytes = 0;
      let next = i;
      for (; next < count && runs[next] === runs[i]; next += 1) {
        const index = this.#indexes[next]!;
        const place = run.offset(index);
        const length = run.rowLength(index);
        if (next > i && (place - end > JOINED || place + length - first > BLOCK_BYTES)) break;
        end = place + length;
        bytes += length;
      }
      this.#read(run, search, i, next, first, end - first, bytes, hasMuch);
      this.#left -= bytes;
      i = next;
    }
  }

  /** The rows from `from` up to `to`, which lie within `length` bytes. @param rowBytes of them alone */
  #read(
    run: Run,
    search: RowSearch,
    from: number,
    to: number,
    first: number,
    length: number,
    rowBytes: number,
    hasMuch: boolean,
  ): void {
    const isDense = 4 * rowBytes >= 3 * length;
    let base = 0;
    let bytes: Uint8Array;
    if (isDense) {
      base = this.#reserve(length, hasMuch);
      bytes = this.#block;
    } else {
      if (this.#scratch.length < length) this.#scratch = newBlock(BLOCK_BYTES);
      bytes = this.#scratch;
    }
    const { file } = run;
    readAll(this.#files, file, bytes, base, length, first);
    const words = to - from < FEW ? undefined : new DataView(bytes.buffer, bytes.byteOffset);
    const probe = this.#probe;
    for (let n = from; n < to; n += 1) {
      const index = this.#indexes[n]!;
      const wanted = this.#wanted[n]!;
      const place = run.offset(index);
      const at = base + place - first;
      probe.point(search.keys, search.keyStart(wanted), search.keyEnd(wanted));
      checkRow(bytes, at, run, index, place, probe, words);
      const start = at + ROW_HEAD + run.keyLength(index);
      const valueLength = run.valueLength(index);
      if (isDense) {
        search.found(wanted, bytes, start, start + valueLength);
        continue;
      }
      const copied = this.#reserve(valueLength, hasMuch);
      const block = this.#block;
      block.set(bytes.subarray(start, start + valueLength), copied);
      search.found(wanted, block, copied, copied + valueLength);
    }
  }

  /** A place for so many bytes that are given out: where it begins in `#block`. */
  #reserve(bytes: number, hasMuch: boolean): number {
    if (!hasMuch) {
      const start = this.#blocks.reserve(bytes);
      this.#block = this.#blocks.block;
      return start;
    }
    if (this.#block === NO_BYTES || this.#used + bytes > this.#block.length) {
      this.#block = newBlock(Math.max(bytes, Math.min(this.#left, BLOCK_BYTES)));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes;
    return start;
  }

  /** Fills `#wanted`, `#runs`, `#indexes` and `#left`, in the order of places; returns how many rows there are. */
  #locate(rows: LoggedRows, search: RowSearch): number {
    const { length, keys } = search;
    const { views } = rows;
    if (length > this.#wanted.length) {
      this.#wanted = new Uint32Array(2 * length);
      this.#runs = new Uint32Array(2 * length);
      this.#indexes = new Uint32Array(2 * length);
    }
    const probe = this.#probe;
    let count = 0;
    let bytes = 0;
    let isSorted = true;
    let at = -1;
    let index = -1;
    for (let i = 0; i < length; i += 1) {
      probe.set(keys, search.keyStart(i), search.keyEnd(i));
      // The neighbour of the row before is asked for more often than any other.
      if (at >= 0 && isAt(views[at]!, index + 1, probe)) {
        index += 1;
      } else {
        at = rows.numberOf(probe);
        index = at < 0 ? -1 : views[at]!.find(probe);
        if (index < 0) continue;
        if (count > 0 && isBefore(at, index, this.#runs[count - 1]!, this.#indexes[count - 1]!)) isSorted = false;
      }
      this.#wanted[count] = i;
      this.#runs[count] = at;
      this.#indexes[count] = index;
      count += 1;
      bytes += views[at]!.run.rowLength(index);
    }
    this.#left = bytes;
    if (!isSorted) this.#sort(count);
    return count;
  }

  #sort(count: number): void {
    const wanted = this.#wanted.slice(0, count);
    const runs = this.#runs.slice(0, count);
    const indexes = this.#indexes.slice(0, count);
    const order = new Uint32Array(count);
    for (let n = 0; n < count; n += 1) order[n] = n;
    order.sort((a, b) => runs[a]! - runs[b]! || indexes[a]! - indexes[b]!);
    for (let n = 0; n < count; n += 1) {
      const from = order[n]!;
      this.#wanted[n] = wanted[from]!;
      this.#runs[n] = runs[from]!;
      this.#indexes[n] = indexes[from]!;
    }
  }
}

function isBefore(run: number, index: number, otherRun: number, otherIndex: number): boolean {
  return run < otherRun || (run === otherRun && index < otherIndex);
}

function isAt(view: RunView, index: number, key: Probe): boolean {
  return index < view.rowN && view.run.compare(index, key) === 0 && view.isLive(index);
}
