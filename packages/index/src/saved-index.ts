/**
 * The index as blocks of bytes, and back.
 *
 * SVX1  Apart from the index itself: a store that keeps nothing beside its records loads none of this.
 */
import { BTreeIndex } from './create-tree-index.ts';
import { TreeReader } from './load.ts';
import { saveTree } from './save.ts';
import { Slots } from './slot.ts';
import type { TreeIndex, TreeIndexLoading } from './tree-index.ts';

/**
 * The index as of `atMain`, a finished transaction, as blocks of bytes that `loadTreeIndex` takes: each as long as `blockBytes` says, and what
 * the last key in it takes more; a step that has not filled one gives undefined. @default blockBytes 32 KiB.
 * Returns how many keys there are in them. Between two steps anything may run, but a compaction above
 * `atMain` makes them worthless, and one at or below it must be repeated on what is loaded. Blocks belong to the caller.
 * @throws TypeError for an index that `createTreeIndex` has not made; RangeError at the first step unless `atMain` is a whole number
 */
export function saveTreeIndex(
  index: TreeIndex,
  atMain: number,
  blockBytes?: number,
): Generator<Uint8Array | undefined, number, void> {
  if (!(index instanceof BTreeIndex)) throw new TypeError('only what createTreeIndex has made can be saved');
  return index.lend((tree, slots) => saveTree(tree, slots, atMain, blockBytes));
}

/** An index that is to be what `saveTreeIndex` has saved. */
export function loadTreeIndex(): TreeIndexLoading {
  const slots = new Slots();
  const reader = new TreeReader(slots);
  return {
    add: (block) => {
      reader.add(block);
    },
    get keys() {
      return reader.keys;
    },
    end: () => new BTreeIndex(reader.tree(), slots, reader.liveKeys),
  };
}
