/**
 * The deletes of one append-only bucket within one overlay, each key once.
 *
 * DR1  Whoever clears up goes through a bucket in the order of its keys: what comes in that order lies in an array. A
 *     pin shares the array and remembers its length, as for rows (LY4). The rest goes to a tree.
 */
import { byteKey } from '@varve/base/order';
import { type BTree, byteTree, rowsBetween } from '../btree.ts';
import type { Row, RowCursor } from './layer.ts';
import type { PackedDelete } from './packed-delete.ts';

export class DeleteRun {
  /** Ascending. Slots from `#length` on may hold rows of a section that was undone. */
  readonly #rows: PackedDelete[];
  #length: number;
  #others: BTree<string, PackedDelete> | undefined;

  constructor(rows: PackedDelete[] = [], length = 0, others?: BTree<string, PackedDelete>) {
    this.#rows = rows;
    this.#length = length;
    this.#others = others;
  }

  find(key: Uint8Array): PackedDelete | undefined {
    const length = this.#length;
    if (length > 0 && this.#rows[length - 1]!.compare(key) >= 0) {
      const row = this.#rows[this.#lowerBound(key)]!;
      if (row.compare(key) === 0) return row;
    }
    return this.#others === undefined || this.#others.size === 0 ? undefined : this.#others.get(byteKey(key));
  }

  /** @param key the row's own @returns the delete that was there already, for `undo` */
  add(row: PackedDelete, key: Uint8Array): PackedDelete | undefined {
    const length = this.#length;
    if (length > 0 && this.#rows[length - 1]!.compare(key) >= 0) {
      const before = this.find(key);
      if (before === undefined) (this.#others ??= byteTree<PackedDelete>()).set(byteKey(key), row);
      return before;
    }
    // Nothing greater has been in the array, but the tree may hold anything.
    const before = this.#others?.get(byteKey(key));
    if (before !== undefined) return before;
    this.#rows[length] = row;
    this.#length += 1;
    return undefined;
  }

  /** Takes the newest `add` back. */
  undo(row: PackedDelete, before: PackedDelete | undefined): void {
    if (before !== undefined) return;
    if (this.#length > 0 && this.#rows[this.#length - 1] === row) this.#length -= 1;
    else this.#others!.delete(byteKey(row.key));
  }

  /** Cursors over [start, end); no key is in two of them. */
  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[] {
    const found: RowCursor[] = [];
    if (this.#others !== undefined && this.#others.size > 0) found.push(rowsBetween(this.#others, start, end));
    const from = start === undefined ? 0 : this.#lowerBound(start);
    const to = end === undefined ? this.#length : this.#lowerBound(end);
    if (from < to) found.push(runCursor(this.#rows, from, to));
    return found;
  }

  pin(): DeleteRun {
    return new DeleteRun(this.#rows, this.#length, this.#others?.clone());
  }

  /** Index of the first row of the array whose key is not below `key`. */
  #lowerBound(key: Uint8Array): number {
    const rows = this.#rows;
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rows[middle]!.compare(key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function* runCursor(rows: readonly PackedDelete[], from: number, to: number): Generator<Row, undefined, undefined> {
  for (let i = from; i < to; i += 1) {
    const { type, bucket, key } = rows[i]!;
    yield { type, bucket, key };
  }
  return undefined;
}
