/**
 * An ordered map as the layers use one; types only. `sorted-btree` is one where Node is, `portable/btree.ts` everywhere else.
 *
 * ODM1  What is not in here may not be used: it would work in Node and fail in a browser.
 * ODM2  A clone costs nothing, and neither map sees what is changed in the other one from then on. An iteration is of a map that nobody
 *       changes meanwhile: of a clone.
 */

export interface OrderedMap<K, V> {
  readonly size: number;
  get(key: K): V | undefined;
  /** Returns whether the key is new. */
  set(key: K, value: V): boolean;
  /** Returns whether the key was there. */
  delete(key: K): boolean;
  clone(): OrderedMap<K, V>;
  maxKey(): K | undefined;
  /** The entry of the key, or of the last one before it; in `reused` where one is given. */
  getPairOrNextLower(key: K, reused?: [K, V]): [K, V] | undefined;
  /** The entries from a key on, in order; all there are where none is given. */
  entries(lowest?: K): IterableIterator<[K, V]>;
  /** Throws when the map contradicts itself. O(entries). */
  checkValid(keys?: boolean): void;
}

export interface OrderedMapClass {
  /** An empty map. @param most entries in a node */
  new <K, V>(entries: undefined, compare: (a: K, b: K) => number, most: number): OrderedMap<K, V>;
}
