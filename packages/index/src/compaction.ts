/**
 * The two walks over every key, in slices: what compaction drops, and what it would keep.
 *
 * CMP1  A slice is one synchronous visit of so many keys; between two slices anything may change. The next slice starts
 *     at the first key not yet visited, or at the one that now follows its place.
 * CMP2  Whatever is put meanwhile is newer than `atMain`, so a key missed or met half-way has nothing there to drop.
 * CMP3  A key that is left with no history leaves the tree in the slice that emptied it.
 *
 * etcd: `Compact` and `Keep` in server/storage/mvcc/index.go (spec 5.6). Departs: no clone of the tree, which would copy
 * every node that is written meanwhile; nothing else can run during a slice. `keep` lets writers in between slices.
 */
import { LEAF_KEYS } from './leaf.ts';
import { RevisionSet } from './revision-set.ts';
import { STOP, type Edit, type SlotTree } from './slot-tree.ts';
import type { Slot, Slots } from './slot.ts';

/** Keys of a full leaf: of a saved index their slots are made first, which takes up to half a millisecond where they have long histories. */
const SLICE_KEYS = LEAF_KEYS;

const REMOVE: Edit = { delete: true };

export function* compactTree(
  tree: SlotTree,
  slots: Slots,
  atMain: number,
  sliceKeys: number = SLICE_KEYS,
): Generator<void, RevisionSet, void> {
  checkSlices(atMain, sliceKeys);
  const kept = new RevisionSet();
  slots.renew();
  const visit = (slot: Slot, visited: number): Edit => {
    if (visited === sliceKeys) return STOP;
    const value = slots.compact(slot, atMain, kept);
    if (value === undefined) return REMOVE;
    return value === slot ? undefined : { value };
  };
  yield* sliced(tree, visit);
  return kept;
}

export function* keepTree(
  tree: SlotTree,
  slots: Slots,
  atMain: number,
  sliceKeys: number = SLICE_KEYS,
): Generator<void, RevisionSet, void> {
  checkSlices(atMain, sliceKeys);
  const kept = new RevisionSet();
  const visit = (slot: Slot, visited: number): Edit => {
    if (visited === sliceKeys) return STOP;
    slots.keep(slot, atMain, kept);
    return undefined;
  };
  yield* sliced(tree, visit);
  return kept;
}

/** Each slice starts where the one before stopped. */
function* sliced(tree: SlotTree, visit: (slot: Slot, visited: number) => Edit): Generator<void, void> {
  let from = tree.edit('', visit);
  while (from !== undefined) {
    yield;
    from = tree.edit(from, visit);
  }
}

function checkSlices(atMain: number, sliceKeys: number): void {
  if (!Number.isSafeInteger(atMain)) throw new RangeError(`atMain must be a whole number, not ${atMain}`);
  if (!Number.isSafeInteger(sliceKeys) || sliceKeys < 1) {
    throw new RangeError(`sliceKeys must be a positive integer, not ${sliceKeys}`);
  }
}
