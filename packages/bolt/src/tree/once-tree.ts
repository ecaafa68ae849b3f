/**
 * A tree for who reads everything once: a page that was read before, in this or in another tree, is damage.
 *
 * OT1  Only forward walks from the first entry, one a tree: they come to each page a single time.
 * OT2  The pages that were read are known to all trees of one walk: a bucket that leads back to another one ends it.
 * OT3  Keys ascend in each page, also in one with the right checksum for the wrong order, and in inline buckets.
 */
import { corrupt } from '../errors.ts';
import { Page } from '../format/page.ts';
import type { Block } from '../format/page.ts';
import type { PageSet } from '../pages/page-set.ts';
import type { Tree } from './tree-cursor.ts';

/** A tree whose pages are given out once each. */
export class OnceTree implements Tree {
  readonly changes: number = 0;
  readonly rootPage: number;
  readonly #tree: Tree;
  readonly #seen: PageSet;

  /** @param seen the pages that were read, by this and other trees */
  constructor(tree: Tree, seen: PageSet) {
    this.#tree = tree;
    this.#seen = seen;
    this.rootPage = tree.rootPage;
  }

  rootBlock(): Block {
    return this.#once(this.#tree.rootBlock());
  }

  childBlock(parent: Block, index: number, passing: boolean): Block {
    return this.#once(this.#tree.childBlock(parent, index, passing));
  }

  #once(block: Block): Block {
    if (!(block instanceof Page)) return block;
    const met = block.id === 0 ? undefined : this.#seen.addRun(block.id, block.overflow + 1);
    if (met !== undefined) throw corrupt(met, 'is used twice', 'C4');
    block.checkOrder(block.id);
    return block;
  }
}
