/**
 * What one overlay holds of one bucket: the newest change of each key, in byte order.
 *
 * LY1  A pin stays as it is; the layer it was taken from goes on. Both cost O(1).
 * LY2  `cleared`: the bucket was removed within this overlay, so nothing below it shows through.
 * LY3  A row is the number of a change in `changes`, which is what goes to the engine. Only cursors make objects.
 * LY4  Append-only: rows lie in an array in the order of their keys, because that is the order in which they come. A pin
 *     shares the array and remembers its length. Deletes lie beside it (`delete-run.ts`) and win over rows, since a key
 *     that was put never comes again; a delete of a key that was never put is not kept.
 *
 * etcd: server/storage/backend/tx_buffer.go. Departs: sorted by construction, so nothing is sorted or deduplicated
 * late (BD7); deletes are kept as well (BD2).
 */
import { byteKey, compareBytes } from '@varve/base/order';
import { type BTree, byteTree, rowsBetween } from '../btree.ts';
import type { Bucket } from '../contract/bucket.ts';
import { DeleteRun, lowerBound, rowsAt, rowsOf } from './delete-run.ts';
import type { Change } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import type { PackedChanges } from '../contract/packed-changes.ts';

export type Row = Extract<Change, { type: 'put' | 'delete' }>;

/** Rows in byte order, each key once. */
export type RowCursor = Iterator<Row, undefined, undefined>;

export interface Layer {
  readonly cleared: boolean;
  /** Where rows are numbers of. */
  readonly changes: PackedChanges;
  /** The change of that key; -1 for none: look below, unless `cleared`. */
  find(key: Uint8Array): number;
  /** Cursors over [start, end), the one whose rows win first. */
  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[];
  pin(): Layer;
}

export class AppendLayer implements Layer {
  readonly cleared: boolean;
  readonly changes: PackedChanges;
  readonly #bucket: Bucket;
  /** In the order of their keys. Slots from `#length` on may be those of a section that was undone. */
  readonly #rows: number[];
  #length: number;
  #deletes: DeleteRun | undefined;
  /** Greatest key of the layers below. */
  readonly #floor: Uint8Array | undefined;

  constructor(
    changes: PackedChanges,
    bucket: Bucket,
    cleared: boolean,
    floor: Uint8Array | undefined,
    rows: number[] = [],
    length = 0,
  ) {
    this.changes = changes;
    this.#bucket = bucket;
    this.cleared = cleared;
    this.#floor = floor;
    this.#rows = rows;
    this.#length = length;
  }

  /** Greatest key that was ever put: here, or below if nothing was put here. */
  get last(): Uint8Array | undefined {
    return this.#length > 0 ? this.changes.key(this.#rows[this.#length - 1]!) : this.#floor;
  }

  /** The key is `bytes` from `start` to `end`. @throws BackendError `BACKEND_KEY_ORDER` */
  checkOrder(bytes: Uint8Array, start: number, end: number): void {
    const isAbove =
      this.#length > 0
        ? this.changes.compareKey(this.#rows[this.#length - 1]!, bytes, start, end) < 0
        : this.#floor === undefined || compareBytes(bytes.subarray(start, end), this.#floor) > 0;
    if (isAbove) return;
    throw new BackendError(
      'BACKEND_KEY_ORDER',
      `bucket "${this.#bucket.name}" is append-only: a key must be greater than all before it`,
    );
  }

  /** The key must have passed `checkOrder`. */
  push(row: number): void {
    this.#rows[this.#length] = row;
    this.#length += 1;
  }

  undoPush(): void {
    this.#length -= 1;
  }

  /** Whether a row with that key can exist, here or below. */
  mayHold(key: Uint8Array): boolean {
    if (this.#length > 0) return this.changes.compareKey(this.#rows[this.#length - 1]!, key) >= 0;
    return this.#floor !== undefined && compareBytes(key, this.#floor) <= 0;
  }

  /** @param key the row's own @returns the delete that was there already, for `undoDelete`; -1 for none */
  delete(row: number, key: Uint8Array): number {
    return (this.#deletes ??= new DeleteRun(this.changes)).add(row, key);
  }

  undoDelete(row: number, before: number): void {
    this.#deletes!.undo(row, before);
  }

  find(key: Uint8Array): number {
    const deleted = this.#deletes === undefined ? -1 : this.#deletes.find(key);
    if (deleted >= 0) return deleted;
    // A reader mostly asks for what is long committed: two comparisons answer that.
    const length = this.#length;
    if (length === 0 || this.changes.compareKey(this.#rows[0]!, key) > 0) return -1;
    const at = lowerBound(this.changes, this.#rows, length, key);
    if (at === length) return -1;
    const row = this.#rows[at]!;
    return this.changes.compareKey(row, key) === 0 ? row : -1;
  }

  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[] {
    const found = this.#deletes?.cursors(start, end) ?? [];
    if (this.#length > 0) {
      found.push(rowsAt(this.changes, this.#rows, this.#bound(start, 0), this.#bound(end, this.#length)));
    }
    return found;
  }

  pin(): AppendLayer {
    const pin = new AppendLayer(this.changes, this.#bucket, this.cleared, this.#floor, this.#rows, this.#length);
    pin.#deletes = this.#deletes?.pin();
    return pin;
  }

  #bound(key: Uint8Array | undefined, absent: number): number {
    return key === undefined ? absent : lowerBound(this.changes, this.#rows, this.#length, key);
  }
}

export class TreeLayer implements Layer {
  readonly cleared: boolean;
  readonly changes: PackedChanges;
  readonly #rows: BTree<string, number>;

  constructor(changes: PackedChanges, cleared: boolean, rows: BTree<string, number> = byteTree<number>()) {
    this.changes = changes;
    this.cleared = cleared;
    this.#rows = rows;
  }

  /** @param key the row's own @returns the row that it replaces, for `undo`; -1 for none */
  set(row: number, key: Uint8Array): number {
    const name = byteKey(key);
    const before = this.#rows.get(name);
    this.#rows.set(name, row);
    return before ?? -1;
  }

  undo(row: number, before: number): void {
    const name = byteKey(this.changes.key(row));
    if (before < 0) this.#rows.delete(name);
    else this.#rows.set(name, before);
  }

  find(key: Uint8Array): number {
    return this.#rows.size === 0 ? -1 : (this.#rows.get(byteKey(key)) ?? -1);
  }

  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[] {
    return this.#rows.size === 0 ? [] : [rowsOf(this.changes, rowsBetween(this.#rows, start, end))];
  }

  pin(): TreeLayer {
    return new TreeLayer(this.changes, this.cleared, this.#rows.clone());
  }
}
