/** Where an index begins. */
import { BTreeIndex } from './create-tree-index.ts';
import type { TreeIndex } from './tree-index.ts';

/** An empty index, entirely in memory. */
export function createTreeIndex(): TreeIndex {
  return new BTreeIndex();
}
