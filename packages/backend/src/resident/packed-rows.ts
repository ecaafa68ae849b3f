/**
 * The rows of one append-only bucket in memory, in pages (`row-page.ts`): 16 bytes a row beyond key and value. A million
 * rows as objects would be four million objects for the collector to walk; packed they are some hundred.
 *
 * BPR1  A version never changes. Versions share pages: a page only grows behind the rows that older versions know.
 * BPR2  Keys ascend, within a page and over pages.
 * BPR3  A deleted row is a bit in its version's own bitmap. A page without live rows is dropped at once, the last one when
 *     another comes after it; the space within pages is given back by `compacted`.
 */
import type { Slice } from '@varve/base/pace';
import type { Entry } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import type { ResidentRows } from './resident-rows.ts';
import { Page, PageView, rankOf } from './row-page.ts';

const smallestPage = 4 * 1024;
const largestPage = 1024 * 1024;
/** Pages with a smaller share of live bytes are rewritten by `compacted`. */
const worthKeeping = 0.9;

export class PackedRows implements ResidentRows {
  /** Shared with the version before until this one changes it; so are the ranks of their first keys. */
  #views: PageView[];
  #ranks: number[];
  #ownsList: boolean;

  constructor(from?: PackedRows) {
    this.#views = from === undefined ? [] : from.#views;
    this.#ranks = from === undefined ? [] : from.#ranks;
    this.#ownsList = from === undefined;
  }

  get byteN(): number {
    return this.#views.reduce((sum, view) => sum + view.byteN, 0);
  }

  get liveByteN(): number {
    return this.#views.reduce((sum, view) => sum + view.liveByteN, 0);
  }

  next(): PackedRows {
    return new PackedRows(this);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const rank = rankOf(key);
    const view = this.#views[this.#viewOf(key, rank)];
    if (view === undefined) return undefined;
    const i = view.find(key, rank);
    return i < 0 ? undefined : view.page.value(i);
  }

  /** @throws BackendError `BACKEND_KEY_ORDER` for a key that is not greater than all before it */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#checkOrder(key, 0, key.length);
    const view = this.#viewFor(key.length + value.length);
    view.push(key, value);
    if (view.rowN === 1) this.#append(view);
  }

  /** @throws BackendError as `put` */
  putPlace(block: Uint8Array, start: number, keyEnd: number, end: number): void {
    this.#checkOrder(block, start, keyEnd);
    const view = this.#viewFor(end - start);
    view.pushPlace(block, start, keyEnd, end);
    if (view.rowN === 1) this.#append(view);
  }

  delete(key: Uint8Array): void {
    const rank = rankOf(key);
    const at = this.#viewOf(key, rank);
    const view = this.#views[at];
    if (view === undefined) return;
    const i = view.find(key, rank);
    if (i < 0) return;
    // The last page stays, for it knows the greatest key.
    if (view.liveN === 1 && at < this.#views.length - 1) {
      this.#ownList();
      this.#views.splice(at, 1);
      this.#ranks.splice(at, 1);
    } else {
      this.#own(at).delete(i);
    }
  }

  /** The last page stays when all of its rows are deleted, so this is the greatest key that was ever put. */
  last(): Uint8Array | undefined {
    const view = this.#views[this.#views.length - 1];
    return view?.page.key(view.rowN - 1);
  }

  *scan(start: Uint8Array | undefined, end: Uint8Array | undefined): Generator<Entry, void, undefined> {
    const rank = start === undefined ? 0 : rankOf(start);
    const first = start === undefined ? 0 : Math.max(0, this.#viewOf(start, rank));
    for (let at = first; at < this.#views.length; at += 1) {
      const view = this.#views[at]!;
      const { page, rowN } = view;
      for (let i = start === undefined || at > first ? 0 : view.lowerBound(start, rank); i < rowN; i += 1) {
        if (end !== undefined && page.compare(i, end) >= 0) return;
        if (view.isLive(i)) yield { key: page.key(i), value: page.value(i) };
      }
    }
  }

  async compacted(slice: Slice): Promise<PackedRows> {
    const made = new PackedRows();
    for (const view of this.#views) {
      if (view.liveByteN >= view.byteN * worthKeeping) {
        made.#append(view);
        continue;
      }
      for (let i = 0; i < view.rowN; i += 1) {
        if (view.isLive(i)) made.put(view.page.key(i), view.page.value(i));
      }
      if (slice.over) await slice.turn();
    }
    return made;
  }

  /** Its pages and the ranks of their first keys, in order. For tests. */
  lend<T>(body: (views: readonly PageView[], ranks: readonly number[]) => T): T {
    return body(this.#views, this.#ranks);
  }

  #checkOrder(bytes: Uint8Array, start: number, end: number): void {
    const last = this.#views[this.#views.length - 1];
    if (last !== undefined && last.page.compare(last.rowN - 1, bytes, start, end) >= 0) {
      throw new BackendError('BACKEND_KEY_ORDER', 'a key of an append-only bucket must be greater than all before it');
    }
  }

  /** The view that takes a row of so many bytes at its end. One without rows is new: with its row it is appended. */
  #viewFor(length: number): PageView {
    const last = this.#views[this.#views.length - 1];
    // A page that has grown beyond this version's rows belongs to another future: leave it alone.
    if (last !== undefined && last.page.rowN === last.rowN && last.page.fits(length)) {
      return this.#own(this.#views.length - 1);
    }
    const wanted = last === undefined ? smallestPage : Math.min(2 * last.page.bytes.length, largestPage);
    return new PageView(this, new Page(Math.max(wanted, length)));
  }

  /** Index of the page that would hold the key; -1 if it lies before all. */
  #viewOf(key: Uint8Array, rank: number): number {
    const ranks = this.#ranks;
    let low = 0;
    let high = ranks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = ranks[middle]!;
      if (there < rank || (there === rank && this.#views[middle]!.page.compare(0, key) <= 0)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #append(view: PageView): void {
    this.#ownList();
    if (this.#views[this.#views.length - 1]?.liveN === 0) {
      this.#views.pop();
      this.#ranks.pop();
    }
    this.#views.push(view);
    this.#ranks.push(view.page.ranks[0]!);
  }

  #ownList(): void {
    if (this.#ownsList) return;
    this.#views = this.#views.slice();
    this.#ranks = this.#ranks.slice();
    this.#ownsList = true;
  }

  #own(at: number): PageView {
    const view = this.#views[at]!;
    if (view.owner === this) return view;
    const own = new PageView(this, view.page, view);
    this.#ownList();
    this.#views[at] = own;
    return own;
  }
}
