/** What the tree of all keys begins with: leaves, linked both ways, and a tree that finds each under its `low` (ST1). */
import { BTree } from '@varve/base/btree';
import { compareByteKeys } from '@varve/base/order';
import { Leaf } from './leaf.ts';

export const NODE_SIZE = 64;

export interface LinkedLeaves {
  readonly tree: BTree<string, Leaf>;
  readonly first: Leaf;
  readonly last: Leaf;
  /** In all leaves. */
  readonly keys: number;
}

/** The one leaf of a tree without keys. */
export function noLeaves(): LinkedLeaves {
  const tree = new BTree<string, Leaf>(undefined, compareByteKeys, NODE_SIZE);
  const first = new Leaf('');
  tree.set(first.low, first);
  return { tree, first, last: first, keys: 0 };
}
