/**
 * Neighbouring rows that a commit deletes one after the other: one row of its frame says it for all of them.
 *
 * LGDL1  From the first to the last no other row lives, so "all that live between them" is exactly these, now and when the log is read
 *     again: each row of a frame is applied to what the ones before it have left.
 * LGDL2  It is written before anything else of the commit is, so nothing changes its order.
 */
import { DELETE, DELETE_ROWS, ROW_HEAD } from '../format/frame.ts';
import type { RunView } from '../rows/run-view.ts';

/** Dead rows that may lie between two neighbours. */
const MOST_DEAD = 64;

export interface RowHeadToWrite {
  readonly op: number;
  readonly flags: number;
  readonly bucket: number;
  readonly keyLength: number;
}

/** The rows of a frame (`frame-rows.ts`). */
export interface RowSink {
  append(block: Uint8Array, from: number, to: number, head: RowHeadToWrite): void;
}

/** A key, and room for a head before it. */
interface Place {
  block: Uint8Array;
  start: number;
  end: number;
}

const nothing = new Uint8Array(0);

export class DeletedRows {
  count = 0;
  #bucket = 0;
  #view: RunView | undefined;
  /** Of the last row in its run. */
  #index = 0;
  readonly #first: Place = { block: nothing, start: 0, end: 0 };
  readonly #last: Place = { block: nothing, start: 0, end: 0 };

  /** Whether this row follows the last one, with nothing that lives between them. */
  isNext(view: RunView, index: number): boolean {
    let next = this.#index + 1;
    if (view !== this.#view || index < next || index - next > MOST_DEAD) return false;
    while (next < index && !view.isLive(next)) next += 1;
    return next === index;
  }

  /** A row that has just been deleted: the first, or the next one. */
  add(bucket: number, view: RunView, index: number, block: Uint8Array, start: number, end: number): void {
    if (this.count === 0) {
      this.#bucket = bucket;
      this.#view = view;
      setPlace(this.#first, block, start, end);
    }
    this.#index = index;
    setPlace(this.#last, block, start, end);
    this.count += 1;
  }

  /** As one row; then there are none. */
  writeTo(written: RowSink): void {
    const { count } = this;
    const first = this.#first;
    const keyLength = first.end - first.start;
    this.count = 0;
    const head = { op: count === 1 ? DELETE : DELETE_ROWS, flags: 0, bucket: this.#bucket, keyLength };
    if (count === 1) {
      written.append(first.block, first.start - ROW_HEAD, first.end, head);
      return;
    }
    const last = this.#last;
    const block = new Uint8Array(ROW_HEAD + keyLength + last.end - last.start);
    block.set(first.block.subarray(first.start, first.end), ROW_HEAD);
    block.set(last.block.subarray(last.start, last.end), ROW_HEAD + keyLength);
    written.append(block, 0, block.length, head);
  }
}

function setPlace(place: Place, block: Uint8Array, start: number, end: number): void {
  place.block = block;
  place.start = start;
  place.end = end;
}
