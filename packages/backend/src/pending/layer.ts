/**
 * What one overlay holds of one bucket: the newest change of each key, in byte order.
 *
 * LY1  A pin stays as it is; the layer it was taken from goes on. Both cost O(1).
 * LY2  `cleared`: the bucket was removed within this overlay, so nothing below it shows through.
 * LY3  Rows are the very objects that go to the engine, apart from those that a cursor gives of an append-only bucket.
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
import { DeleteRun } from './delete-run.ts';
import type { Change } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import type { PackedDelete } from './packed-delete.ts';
import type { PackedPut } from './packed-put.ts';

type PutRow = Extract<Change, { type: 'put' }>;
type DeleteRow = Extract<Change, { type: 'delete' }>;
export type Row = PutRow | DeleteRow;

/** Rows in byte order, each key once. */
export type RowCursor = Iterator<Row, undefined, undefined>;

export interface Layer {
  readonly cleared: boolean;
  /** The change of that key, or `undefined`: look below, unless `cleared`. */
  find(key: Uint8Array): Row | undefined;
  /** Cursors over [start, end), the one whose rows win first. */
  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[];
  pin(): Layer;
}

export class AppendLayer implements Layer {
  readonly cleared: boolean;
  readonly #bucket: Bucket;
  /** Slots from `#length` on may hold rows of a section that was undone. */
  readonly #rows: PackedPut[];
  #length: number;
  #deletes: DeleteRun | undefined;
  /** Greatest key of the layers below. */
  readonly #floor: Uint8Array | undefined;

  constructor(bucket: Bucket, cleared: boolean, floor: Uint8Array | undefined, rows: PackedPut[] = [], length = 0) {
    this.#bucket = bucket;
    this.cleared = cleared;
    this.#floor = floor;
    this.#rows = rows;
    this.#length = length;
  }

  /** Greatest key that was ever put: here, or below if nothing was put here. */
  get last(): Uint8Array | undefined {
    return this.#length > 0 ? this.#rows[this.#length - 1]!.key : this.#floor;
  }

  /** @throws BackendError `BACKEND_KEY_ORDER` */
  checkOrder(key: Uint8Array): void {
    if (!this.#isAbove(key)) {
      throw new BackendError(
        'BACKEND_KEY_ORDER',
        `bucket "${this.#bucket.name}" is append-only: a key must be greater than all before it`,
      );
    }
  }

  /** The key must have passed `checkOrder`. */
  push(row: PackedPut): void {
    this.#rows[this.#length] = row;
    this.#length += 1;
  }

  undoPush(): void {
    this.#length -= 1;
  }

  /** Whether a row with that key can exist, here or below. */
  mayHold(key: Uint8Array): boolean {
    return !this.#isAbove(key);
  }

  /** @param key the row's own @returns the delete that was there already, for `undoDelete` */
  delete(row: PackedDelete, key: Uint8Array): PackedDelete | undefined {
    return (this.#deletes ??= new DeleteRun()).add(row, key);
  }

  undoDelete(row: PackedDelete, before: PackedDelete | undefined): void {
    this.#deletes!.undo(row, before);
  }

  find(key: Uint8Array): Row | undefined {
    const deleted = this.#deletes?.find(key);
    if (deleted !== undefined) return deleted;
    // A reader mostly asks for what is long committed: two comparisons answer that.
    const length = this.#length;
    if (length === 0 || this.#rows[0]!.compare(key) > 0) return undefined;
    const at = this.#lowerBound(key);
    if (at === length) return undefined;
    const row = this.#rows[at]!;
    return row.compare(key) === 0 ? row : undefined;
  }

  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[] {
    const found = this.#deletes?.cursors(start, end) ?? [];
    if (this.#length > 0) found.push(arrayCursor(this.#rows, this.#bound(start, 0), this.#bound(end, this.#length)));
    return found;
  }

  pin(): AppendLayer {
    const pin = new AppendLayer(this.#bucket, this.cleared, this.#floor, this.#rows, this.#length);
    pin.#deletes = this.#deletes?.pin();
    return pin;
  }

  /** Whether the key is greater than all that were ever put. */
  #isAbove(key: Uint8Array): boolean {
    if (this.#length > 0) return this.#rows[this.#length - 1]!.compare(key) < 0;
    return this.#floor === undefined || compareBytes(key, this.#floor) > 0;
  }

  #bound(key: Uint8Array | undefined, absent: number): number {
    return key === undefined ? absent : this.#lowerBound(key);
  }

  /** Index of the first row whose key is not below `key`. */
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

export class TreeLayer implements Layer {
  readonly cleared: boolean;
  readonly #rows: BTree<string, Row>;

  constructor(cleared: boolean, rows: BTree<string, Row> = byteTree<Row>()) {
    this.cleared = cleared;
    this.#rows = rows;
  }

  /** @returns the row that it replaces, for `undo` */
  set(row: Row): Row | undefined {
    const key = byteKey(row.key);
    const before = this.#rows.get(key);
    this.#rows.set(key, row);
    return before;
  }

  undo(row: Row, before: Row | undefined): void {
    if (before === undefined) this.#rows.delete(byteKey(row.key));
    else this.#rows.set(byteKey(row.key), before);
  }

  find(key: Uint8Array): Row | undefined {
    return this.#rows.size === 0 ? undefined : this.#rows.get(byteKey(key));
  }

  cursors(start: Uint8Array | undefined, end: Uint8Array | undefined): RowCursor[] {
    return this.#rows.size === 0 ? [] : [rowsBetween(this.#rows, start, end)];
  }

  pin(): TreeLayer {
    return new TreeLayer(this.cleared, this.#rows.clone());
  }
}

function* arrayCursor(rows: readonly PackedPut[], from: number, to: number): Generator<Row, undefined, undefined> {
  for (let i = from; i < to; i += 1) {
    const { type, bucket, key, value } = rows[i]!;
    yield { type, bucket, key, value };
  }
  return undefined;
}
