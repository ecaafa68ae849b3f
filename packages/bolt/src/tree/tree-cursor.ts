/**
 * A place in one bucket's tree, moved forward and backward over pages and pages being rewritten alike.
 *
 * TRC1  The stack holds a block and an index per level; the lowest is a leaf.
 * TRC2  After a move that found nothing the place is as before, except after `seek` and on an empty tree: then there is none.
 * TRC3  Changes by the own transaction end the stack's validity; the next move finds its place again by its key, so nothing
 *     is skipped or seen twice.
 * TRC4  The blocks of the stack are held, and the leaf of the place once more: its memory keeps what `source` shows.
 * TRC5  A walk over many leaves reads the next ones past the cache, into the memory of those it left: a scan of everything
 *     forgets nothing that others use, and needs no memory of its own.
 * TRC6  Keys ascend from leaf to leaf, the last of a leaf is not before its first, `seek` finds nothing below its key, and a
 *     tree has at most 48 levels: on a damaged file every walk ends, and so does every walk that seeks its way.
 *
 * bbolt: cursor.go. Departs: TRC3, undefined there.
 */
import { compareRuns } from '@varve/base/order';
import { corrupt } from '../errors.ts';
import type { Block } from '../format/page.ts';
import { NO_STAMP } from '../format/seal.ts';

/** No tree with two children a branch has more levels in 2^48 pages. */
const MOST_LEVELS = 48;
/** A walk over so many leaves is a long one. PostgreSQL tells by the table's size; a cursor does not know how far it goes. */
const LONG_WALK = 64;
const NOTHING: Buffer = Buffer.alloc(0);

/** A tree as the cursor sees it. */
export interface Tree {
  /** The root block of now. */
  rootBlock(): Block;
  /** The block of a child entry. Not an empty page. `passing`: it will not be asked for again soon. */
  childBlock(parent: Block, index: number, passing: boolean): Block;
  /** Counts changes of the tree. Always 0 in a read transaction. */
  readonly changes: number;
  /** Page to blame. */
  readonly rootPage: number;
}

/** Moves in a tree; reading at the place is up to whoever holds it. */
export class TreeCursor {
  readonly #tree: Tree;
  readonly #blocks: Block[] = [];
  readonly #indexes: number[] = [];
  #changes = 0;
  #leaf: Block | undefined;
  #index = 0;
  /** Leaves entered from a neighbour since the last start. */
  #walked = 0;
  #pastEnd = false;

  /** Buffer of the key and value at the place, until the next move. It and the next four outlive changes of the tree. */
  source: Buffer = NOTHING;
  keyAt = 0;
  keyLength = 0;
  /** The value follows the key directly. */
  valueLength = 0;
  isBucket = false;
  /** The page of the place. */
  page = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** False before the first move, after a failed `seek` and on an empty tree. */
  get placed(): boolean {
    return this.#leaf !== undefined;
  }

  /** What that page says of the bucket at the place: what the seal of its root page must bear. */
  get stamp(): number {
    return this.#leaf?.stamp(this.#index) ?? NO_STAMP;
  }

  get #stale(): boolean {
    return this.#changes !== this.#tree.changes;
  }

  first(): boolean {
    this.#restart();
    return this.#descend(this.#tree.rootBlock(), false) && this.#settle(false);
  }

  last(): boolean {
    this.#restart();
    return this.#descend(this.#tree.rootBlock(), true) && this.#settle(true);
  }

  next(): boolean {
    if (this.#leaf === undefined) return !this.#pastEnd && this.first();
    if (!this.#stale) return this.#step(false);
    const key = this.#key();
    if (!this.seek(key)) return false;
    return this.#compareKey(key) > 0 || this.#step(false);
  }

  prev(): boolean {
    if (this.#leaf === undefined) return this.last();
    if (!this.#stale) return this.#step(true);
    return this.seek(this.#key()) ? this.#step(true) : this.last();
  }

  seek(key: Uint8Array): boolean {
    this.#restart();
    let block = this.#tree.rootBlock();
    while (!block.leaf) {
      const index = block.childIndex(key);
      this.#push(block, index);
      block = this.#tree.childBlock(block, index, false);
    }
    const index = block.lowerBound(key);
    this.#push(block, index);
    if (index < block.count) return this.#arrive(block, index) && this.#notBelow(key);
    this.#indexes[this.#indexes.length - 1] = block.count - 1;
    if (this.#walk(false)) return this.#notBelow(key);
    this.#restart();
    this.#pastEnd = true;
    return false;
  }

  #restart(): void {
    this.#cutStack(0);
    this.#leaf?.letGo();
    this.#leaf = undefined;
    this.#walked = 0;
    this.#pastEnd = false;
    this.#changes = this.#tree.changes;
  }

  #push(block: Block, index: number): void {
    if (this.#blocks.length === MOST_LEVELS) throw corrupt(this.#tree.rootPage, 'a tree too deep to end: a cycle');
    block.hold();
    this.#blocks.push(block);
    this.#indexes.push(index);
  }

  #cutStack(levels: number): void {
    for (let level = this.#blocks.length - 1; level >= levels; level--) (this.#blocks[level] as Block).letGo();
    this.#blocks.length = levels;
    this.#indexes.length = levels;
  }

  /** Down from `block` along one edge. */
  #descend(block: Block, rightmost: boolean): boolean {
    let at = block;
    for (;;) {
      const index = rightmost ? at.count - 1 : 0;
      this.#push(at, index);
      if (at.leaf) return true;
      at = this.#tree.childBlock(at, index, this.#walked > LONG_WALK);
    }
  }

  /** Takes the entry under the stack, or the nearest in that direction if its leaf was emptied. */
  #settle(backward: boolean): boolean {
    const top = this.#blocks.length - 1;
    const leaf = this.#blocks[top] as Block;
    return leaf.count > 0 ? this.#arrive(leaf, this.#indexes[top] as number) : this.#walk(backward);
  }

  /** One entry on; without one the place stays. */
  #step(backward: boolean): boolean {
    const top = this.#blocks.length - 1;
    const leaf = this.#blocks[top] as Block;
    const index = this.#index + (backward ? -1 : 1);
    if (index >= 0 && index < leaf.count) {
      this.#indexes[top] = index;
      return this.#arrive(leaf, index);
    }
    const blocks = this.#blocks.slice();
    const indexes = this.#indexes.slice();
    for (const block of blocks) block.hold();
    const found = this.#walk(backward);
    if (!found) {
      this.#cutStack(0);
      for (const [level, block] of blocks.entries()) this.#push(block, indexes[level] as number);
    }
    for (const block of blocks) block.letGo();
    return found;
  }

  /** To the nearest entry in another leaf. */
  #walk(backward: boolean): boolean {
    const blocks = this.#blocks;
    const indexes = this.#indexes;
    for (;;) {
      let level = blocks.length - 2;
      while (
        level >= 0 &&
        (backward ? indexes[level] === 0 : (indexes[level] as number) + 1 >= (blocks[level] as Block).count)
      ) {
        level--;
      }
      if (level < 0) return false;
      const parent = blocks[level] as Block;
      const index = (indexes[level] as number) + (backward ? -1 : 1);
      indexes[level] = index;
      this.#cutStack(level + 1);
      this.#walked++;
      this.#descend(this.#tree.childBlock(parent, index, this.#walked > LONG_WALK), backward);
      const top = blocks.length - 1;
      const leaf = blocks[top] as Block;
      if (leaf.count === 0) continue;
      this.#requireAscent(leaf);
      this.#requireProgress(leaf, indexes[top] as number, backward);
      return this.#arrive(leaf, indexes[top] as number);
    }
  }

  #requireProgress(leaf: Block, index: number, backward: boolean): void {
    if (this.#leaf === undefined) return;
    const order = compareRuns(
      leaf.source(index),
      leaf.keyAt(index),
      leaf.keyLength(index),
      this.source,
      this.keyAt,
      this.keyLength,
    );
    if (backward ? order >= 0 : order <= 0) throw corrupt(this.#tree.rootPage, 'leaves of this tree are not in order');
  }

  /** Whose checksum is right may still have its keys in the wrong order: a file can come from a stranger. */
  #requireAscent(leaf: Block): void {
    const last = leaf.count - 1;
    const order = compareRuns(
      leaf.source(0),
      leaf.keyAt(0),
      leaf.keyLength(0),
      leaf.source(last),
      leaf.keyAt(last),
      leaf.keyLength(last),
    );
    if (order > 0) throw corrupt(this.#tree.rootPage, 'keys of this tree are not in order', 'C8');
  }

  #arrive(leaf: Block, index: number): boolean {
    leaf.hold();
    this.#leaf?.letGo();
    this.#leaf = leaf;
    this.#index = index;
    this.source = leaf.source(index);
    this.keyAt = leaf.keyAt(index);
    this.keyLength = leaf.keyLength(index);
    this.valueLength = leaf.valueLength(index);
    this.isBucket = leaf.isBucket(index);
    this.page = leaf.id;
    return true;
  }

  /** A copy: moving lets the place's memory go. */
  #key(): Buffer {
    return Buffer.from(this.source.subarray(this.keyAt, this.keyAt + this.keyLength));
  }

  /** What is sought can only be here or later: less than that is a tree out of order. */
  #notBelow(key: Uint8Array): boolean {
    if (this.#compareKey(key) < 0) throw corrupt(this.page, 'its keys are below those of the page before it');
    return true;
  }

  #compareKey(key: Uint8Array): number {
    return compareRuns(this.source, this.keyAt, this.keyLength, key, 0, key.length);
  }
}
