/**
 * The slots of all keys in byte order, with a cache of lookups in front.
 *
 * ST1  Only this file changes the tree, so that the cache never disagrees with it.
 * ST2  A change follows the `find` of its key at once, with no other call in between.
 * ST3  Nothing may change during a visit; what a visit wants changed it returns.
 *
 * etcd: the B-tree of `treeIndex` in server/storage/mvcc/index.go.
 */
import { BTree, type BTree as Tree } from '@varve/base/btree';
import { byteKey, compareByteKeys } from '@varve/base/order';
import { hashOf, LookupCache } from './lookup-cache.ts';
import type { Slot } from './slot.ts';
import type { RangeEnd } from './tree-index.ts';

/** A little less memory and faster than the default of 32; larger nodes make inserts in the middle dearer. */
export const NODE_SIZE = 64;

/** Returned by a visit to end it. */
export const STOP: { readonly break: true } = { break: true };

/** What is to become of a visited slot, or where to stop instead of visiting it; undefined: nothing, go on. */
export type Edit = { readonly value: Slot } | { readonly delete: true } | { readonly break: string } | undefined;

export class SlotTree {
  readonly #tree: Tree<string, Slot>;
  readonly #cache = new LookupCache();
  /** The key of the last `find`, so that a change costs no second conversion. */
  #byteKey = '';
  #hash = 0;

  /** @param loaded its keys already; the tree is this one's from here on */
  constructor(loaded?: Tree<string, Slot>) {
    this.#tree = loaded ?? new BTree<string, Slot>(undefined, compareByteKeys, NODE_SIZE);
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The slot of `key`, which `replace` and `remove` then mean. */
  find(key: Uint8Array): Slot | undefined {
    const hash = hashOf(key);
    this.#hash = hash;
    const line = this.#cache.lineOf(key, hash);
    if (line !== -1) {
      this.#byteKey = this.#cache.keyAt(line);
      return this.#cache.slotAt(line);
    }
    const text = byteKey(key);
    this.#byteKey = text;
    const slot = this.#tree.get(text);
    if (slot !== undefined) this.#cache.remember(text, hash, slot);
    return slot;
  }

  /** Adds the key that `find` did not find. Not cached: what is written once is seldom read at once. */
  add(slot: Slot): void {
    this.#tree.set(this.#byteKey, slot);
  }

  /** Adds the key unless it is there, which is told without a `find`: one descent instead of two. */
  addNew(key: Uint8Array, slot: Slot): boolean {
    return this.#tree.setIfNotPresent(byteKey(key), slot);
  }

  /** Gives the key that `find` found another slot. */
  replace(slot: Slot): void {
    this.#tree.set(this.#byteKey, slot);
    this.#cache.remember(this.#byteKey, this.#hash, slot);
  }

  /** Removes the key that `find` found. */
  remove(): void {
    this.#tree.delete(this.#byteKey);
    this.#cache.forget(this.#hash);
  }

  /** Visits the keys from `low` to `end` in order, until `onKey` returns something. */
  visit(low: string, end: RangeEnd, onKey: (byteKey: string, slot: Slot) => typeof STOP | undefined): void {
    const isOpen = end !== undefined && end.length === 0;
    const high = end === undefined ? low : isOpen ? this.#tree.maxKey() : byteKey(end);
    if (high === undefined || low > high || (low === high && end !== undefined && !isOpen)) return;
    this.#tree.forRange(low, high, end === undefined || isOpen, onKey);
  }

  /** As `visit`, from the last key to the first. */
  visitReversed(low: string, end: RangeEnd, onKey: (byteKey: string, slot: Slot) => typeof STOP | undefined): void {
    if (end === undefined) return this.visit(low, end, onKey);
    if (this.#tree.size === 0) return;
    const high = end.length === 0 ? undefined : byteKey(end);
    // The pair is one and the same array, filled anew for each step.
    for (const [byteKey, slot] of this.#tree.entriesReversed(high, [], high !== undefined)) {
      if (byteKey < low || onKey(byteKey, slot) !== undefined) return;
    }
  }

  /** Visits all keys from `low` on and does what `onKey` returns; gives the key it stopped at, or undefined. */
  edit(low: string, onKey: (byteKey: string, slot: Slot, visited: number) => Edit): string | undefined {
    const high = this.#tree.maxKey();
    if (high === undefined || low > high) return undefined;
    let changed = false;
    const visit = (byteKey: string, slot: Slot, visited: number): Edit => {
      const edit = onKey(byteKey, slot, visited);
      if (edit !== undefined && !('break' in edit)) changed = true;
      return edit;
    };
    try {
      const stopped: string | number = this.#tree.editRange(low, high, true, visit);
      return typeof stopped === 'string' ? stopped : undefined;
    } finally {
      if (changed) this.#cache.clear();
    }
  }

  entries(): Iterable<readonly [byteKey: string, slot: Slot]> {
    return this.#tree.entries();
  }

  /** Throws when nodes are out of order or a cached slot is not the tree's. O(keys). */
  checkInvariants(): void {
    this.#tree.checkValid(true);
    for (const [byteKey, slot] of this.#cache) {
      if (this.#tree.get(byteKey) !== slot) throw new Error('LK2: a cached slot is not the one in the tree');
    }
  }
}
