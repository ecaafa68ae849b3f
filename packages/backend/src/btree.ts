/**
 * The trees of this package, and the one import of sorted-btree. That is CommonJS with a default export: Node hands
 * out the module object, bundlers and test runners the class, so both shapes are taken (qwertie/btree-typescript#36).
 */
import * as namespace from 'sorted-btree';
import { byteKey } from './byte-key.ts';

type BTreeConstructor = typeof import('sorted-btree').default;
interface Interop {
  readonly default?: Interop;
}

const outer = namespace as unknown as Interop;

export const BTree: BTreeConstructor = (outer.default?.default ??
  outer.default ??
  outer) as unknown as BTreeConstructor;
export type BTree<K, V> = import('sorted-btree').default<K, V>;

/** An empty tree over latin1 keys (`byte-key.ts`). 64 keys a node: less memory and faster than the default of 32. */
export function byteTree<V>(): BTree<string, V> {
  return new BTree<string, V>(undefined, compareKeys, 64);
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
