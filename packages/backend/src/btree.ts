/** The trees of this package: sorted-btree over latin1 keys. */
import { BTree } from '@varve/base/btree';
import { byteKey, compareByteKeys } from '@varve/base/order';

export type { BTree } from '@varve/base/btree';

/** An empty tree over latin1 keys. 64 keys a node: less memory and faster than the default of 32. */
export function byteTree<V>(): BTree<string, V> {
  return new BTree<string, V>(undefined, compareByteKeys, 64);
}

/** What the tree holds for the keys from `start` to before `end`. */
export function* rowsBetween<R>(
  tree: BTree<string, R>,
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): Generator<R, undefined, undefined> {
  const stop = end === undefined ? undefined : byteKey(end);
  for (const [key, row] of tree.entries(start === undefined ? undefined : byteKey(start))) {
    if (stop !== undefined && key >= stop) return undefined;
    yield row;
  }
  return undefined;
}
