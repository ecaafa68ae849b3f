/**
 * The ordered map where Node is: the one import of sorted-btree, made safe for every loader.
 *
 * The package is CommonJS with `__esModule` and no `exports`: what Node calls its default export is the module, what
 * bundlers and test runners call so is the class (qwertie/btree-typescript#36). Whichever it is, the class is found here,
 * and only here. Bundlers cannot leave out what nobody uses of a class, so browsers get a map of our own (decisions/0043).
 */
import * as loaded from 'sorted-btree';
import type { OrderedMap, OrderedMapClass } from './ordered-map.ts';

/** An ordered map in nodes of sorted arrays. */
export const BTree: OrderedMapClass = findClass(loaded);
export type BTree<K, V> = OrderedMap<K, V>;

function findClass(module: unknown): OrderedMapClass {
  let candidate = module;
  while (typeof candidate === 'object' && candidate !== null && 'default' in candidate) candidate = candidate.default;
  if (isClass(candidate)) return candidate;
  throw new TypeError('sorted-btree was loaded without its class');
}

function isClass(value: unknown): value is OrderedMapClass {
  return typeof value === 'function';
}
