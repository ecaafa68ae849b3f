/**
 * Fills a tree with keys in their order, node by node, without a descent for each.
 *
 * BTL1  The library's own `bulkLoad` does all in one go, which for a million keys is a tenth of a second; this makes each node as soon
 *     as it is full.
 * BTL2  Where the library does not show its nodes, keys are put in one by one: the same tree, more slowly.
 * BTL3  No node but the root has a single one below it: two are held back until there are more, or the end.
 */
import { BTree, nodes, type BTree as Tree } from './btree.ts';

/** A node is filled so far: the next insertions into it need not split it. */
const FILLED = 7 / 8;
const HELD_BACK = 2;

/** Nodes of one height that have none above them yet, and how many keys are below each. */
interface Level {
  readonly nodes: object[];
  readonly sizes: number[];
}

export class TreeLoader<K, V> {
  readonly #tree: Tree<K, V>;
  readonly #filled: number;
  /** From the leaves up. */
  readonly #levels: Level[] = [];
  /** Of the next leaf, as far as `#filling` says: the arrays stay the same ones. */
  readonly #keys: K[] = [];
  readonly #values: V[] = [];
  #filling = 0;

  constructor(compare: (a: K, b: K) => number, nodeSize: number) {
    this.#tree = new BTree<K, V>(undefined, compare, nodeSize);
    this.#filled = Math.max(2, Math.floor(nodeSize * FILLED));
  }

  /** A key above all before it, which the caller sees to. */
  add(key: K, value: V): void {
    if (nodes === undefined) {
      this.#tree.set(key, value);
      return;
    }
    const at = this.#filling++;
    this.#keys[at] = key;
    this.#values[at] = value;
    if (this.#filling === this.#filled) this.#endLeaf();
  }

  /** The tree, which belongs to the caller; the loader is done. */
  end(): Tree<K, V> {
    if (this.#filling > 0) this.#endLeaf();
    for (let height = 0; height < this.#levels.length; height++) {
      const level = this.#levels[height]!;
      if (height === this.#levels.length - 1 && level.nodes.length === 1) {
        Object.assign(this.#tree, { _root: level.nodes[0] });
        break;
      }
      this.#endInner(height, level.nodes.length);
    }
    return this.#tree;
  }

  #endLeaf(): void {
    const size = this.#filling;
    this.#filling = 0;
    // Copies of the very size, without room for more.
    this.#push(0, new nodes!.Leaf(this.#keys.slice(0, size), this.#values.slice(0, size)), size);
  }

  #push(height: number, node: object, size: number): void {
    const level = (this.#levels[height] ??= { nodes: [], sizes: [] });
    level.nodes.push(node);
    level.sizes.push(size);
    if (level.nodes.length === this.#filled + HELD_BACK) this.#endInner(height, this.#filled);
  }

  /** Puts a node above the first `count` of this height. */
  #endInner(height: number, count: number): void {
    const level = this.#levels[height]!;
    const size = level.sizes.splice(0, count).reduce((sum, keys) => sum + keys, 0);
    this.#push(height + 1, new nodes!.Inner(level.nodes.splice(0, count), size), size);
  }
}
