/**
 * The slots of all keys in byte order: leaves of neighbouring keys, a tree that finds the leaf, and a cache of lookups in front.
 *
 *   cache of lookups ─┐
 *   last lookup ──────┼──> leaf <──> leaf <──> leaf        in order, linked
 *   tree of leaves ───┘
 *
 * ST1  The tree holds each leaf under its `low`; the first has '', and stays when it is empty. No other leaf is empty.
 * ST2  A lookup leaves behind where the key is, or would be. `add`, `replace` and `remove` mean that place: they follow
 *     the `find` of their key at once, with no other call in between.
 * ST3  Nothing may change during a visit; what a visit wants changed it returns.
 * ST4  A lookup begins where the last one was: asking for a key again, after a comparison, costs no search, and keys that come in
 *     order, alone or in several runs, are appended to full leaves.
 *
 * etcd: the B-tree of `treeIndex` in server/storage/mvcc/index.go. decisions/0037.
 */
import type { BTree as Tree } from '@varve/base/btree';
import { byteKey, nextByteKey } from '@varve/base/order';
import { Leaf, LEAF_KEYS } from './leaf.ts';
import { noLeaves, type LinkedLeaves } from './linked-leaves.ts';
import { hashOf, LookupCache } from './lookup-cache.ts';
import type { SavedKeys } from './saved-keys.ts';
import type { Slot } from './slot.ts';
import type { RangeEnd } from './tree-index.ts';

/** Returned by a visit to end it. */
export const STOP: { readonly break: true } = { break: true };

/** What is to become of a visited slot, or `STOP` instead of visiting it; undefined: nothing, go on. */
export type Edit = { readonly value: Slot } | { readonly delete: true } | typeof STOP | undefined;

type Visitor = (byteKey: string, slot: Slot) => typeof STOP | undefined;
/** Of saved keys that are better not read (SVK4): those from `low`, or the first one, to before `high`, or to the last one. */
type SavedVisitor = (saved: SavedKeys, low: string | undefined, high: string | undefined) => typeof STOP | undefined;

export class SlotTree {
  readonly #leaves: Tree<string, Leaf>;
  readonly #cache = new LookupCache();
  readonly #first: Leaf;
  #last: Leaf;
  #size: number;
  /** The last lookup (ST2): its key, and where that is or would be. */
  #byteKey = '';
  #slot: Slot | undefined;
  #leaf: Leaf;
  #place = 0;
  /** False where the cache told the slot: then the place is looked for when it is needed. */
  #isPlaced = false;
  /** The hash of the key, where the cache may have a line for it. */
  #hash: number | undefined;
  /** Whether nothing has changed since. */
  #isFresh = false;
  /** Whether the last change was behind all keys of its leaf, so that the next may be, too. */
  #ascends = true;
  /** Filled anew by each descent. */
  readonly #pair: [string, Leaf];

  /** @param leaves taken as they are */
  constructor({ tree, first, last, keys }: LinkedLeaves = noLeaves()) {
    this.#leaves = tree;
    this.#first = this.#leaf = first;
    this.#last = last;
    this.#size = keys;
    this.#pair = ['', first];
  }

  get size(): number {
    return this.#size;
  }

  /** Leaves, empty or not. */
  get leafN(): number {
    return this.#leaves.size;
  }

  /** The slot of `key`, which `add`, `replace` and `remove` then mean. */
  find(key: Uint8Array): Slot | undefined {
    // The key as text in any case: comparing its bytes with a string, one by one, costs several times as much.
    const text = byteKey(key);
    const found = this.lookUp(text, key);
    return typeof found === 'object' && 'isWorn' in found ? this.#locate(text, hashOf(key)) : found;
  }

  /** As `find`, for those who change nothing; where the key is among saved ones that are better not read (SVK4), these. */
  lookUp(text: string, key: Uint8Array): Slot | SavedKeys | undefined {
    if (this.#isFresh && text === this.#byteKey) return this.#slot;
    if (this.#ascends) {
      if (this.#isNext(text)) return this.#note(text, undefined, this.#leaf, this.#leaf.keys.length);
      this.#ascends = false;
    }
    const hash = hashOf(key);
    const known = this.#cache.slotOf(text, hash);
    if (known !== undefined) {
      this.#byteKey = text;
      this.#slot = known;
      this.#isPlaced = false;
      this.#isFresh = true;
      this.#hash = hash;
      return known;
    }
    const leaf = this.#leafOf(text);
    const { saved } = leaf;
    if (saved !== undefined) return saved;
    const slot = this.#locateIn(leaf, text, hash);
    // Not what is not there: what is written once is seldom read at once.
    if (slot !== undefined) this.#remember(hash, slot);
    return slot;
  }

  /** Adds the key that `find` did not find. */
  add(slot: Slot): void {
    let leaf = this.#leaf;
    let place = this.#place;
    const isLast = place === leaf.length;
    if (leaf.length >= LEAF_KEYS) {
      if (isLast) {
        leaf = this.#leafBehind(leaf, this.#byteKey);
        place = 0;
      } else {
        const right = this.#split(leaf);
        if (place > leaf.length) {
          place -= leaf.length;
          leaf = right;
        }
      }
    }
    leaf.insert(place, this.#byteKey, slot);
    this.#size++;
    this.#ascends = isLast;
    this.#note(this.#byteKey, slot, leaf, place);
  }

  /** Adds the key unless it is there. */
  addNew(key: Uint8Array, slot: Slot): boolean {
    const text = byteKey(key);
    if (this.#ascends && this.#isNext(text)) this.#note(text, undefined, this.#leaf, this.#leaf.keys.length);
    else if (this.#locate(text) !== undefined) {
      // The next `find` of it has to ask the cache, which may have a line that a change must reach.
      this.#isFresh = false;
      return false;
    }
    this.add(slot);
    return true;
  }

  /** Gives the key that `find` found another slot. */
  replace(slot: Slot): void {
    if (!this.#isPlaced) this.#locate(this.#byteKey, this.#hash);
    this.#leaf.slots[this.#place] = slot;
    this.#slot = slot;
    if (this.#hash !== undefined) this.#remember(this.#hash, slot);
  }

  /** Removes the key that `find` found. */
  remove(): void {
    if (!this.#isPlaced) this.#locate(this.#byteKey, this.#hash);
    if (this.#hash !== undefined) this.#cache.forget(this.#hash);
    const leaf = this.#leaf;
    leaf.removeAll([this.#place]);
    this.#size--;
    this.#isFresh = false;
    if (leaf.keys.length === 0) this.#drop(leaf);
  }

  /** Visits the keys from `low` to `end` in order, until a visitor returns something. With `onSaved`, `onKey` is told any key. */
  visit(low: string, end: RangeEnd, onKey: Visitor, onSaved?: SavedVisitor): void {
    if (end === undefined) return this.#visitOne(low, onKey, onSaved);
    const high = end.length === 0 ? undefined : byteKey(end);
    if (high !== undefined && low >= high) return;
    let from: string | undefined = low;
    for (let leaf: Leaf | undefined = this.#leafOf(low); leaf !== undefined; leaf = leaf.next, from = undefined) {
      const isEnd = high !== undefined && leaf.next !== undefined ? high <= leaf.next.low : high !== undefined;
      const to = isEnd ? high : undefined;
      const { saved } = leaf;
      if (saved === undefined || onSaved === undefined) {
        const { slots } = leaf;
        const keys = onSaved === undefined ? leaf.passingKeys : undefined;
        const last = to === undefined ? slots.length : leaf.placeOf(to);
        for (let place = from === undefined ? 0 : leaf.placeOf(from); place < last; place++)
          if (onKey(keys === undefined ? '' : keys[place]!, slots[place]!) !== undefined) return;
      } else if (onSaved(saved, from, to) !== undefined) return;
      if (isEnd) return;
    }
  }

  /** As `visit`, from the last key to the first. */
  visitReversed(low: string, end: RangeEnd, onKey: Visitor): void {
    if (end === undefined) return this.#visitOne(low, onKey);
    const high = end.length === 0 ? undefined : byteKey(end);
    if (high !== undefined && low >= high) return;
    let leaf: Leaf | undefined = high === undefined ? this.#last : this.#leafOf(high);
    let place = (high === undefined ? leaf.length : leaf.placeOf(high)) - 1;
    for (;;) {
      const { slots, passingKeys: keys } = leaf;
      const isEnd = low >= leaf.low;
      const from = isEnd ? leaf.placeOf(low) : 0;
      for (; place >= from; place--) if (onKey(keys[place]!, slots[place]!) !== undefined) return;
      if (isEnd || leaf.previous === undefined) return;
      leaf = leaf.previous;
      place = leaf.length - 1;
    }
  }

  /** Visits the slots of all keys from `low` on and does what `onSlot` returns; gives the key it stopped at, or undefined. */
  edit(low: string, onSlot: (slot: Slot, visited: number) => Edit): string | undefined {
    let leaf: Leaf | undefined = this.#leafOf(low);
    let place = leaf.placeOf(low);
    let visited = 0;
    let changed = false;
    while (leaf !== undefined) {
      const { slots } = leaf;
      const removed: number[] = [];
      let stopped: string | undefined;
      try {
        for (; place < slots.length; place++) {
          const edit = onSlot(slots[place]!, visited);
          if (edit !== undefined) {
            if ('break' in edit) {
              stopped = leaf.keyAt(place);
              break;
            }
            // Before the first change, so that it holds however the edit ends.
            if (!changed) this.#forgetAll();
            changed = true;
            if ('delete' in edit) removed.push(place);
            else slots[place] = edit.value;
          }
          visited++;
        }
      } finally {
        if (removed.length > 0) this.#shrink(leaf, removed);
      }
      if (stopped !== undefined) return stopped;
      // A leaf that was dropped or joined keeps its successor.
      leaf = leaf.next;
      place = 0;
    }
    return undefined;
  }

  *entries(): Generator<readonly [byteKey: string, slot: Slot], void, undefined> {
    for (let leaf: Leaf | undefined = this.#first; leaf !== undefined; leaf = leaf.next) {
      for (const [place, key] of leaf.keys.entries()) yield [key, leaf.slots[place]!];
    }
  }

  /** Throws when leaves or keys are out of order, or the tree does not hold the leaves. O(keys). */
  checkInvariants(): void {
    this.#leaves.checkValid(true);
    let size = 0;
    let leafN = 0;
    let previous: Leaf | undefined;
    for (let leaf: Leaf | undefined = this.#first; leaf !== undefined; previous = leaf, leaf = leaf.next) {
      rule(leaf.previous === previous, 'ST1: leaves are linked both ways');
      rule(this.#leaves.get(leaf.low) === leaf, 'ST1: the tree holds each leaf');
      rule(leaf.length > 0 || leaf === this.#first, 'ST1: only the first leaf may be empty');
      leaf.checkInvariants();
      size += leaf.length;
      leafN++;
    }
    rule(previous === this.#last, 'ST1: the last leaf is known');
    rule(leafN === this.#leaves.size, 'ST1: the tree holds no other leaf');
    rule(size === this.#size, 'ST1: keys are counted');
    for (const [byteKey, slot] of this.#cache) {
      rule(this.#inTree(byteKey) === slot, 'LK2: a cached slot is the one in the tree');
    }
    if (this.#isFresh) rule(this.#inTree(this.#byteKey) === this.#slot, 'ST2: the last lookup is still true');
  }

  #inTree(key: string): Slot | undefined {
    const leaf = this.#leaves.getPairOrNextLower(key)![1];
    const place = leaf.search(key);
    return place < 0 ? undefined : leaf.slots[place];
  }

  /** Of the key that `find` found, under the tree's own string where it has one (LK3). */
  #remember(hash: number, slot: Slot): void {
    const leaf = this.#leaf;
    this.#cache.remember(leaf.areKeysRead ? leaf.keys[this.#place]! : this.#byteKey, hash, slot);
  }

  #forgetAll(): void {
    this.#cache.clear();
    this.#isFresh = false;
  }

  /** Whether the key's place is behind all keys of the leaf that was asked last. */
  #isNext(key: string): boolean {
    if (!this.#leaf.areKeysRead) return false;
    const { keys, low, next } = this.#leaf;
    const from = keys.length === 0 ? low : keys[keys.length - 1]!;
    return (keys.length === 0 ? key >= from : key > from) && (next === undefined || key < next.low);
  }

  #locate(key: string, hash?: number): Slot | undefined {
    return this.#locateIn(this.#leafOf(key), key, hash);
  }

  #locateIn(leaf: Leaf, key: string, hash: number | undefined): Slot | undefined {
    // First, because that makes a leaf like new that was searched often.
    const { slots } = leaf;
    const place = leaf.search(key);
    return this.#note(key, place < 0 ? undefined : slots[place], leaf, place < 0 ? ~place : place, hash);
  }

  #note(key: string, slot: Slot | undefined, leaf: Leaf, place: number, hash?: number): Slot | undefined {
    this.#byteKey = key;
    this.#slot = slot;
    this.#leaf = leaf;
    this.#place = place;
    this.#isPlaced = true;
    this.#isFresh = true;
    this.#hash = hash;
    return slot;
  }

  /** The leaf that has the key, or would have it. */
  #leafOf(key: string): Leaf {
    if (this.#leaf.covers(key)) return this.#leaf;
    return this.#leaves.getPairOrNextLower(key, this.#pair)![1];
  }

  #visitOne(key: string, onKey: Visitor, onSaved?: SavedVisitor): void {
    const leaf = this.#leafOf(key);
    const { saved } = leaf;
    if (saved !== undefined && onSaved !== undefined) {
      onSaved(saved, key, nextByteKey(key));
      return;
    }
    const place = leaf.search(key);
    if (place >= 0) onKey(key, leaf.slots[place]!);
  }

  /**
   * Where a key goes that is behind all keys of a full leaf: in front of the next one if that is half empty, else into a leaf of its
   * own. So runs of ascending keys leave full leaves behind, and descending ones no leaf for each key.
   */
  #leafBehind(full: Leaf, key: string): Leaf {
    full.trim();
    const { next } = full;
    if (next === undefined || next.length > LEAF_KEYS / 2) return this.#insertLeaf(full, new Leaf(key));
    this.#leaves.delete(next.low);
    next.low = key;
    this.#leaves.set(key, next);
    return next;
  }

  /** Moves the upper half of the keys to a new leaf. */
  #split(leaf: Leaf): Leaf {
    const { keys, slots } = leaf;
    const half = keys.length >>> 1;
    const right = new Leaf(keys[half]!).fill(keys.slice(half), slots.slice(half));
    leaf.fill(keys.slice(0, half), slots.slice(0, half));
    return this.#insertLeaf(leaf, right);
  }

  #insertLeaf(before: Leaf, leaf: Leaf): Leaf {
    leaf.previous = before;
    leaf.next = before.next;
    if (before.next === undefined) this.#last = leaf;
    else before.next.previous = leaf;
    before.next = leaf;
    this.#leaves.set(leaf.low, leaf);
    return leaf;
  }

  /** Takes keys out of a leaf during an edit, and the leaf away if it, and the one before, have become small. */
  #shrink(leaf: Leaf, places: readonly number[]): void {
    leaf.removeAll(places);
    this.#size -= places.length;
    this.#isFresh = false;
    const { previous } = leaf;
    if (leaf.length === 0) this.#drop(leaf);
    else if (previous !== undefined && previous.length + leaf.length <= LEAF_KEYS) {
      previous.fill(previous.keys.concat(leaf.keys), previous.slots.concat(leaf.slots));
      this.#drop(leaf);
    }
  }

  /** Takes a leaf out of the tree (LEF2), but for the first. Its own links stay. */
  #drop(leaf: Leaf): void {
    leaf.empty();
    const { previous, next } = leaf;
    if (previous === undefined) return;
    previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#leaves.delete(leaf.low);
    this.#leaf = previous;
    this.#isFresh = false;
  }
}

function rule(holds: boolean, text: string): void {
  if (!holds) throw new Error(text);
}
