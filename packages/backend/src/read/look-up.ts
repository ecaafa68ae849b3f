/**
 * Point reads through all layers: what is finished lies over what is being committed, which lies over the engine's state.
 *
 * LKU1  The newest layer that knows the key says what it is; one in which the bucket was cleared hides all below.
 */
import type { Bucket } from '../contract/bucket.ts';
import type { EngineView } from '../contract/engine.ts';
import { RowSearch } from '../contract/row-search.ts';
import type { Layer } from '../pending/layer.ts';
import type { Layers } from '../pending/overlay.ts';

/** The value of a key through all layers, newest first. @throws TypeError for a key that is not bytes */
export function lookUp(
  pending: Layers,
  flushing: Layers | undefined,
  view: EngineView,
  bucket: Bucket,
  key: Uint8Array,
): Uint8Array | undefined {
  // Here, for all kinds of reads: left to them, one engine takes text for a key and another finds nothing.
  if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
  const above = pending.get(bucket.name);
  if (above !== undefined) {
    const row = above.find(key);
    if (row >= 0) return valueOf(above, row);
    if (above.cleared) return undefined;
  }
  const below = flushing?.get(bucket.name);
  if (below !== undefined) {
    const row = below.find(key);
    if (row >= 0) return valueOf(below, row);
    if (below.cleared) return undefined;
  }
  return view.get(bucket, key);
}

/** What a layer's row says of its key. */
function valueOf({ changes }: Layer, row: number): Uint8Array | undefined {
  return changes.isPut(row) ? changes.value(row) : undefined;
}

/**
 * As `lookUp`, for all keys of a search: what no layer has is asked of the engine at once.
 * @throws TypeError for anything but a search
 */
export function findAll(
  pending: Layers,
  flushing: Layers | undefined,
  view: EngineView,
  bucket: Bucket,
  search: RowSearch,
): void {
  if (!(search instanceof RowSearch)) throw new TypeError('search must be a RowSearch');
  const above = pending.get(bucket.name);
  const below = flushing?.get(bucket.name);
  if (above === undefined && below === undefined) {
    findIn(view, bucket, search);
    return;
  }
  const asked: number[] = [];
  let key: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < search.length; i += 1) {
    key = keyIn(search, i, key);
    let layer = above;
    let row = above === undefined ? -1 : above.find(key);
    if (row < 0 && below !== undefined && above?.cleared !== true) {
      layer = below;
      row = below.find(key);
    }
    if (row >= 0) {
      const value = valueOf(layer!, row);
      if (value !== undefined) search.found(i, value, 0, value.length);
    } else if (above?.cleared !== true && below?.cleared !== true) {
      asked.push(i);
    }
  }
  if (asked.length === search.length) {
    findIn(view, bucket, search);
    return;
  }
  const rest = new RowSearch();
  for (const i of asked) rest.addKey(search.key(i));
  findIn(view, bucket, rest);
  for (const [n, i] of asked.entries()) {
    const block = rest.blocks[n];
    if (block !== undefined) search.found(i, block, rest.start(n), rest.end(n));
  }
}

function findIn(view: EngineView, bucket: Bucket, search: RowSearch): void {
  if (view.find !== undefined) {
    if (search.length > 0) view.find(bucket, search);
    return;
  }
  for (let i = 0; i < search.length; i += 1) {
    const value = view.get(bucket, search.key(i));
    if (value !== undefined) search.found(i, value, 0, value.length);
  }
}

/** Key i, in the same array as the key before where that is as long: layers look at it in this tick only. */
function keyIn(search: RowSearch, index: number, before: Uint8Array): Uint8Array {
  const start = search.keyStart(index);
  const length = search.keyEnd(index) - start;
  if (length !== before.length) return search.key(index);
  for (let i = 0; i < length; i += 1) before[i] = search.keys[start + i]!;
  return before;
}
