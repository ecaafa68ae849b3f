/**
 * Merging nodes that lost entries, before they are placed.
 *
 * RBL1  Afterwards no node but the root is empty, and no branch has a single child that this transaction could have merged.
 * RBL2  A node that an earlier merge removed can still wait in the list: it is skipped, or separators would go wrong.
 * RBL3  All leaves stay at one depth: only siblings merge, and a root gives way to its only child as a whole.
 *
 * bbolt: node.go (rebalance). Departs: a merge is decided against the usable page, without the seal; entries are found in
 * the parent by child, not by key.
 */
import { requireOrder } from './node.ts';
import type { Node } from './node.ts';
import type { Space } from './spill.ts';
import type { WriteTree } from './write-tree.ts';

/** Rebalances a tree and the nested trees that were opened, a node a step. */
export function* rebalance(tree: WriteTree, space: Space): Generator<void> {
  for (const { tree: nested } of tree.nested.values()) yield* rebalance(nested, space);
  for (let node = tree.unbalanced.pop(); node !== undefined; node = tree.unbalanced.pop()) {
    if (!node.unbalanced) continue;
    balance(tree, node, space);
    yield;
  }
}

function balance(tree: WriteTree, node: Node, space: Space): void {
  if (!node.unbalanced || node.gone || tree.nodes.get(node.ref) !== node) return;
  node.unbalanced = false;
  const enough = node.count > (node.leaf ? 1 : 2);
  if (enough && node.bytes > space.pageSize / 4) return;
  const { parent } = node;
  if (parent === undefined) {
    collapse(tree, node, space);
    return;
  }
  if (node.count === 0) {
    parent.remove(parent.indexOfChild(node.ref));
    drop(tree, node, parent, space);
  } else if (parent.count > 1) {
    mergeWithSibling(tree, node, parent, space);
  } else return;
  parent.unbalanced = true;
  balance(tree, parent, space);
}

function mergeWithSibling(tree: WriteTree, node: Node, parent: Node, space: Space): void {
  const index = parent.indexOfChild(node.ref);
  const left = index === 0 ? node : tree.takeChild(parent, index - 1);
  const right = index === 0 ? tree.takeChild(parent, 1) : node;
  requireOrder(left, left.count - 1, right, 0);
  parent.remove(index === 0 ? 1 : index);
  left.append(right);
  drop(tree, right, parent, space);
}

/** A root branch with one child becomes that child. */
function collapse(tree: WriteTree, root: Node, space: Space): void {
  while (!root.leaf && root.count === 1) {
    const child = tree.takeChild(root, 0);
    root.remove(0);
    root.kids = [];
    root.leaf = child.leaf;
    root.append(child);
    drop(tree, child, root, space);
  }
  if (!root.leaf && root.count === 0) root.leaf = true;
}

function drop(tree: WriteTree, node: Node, parent: Node, space: Space): void {
  node.gone = true;
  tree.nodes.delete(node.ref);
  const index = parent.kids.indexOf(node);
  if (index >= 0) parent.kids.splice(index, 1);
  space.free(node.pgid, node.pages);
  node.pgid = 0;
}
