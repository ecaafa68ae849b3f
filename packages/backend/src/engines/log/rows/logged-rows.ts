/**
 * The rows of one append-only bucket: runs in the files of the store, of ascending keys that do not overlap.
 *
 * LGLR1  A version never changes; the next one shares all but the runs it touches.
 * LGLR2  The floor is the greatest key that was ever put: it stays when its row goes.
 */
import { BackendError } from '../../../contract/errors.ts';
import type { LiveFile } from '../files/live-file.ts';
import { compareBytes } from '@varve/base/order';
import type { Probe } from './probe.ts';
import { Run } from './run.ts';
import { RunView } from './run-view.ts';

/** Rows that a run has room for when it begins. */
const FEWEST_EXPECTED = 64;
const MOST_EXPECTED = 1 << 18;

export class LoggedRows {
  /** Where the row lay that `delete` found last. */
  deletedFrom: RunView | undefined;
  #views: RunView[];
  #ownsList: boolean;
  /** Absent: nothing was put yet. */
  #floor: Uint8Array | undefined;

  constructor(from?: LoggedRows) {
    this.#views = from === undefined ? [] : from.#views;
    this.#floor = from === undefined ? undefined : from.#floor;
    this.#ownsList = from === undefined;
  }

  /** @param floor which is not below the last key */
  static of(views: readonly RunView[], floor: Uint8Array | undefined): LoggedRows {
    const made = new LoggedRows();
    made.#views = [...views];
    made.#floor = floor;
    return made;
  }

  get views(): readonly RunView[] {
    return this.#views;
  }

  /** The greatest key ever put. */
  get floor(): Uint8Array | undefined {
    const last = this.#views[this.#views.length - 1];
    if (last === undefined || last.rowN === 0) return this.#floor;
    const key = last.run.key(last.rowN - 1);
    return this.#floor !== undefined && compareBytes(this.#floor, key) > 0 ? this.#floor : key;
  }

  /** Rows that live. */
  get rowN(): number {
    return this.#views.reduce((sum, view) => sum + view.liveN, 0);
  }

  get liveBytes(): number {
    return this.#views.reduce((sum, view) => sum + view.liveBytes, 0);
  }

  next(): LoggedRows {
    return new LoggedRows(this);
  }

  /** The run that would hold the key; `undefined` if it lies before all. */
  viewOf(key: Probe): RunView | undefined {
    return this.#views[this.numberOf(key)];
  }

  /** Its number in `views`; -1 if it lies before all. */
  numberOf(key: Probe): number {
    const views = this.#views;
    let low = 0;
    let high = views.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (views[middle]!.run.compare(0, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** @throws BackendError `BACKEND_KEY_ORDER` for a key that is not greater than all before it */
  put(key: Probe, valueLength: number, file: LiveFile, bucket: number, offset: number): void {
    const last = this.#views[this.#views.length - 1];
    this.#checkOrder(key, last);
    if (last !== undefined && last.run.file === file && last.run.rowN === last.rowN) {
      this.#own(this.#views.length - 1).push(key, valueLength, offset);
      return;
    }
    this.#ownList();
    // A segment holds about as many rows as the one before: growing to them would be twice the memory, and moved again and again.
    // A few more, too: room for an eighth is not given back (`trim`).
    const before = last === undefined ? 0 : last.run.rowN;
    const expected = Math.min(MOST_EXPECTED, Math.max(FEWEST_EXPECTED, before + (before >>> 3)));
    const view = new RunView(this, new Run(file, bucket, expected));
    view.push(key, valueLength, offset);
    this.#views.push(view);
  }

  /** @returns its index in the run (`deletedFrom`); -1 where there is no such row, which is fine */
  delete(key: Probe): number {
    const place = this.numberOf(key);
    if (place < 0) return -1;
    const index = this.#views[place]!.find(key);
    if (index < 0) return -1;
    const own = this.#own(place);
    own.delete(index);
    this.deletedFrom = own;
    return index;
  }

  /** Deletes all rows that live from `first` to `last`, both included. */
  deleteRows(first: Probe, last: Probe): void {
    for (let place = Math.max(0, this.numberOf(first)); place < this.#views.length; place += 1) {
      const { run, rowN } = this.#views[place]!;
      if (run.compare(0, last) > 0) return;
      const from = run.lowerBound(first, rowN);
      let to = run.lowerBound(last, rowN);
      if (to < rowN && run.compare(to, last) === 0) to += 1;
      if (from < to) this.#own(place).deleteRows(from, to);
    }
  }

  #checkOrder(key: Probe, last: RunView | undefined): void {
    let isGreater = true;
    if (last !== undefined && last.rowN > 0) isGreater = last.run.compare(last.rowN - 1, key) < 0;
    if (isGreater && this.#floor !== undefined) {
      isGreater = compareBytes(this.#floor, key.bytes.subarray(key.start, key.end)) < 0;
      if (isGreater) this.#floor = undefined; // the last row of the last run says it from now on
    }
    if (isGreater) return;
    throw new BackendError('BACKEND_KEY_ORDER', 'a key of an append-only bucket must be greater than all before it');
  }

  #ownList(): void {
    if (this.#ownsList) return;
    this.#views = this.#views.slice();
    this.#ownsList = true;
  }

  #own(at: number): RunView {
    const view = this.#views[at]!;
    if (view.owner === this) return view;
    const own = new RunView(this, view.run, view);
    this.#ownList();
    this.#views[at] = own;
    return own;
  }
}
