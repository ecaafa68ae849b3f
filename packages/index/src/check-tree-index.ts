/** The check of a whole index, for tests; apart from it, because no store loads it. */
import { checkTree } from './check-invariants.ts';
import { BTreeIndex } from './create-tree-index.ts';
import type { TreeIndex } from './tree-index.ts';

/**
 * Throws when a structural rule of the index does not hold. O(all revisions).
 * @throws IndexError `INDEX_CORRUPT` naming the rule; TypeError for an index that `createTreeIndex` has not made
 */
export function checkTreeIndex(index: TreeIndex): void {
  if (!(index instanceof BTreeIndex)) throw new TypeError('only what createTreeIndex has made can be checked');
  index.lend((tree, slots) => checkTree(tree, slots, index.liveKeys));
}
