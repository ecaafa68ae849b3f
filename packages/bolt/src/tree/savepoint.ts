/**
 * Undoing one body of several that share a commit.
 *
 * SA1  Before a node or a tree changes for the first time since the savepoint, it is copied (five numbers an entry, no
 *     bytes). Going back puts the copies in place and forgets nodes taken since.
 * SA2  Without a savepoint nothing is copied: a body that is alone is undone by dropping the transaction.
 *
 * bbolt: none. Its `Batch` runs bodies again instead, which they must be written for.
 */
import type { Node, NodeCopy } from './node.ts';
import type { NestedTree, WriteTree } from './write-tree.ts';

interface TreeCopy {
  readonly tree: WriteTree;
  readonly rootNode: Node | undefined;
  readonly nested: Map<string, NestedTree>;
  readonly sequence: bigint;
  readonly sequenceChanged: boolean;
  readonly deleted: boolean;
  readonly deletedRoots: number;
}

/** Copies of what changed since `set`. */
export class Savepoint {
  #active = false;
  #stamp = 0;
  #nodes: NodeCopy[] = [];
  #trees: Map<WriteTree, TreeCopy> = new Map();
  #born: { readonly tree: WriteTree; readonly node: Node }[] = [];

  set(): void {
    this.#active = true;
    this.#stamp++;
    this.#nodes = [];
    this.#trees = new Map();
    this.#born = [];
  }

  clear(): void {
    this.#active = false;
    this.#nodes = [];
    this.#trees = new Map();
    this.#born = [];
  }

  /** To be called before a node changes. */
  node(node: Node): void {
    if (!this.#active || node.savedAt === this.#stamp) return;
    node.savedAt = this.#stamp;
    this.#nodes.push(node.copy());
  }

  /** To be called before a tree's root node, nested buckets or sequence change. */
  tree(tree: WriteTree): void {
    if (!this.#active || this.#trees.has(tree)) return;
    const { rootNode, sequence, sequenceChanged, deleted } = tree;
    const nested = new Map(tree.nested);
    const deletedRoots = tree.deletedRoots.length;
    this.#trees.set(tree, { tree, rootNode, nested, sequence, sequenceChanged, deleted, deletedRoots });
  }

  /** To be called when a page becomes a node. */
  born(tree: WriteTree, node: Node): void {
    if (this.#active) this.#born.push({ tree, node });
  }

  restore(): void {
    for (const copy of this.#nodes) copy.node.restore(copy);
    for (const { tree, node } of this.#born) {
      tree.nodes.delete(node.ref);
      const kids = node.parent?.kids;
      const index = kids?.indexOf(node) ?? -1;
      if (index >= 0) kids?.splice(index, 1);
      tree.changes++;
    }
    for (const copy of this.#trees.values()) {
      const { tree } = copy;
      if (copy.rootNode === undefined && tree.rootNode !== undefined) tree.nodes.clear();
      tree.rootNode = copy.rootNode;
      tree.nested = copy.nested;
      tree.sequence = copy.sequence;
      tree.sequenceChanged = copy.sequenceChanged;
      tree.deleted = copy.deleted;
      tree.deletedRoots.length = copy.deletedRoots;
      tree.changes++;
    }
    this.clear();
  }
}
