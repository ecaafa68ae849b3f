/**
 * The one import of sorted-btree, made safe for every loader.
 *
 * The package is CommonJS with `__esModule` and no `exports`: what Node calls its default export is the module, what
 * bundlers and test runners call so is the class (qwertie/btree-typescript#36). Whichever it is, the class is found here,
 * and only here.
 */
import * as loaded from 'sorted-btree';
import type sorted from 'sorted-btree';

/** An ordered map in nodes of sorted arrays. */
export const BTree: typeof sorted.default = findClass(loaded);
export type BTree<K, V> = sorted.default<K, V>;

function findClass(module: unknown): typeof sorted.default {
  let candidate = module;
  while (typeof candidate === 'object' && candidate !== null && 'default' in candidate) candidate = candidate.default;
  if (isClass(candidate)) return candidate;
  throw new TypeError('sorted-btree was loaded without its class');
}

function isClass(value: unknown): value is typeof sorted.default {
  return typeof value === 'function';
}
