/**
 * The deletes of one append-only bucket within one overlay, each key once, as numbers of changes.
 *
 * DR1  Whoever clears up goes through a bucket in the order of its keys: what comes in that order lies in an array. A
 *     pin shares the array and remembers its length, as for rows (LY4). The rest goes to a tree.
 */
import { byteKey } from '@varve/base/order';
import { type BTree, byteTree, rowsBetween } from '../btree.ts';
import type { PackedChanges } from '../contract/packed-changes.ts';
import type { Row, RowCursor } from './layer.ts';

export class DeleteRun {
  readonly #changes: PackedChanges;
  /** In the order of their keys. Slots from `#length` on may be those of a section that was undone. */
  readonly #rows: number[];
  #length: number;
  #others: BTree<string, number> | undefined;

  constructor(changes: PackedChanges, rows: number[] = [], length = 0, others?: BTree<string, number>) {
    this.#changes = changes;
    this.#rows = rows;
    this.#length = length;
    this.#others = others;
  }

  /** The delete of that key; -1 for none. */
  find(key: Uint8Array): number {
    const length = this.#length;
    if (length > 0 && this.#changes.compareKey(this.#rows[length - 1]!, key) >= 0) {
      const row = this.#rows[this.#lowerBound(key)]!;
      if (this.#changes.compareKey(row, key) === 0) return row;
    }
    return this.#others === undefined || this.#others.size === 0 ? -1 : (this.#others.get(byteKey(key)) ?? -1);
  }

  /** @param key the row's own @returns the delete that was there already, for `undo`; -1 for none */
  add(row: number, key: Uint8Array): number {
    const length = this.#length;
    if (length > 0 && this.#changes.compareKey(this.#rows[length - 1]!, key) >= 0) {
      const before = this.find(key);
      if (before < 0) (this.#others ??= byteTree<number>()).set(byteKey(key), row);
      return before;
    }
    // Nothing greater has been in the array, but the tree may hold anything.
    const before = this.#others?.get(byteKey(key));
    if (before !== undefined) return before;
    this.#rows[length] = row;
    this.#length += 1;
    return -1;
  }

  /** Takes the newest `add` back. */
  undo(row: number, before: number): void {
    if (before >= 0) return;
    if (this.#length > 0 && this.#rows[this.#length - 1] === row) this.#length -= 1;
    else this.#others!.delete(byteKey(this.#changes.key(row)));
  }

  /** Cursors over [start, end); no key is in two of them. */
  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[] {
    const found: RowCursor[] = [];
    if (this.#others !== undefined && this.#others.size > 0) {
      found.push(rowsOf(this.#changes, rowsBetween(this.#others, start, end)));
    }
    const from = start === undefined ? 0 : this.#lowerBound(start);
    const to = end === undefined ? this.#length : this.#lowerBound(end);
    if (from < to) found.push(rowsAt(this.#changes, this.#rows, from, to));
    return found;
  }

  pin(): DeleteRun {
    return new DeleteRun(this.#changes, this.#rows, this.#length, this.#others?.clone());
  }

  /** Index of the first row of the array whose key is not below `key`. */
  #lowerBound(key: Uint8Array): number {
    return lowerBound(this.#changes, this.#rows, this.#length, key);
  }
}

/** Index of the first of `length` rows whose key is not below `key`. */
export function lowerBound(changes: PackedChanges, rows: readonly number[], length: number, key: Uint8Array): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (changes.compareKey(rows[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The rows at places `from` to before `to`, as objects. */
export function* rowsAt(
  changes: PackedChanges,
  rows: readonly number[],
  from: number,
  to: number,
): Generator<Row, undefined, undefined> {
  for (let i = from; i < to; i += 1) yield changes.change(rows[i]!) as Row;
  return undefined;
}

export function* rowsOf(changes: PackedChanges, rows: Iterable<number>): Generator<Row, undefined, undefined> {
  for (const row of rows) yield changes.change(row) as Row;
  return undefined;
}
