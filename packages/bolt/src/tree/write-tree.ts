/**
 * One bucket's tree in a write transaction: pages where nothing changed, nodes where something did.
 *
 * WRT1  The first change in a leaf takes it and every page above it into memory. Nothing is merged, placed or freed before
 *     the commit; only a node that grew far beyond a page is cut in two at once, so that inserting stays cheap.
 * WRT2  Every node that is in memory is its parent's kid, or the root; there is one node a reference.
 * WRT3  Whatever changes was saved before, if a savepoint is set (see `savepoint.ts`).
 * WRT4  A nested bucket that was opened is one object, whoever opened it.
 * WRT5  A deleted bucket leaves the root it has on the medium to its parent. Whoever deletes the parent too deletes that
 *     note with it: the parent's own tree on the medium holds the same pages, and each is freed once.
 * WRT6  A page that two entries refer to is damage: it cannot be changed for one of them.
 *
 * bbolt: bucket.go, node.go.
 */
import { byteKey, compareRuns } from '@varve/base/order';
import { findEntry, findLeaf } from './bucket-reader.ts';
import { BoltError, corrupt } from '../errors.ts';
import type { Meta } from '../format/meta.ts';
import { Node } from './node.ts';
import type { Sources } from './node.ts';
import { BUCKET_HEADER, LEAF_FLAG, Page, readBucketHeader } from '../format/page.ts';
import type { Block, BucketHeader } from '../format/page.ts';
import type { PageFile } from '../pages/page-file.ts';
import { childPage } from './page-tree.ts';
import type { PageReference } from '../format/page-reference.ts';
import type { Savepoint } from './savepoint.ts';
import { NO_STAMP } from '../format/seal.ts';
import type { Tree } from './tree-cursor.ts';

const MOST_LEVELS = 48;
/** A node is cut in two when it has more entries and more pages' worth of bytes than this. */
const LARGE_ENTRIES = 256;
const LARGE_PAGES = 4;

/** What all trees of one write transaction share. */
export interface WriteContext {
  readonly pages: PageFile;
  readonly meta: Meta;
  readonly sources: Sources;
  readonly savepoint: Savepoint;
  /** The next negative reference. */
  nextRef(): number;
}

/** A bucket opened inside of another one. */
export interface NestedTree {
  readonly name: Uint8Array;
  readonly tree: WriteTree;
}

/** The tree of one bucket. */
export class WriteTree implements Tree {
  readonly context: WriteContext;
  readonly header: BucketHeader;
  readonly rootPage: number;
  readonly nodes: Map<number, Node> = new Map();
  readonly unbalanced: Node[] = [];
  /** Roots of trees on the medium whose buckets were deleted from this one. */
  readonly deletedRoots: PageReference[] = [];
  rootNode: Node | undefined;
  nested: Map<string, NestedTree> = new Map();
  sequence: bigint;
  sequenceChanged = false;
  deleted = false;
  changes = 0;
  fillPercent = 0.5;

  constructor(context: WriteContext, header: BucketHeader) {
    this.context = context;
    this.header = header;
    this.rootPage = header.root;
    this.sequence = header.sequence;
  }

  rootBlock(): Block {
    return this.rootNode ?? this.#rootBefore();
  }

  /** The root as the state before has it. */
  #rootBefore(): Page {
    const { pages, meta } = this.context;
    const { root, inline, stamp, from } = this.header;
    return inline ?? pages.page(root, meta, stamp, from);
  }

  childBlock(parent: Block, index: number, passing: boolean): Block {
    const { context } = this;
    return this.nodes.get(parent.child(index)) ?? childPage(context.pages, context.meta, parent, index, passing);
  }

  /** The root as a node. */
  takeRoot(): Node {
    if (this.rootNode !== undefined) return this.rootNode;
    const { context } = this;
    context.savepoint.tree(this);
    const page = this.#rootBefore();
    requireDistinct(page);
    const node = Node.from(context.sources, page, page.id, undefined);
    this.nodes.set(node.ref, node);
    this.rootNode = node;
    return node;
  }

  /** A child as a node. */
  takeChild(parent: Node, index: number): Node {
    const { context } = this;
    const ref = parent.child(index);
    const known = this.nodes.get(ref);
    if (known !== undefined) {
      if (known.parent !== parent) throw corrupt(ref, 'is referred to twice', 'C4');
      return known;
    }
    const page = childPage(context.pages, context.meta, parent, index, false);
    requireDistinct(page);
    const node = Node.from(context.sources, page, ref, parent);
    this.nodes.set(ref, node);
    parent.kids.push(node);
    context.savepoint.born(this, node);
    return node;
  }

  #takeLeaf(key: Uint8Array): Node {
    let node = this.takeRoot();
    for (let level = 0; !node.leaf; level++) {
      if (level === MOST_LEVELS) throw corrupt(this.rootPage, 'a tree too deep to end: a cycle');
      node = this.takeChild(node, node.childIndex(key));
    }
    return node;
  }

  /**
   * Inserts or replaces. An entry that is there must be of the same kind.
   * @param stamp 0 for a pair; for a bucket what the seal of its root page will bear
   */
  put(key: Uint8Array, value: Uint8Array, stamp: number): void {
    const { sources } = this.context;
    const at = sources.store(key, value);
    this.#put(key, sources.slab, at, value.length, stamp);
  }

  /** As `put`, of a pair that lies in `block`, the value behind the key. */
  putLent(block: Uint8Array, start: number, keyEnd: number, end: number): void {
    this.#put(block.subarray(start, keyEnd), this.context.sources.lend(block), start, end - keyEnd, 0);
  }

  /** The entry lies in the buffer numbered `source`, at `at`. */
  #put(key: Uint8Array, source: number, at: number, valueLength: number, stamp: number): void {
    const leaf = this.#takeLeaf(key);
    const index = leaf.lowerBound(key);
    const there = index < leaf.count && leaf.compareKey(index, key, 0, key.length) === 0;
    if (there) requireKind(leaf, index, stamp !== 0);
    this.context.savepoint.node(leaf);
    if (there) leaf.replace(index, source, at, key.length, valueLength, stamp);
    else leaf.insert(index, source, at, key.length, valueLength, stamp);
    this.changes++;
    if (!there && leaf.count > LARGE_ENTRIES) this.#cutLarge(leaf, index === leaf.count - 1);
  }

  /** False if there is none. */
  delete(key: Uint8Array, kind: 'pair' | 'bucket'): boolean {
    const block = findLeaf(this, key);
    const index = findEntry(block, key);
    if (index < 0) return false;
    requireKind(block, index, kind === 'bucket');
    const leaf = block instanceof Node ? block : this.#takeLeaf(key);
    this.context.savepoint.node(leaf);
    leaf.remove(index);
    this.markUnbalanced(leaf);
    this.changes++;
    return true;
  }

  markUnbalanced(node: Node): void {
    node.unbalanced = true;
    this.unbalanced.push(node);
  }

  #cutLarge(start: Node, appended: boolean): void {
    const { context } = this;
    const large = LARGE_PAGES * context.pages.pageSize;
    let node = start;
    while (node.count > LARGE_ENTRIES && node.bytes > large) {
      const parent = node.parent ?? this.#raiseRoot(node);
      context.savepoint.node(parent);
      const right = new Node(context.sources, node.leaf, context.nextRef(), parent);
      for (const kid of node.kids) context.savepoint.node(kid); // their parent may change
      node.splitAt(appended ? node.count - 2 : node.count >>> 1, right);
      this.nodes.set(right.ref, right);
      parent.kids.push(right);
      parent.insert(parent.indexOfChild(node.ref) + 1, ...firstKey(right), right.ref, NO_STAMP); // until it is placed
      node = parent;
    }
  }

  #raiseRoot(node: Node): Node {
    const { context } = this;
    context.savepoint.tree(this);
    const root = new Node(context.sources, false, context.nextRef(), undefined);
    root.insert(0, ...firstKey(node), node.ref, NO_STAMP);
    root.kids.push(node);
    this.nodes.set(root.ref, root);
    context.savepoint.node(node);
    node.parent = root;
    this.rootNode = root;
    return root;
  }

  /** The nested bucket of that name, opened once. */
  open(name: Uint8Array): WriteTree | undefined {
    const text = byteKey(name);
    const known = this.nested.get(text);
    if (known !== undefined) return known.tree;
    const leaf = findLeaf(this, name);
    const index = findEntry(leaf, name);
    if (index < 0 || !leaf.isBucket(index)) return undefined;
    const { context } = this;
    const at = leaf.keyAt(index) + leaf.keyLength(index);
    const { highWater } = context.meta;
    const from = leaf.id === 0 ? this.rootPage : leaf.id;
    const length = leaf.valueLength(index);
    const header = readBucketHeader(leaf.source(index), at, length, highWater, from, leaf.stamp(index));
    if (header.inline !== undefined && leaf instanceof Page) context.sources.keep(leaf);
    return this.#adopt(text, name, new WriteTree(context, header));
  }

  /** @throws BoltError BOLT_BUCKET_EXISTS, BOLT_INCOMPATIBLE */
  create(name: Uint8Array): WriteTree {
    const leaf = findLeaf(this, name);
    const index = findEntry(leaf, name);
    if (index >= 0 && leaf.isBucket(index)) throw new BoltError('BOLT_BUCKET_EXISTS', 'the bucket exists');
    const value = emptyBucket();
    this.put(name, value, NO_STAMP);
    const header = readBucketHeader(value, 0, value.length, 0, this.rootPage, NO_STAMP);
    return this.#adopt(byteKey(name), name, new WriteTree(this.context, header));
  }

  #adopt(text: string, name: Uint8Array, tree: WriteTree): WriteTree {
    this.context.savepoint.tree(this);
    this.nested.set(text, { name: name.slice(), tree });
    return tree;
  }

  /** False if there is none. @throws BoltError BOLT_INCOMPATIBLE */
  deleteNested(name: Uint8Array): boolean {
    const tree = this.open(name);
    if (tree === undefined) {
      if (findEntry(findLeaf(this, name), name) >= 0) throw new BoltError('BOLT_INCOMPATIBLE', 'a pair has that name');
      return false;
    }
    this.context.savepoint.tree(this);
    this.delete(name, 'bucket');
    const { root, stamp, from } = tree.header;
    if (root !== 0) this.deletedRoots.push({ id: root, stamp, from });
    tree.#end();
    this.nested.delete(byteKey(name));
    return true;
  }

  #end(): void {
    this.context.savepoint.tree(this);
    this.deleted = true;
    for (const { tree } of this.nested.values()) tree.#end();
  }

  setSequence(value: bigint): void {
    this.context.savepoint.tree(this);
    this.sequence = BigInt.asUintN(64, value);
    this.sequenceChanged = true;
  }

  /** True if the commit has something to write for it. */
  get touched(): boolean {
    if (this.rootNode !== undefined || this.sequenceChanged) return true;
    for (const { tree } of this.nested.values()) if (tree.touched) return true;
    return false;
  }
}

/** @throws BoltError BOLT_CORRUPT if two entries of a branch refer to one page, or one to the branch itself */
function requireDistinct(page: Page): void {
  if (page.leaf) return;
  const children = new Set([page.id]);
  for (let i = 0; i < page.count; i++) {
    const child = page.child(i);
    if (children.has(child)) throw corrupt(child, 'is referred to twice', 'C4');
    children.add(child);
  }
}

/** (source, at, length) of the first key. */
export function firstKey(node: Node): [source: number, at: number, length: number] {
  return [node.slots[0] as number, node.slots[1] as number, node.slots[2] as number];
}

/** @throws BoltError BOLT_INCOMPATIBLE */
function requireKind(leaf: Block, index: number, bucket: boolean): void {
  if (leaf.isBucket(index) === bucket) return;
  throw new BoltError('BOLT_INCOMPATIBLE', bucket ? 'a pair has that name' : 'a bucket has that name');
}

function emptyBucket(): Buffer {
  const value = Buffer.alloc(BUCKET_HEADER + 16);
  value.writeUInt16LE(LEAF_FLAG, BUCKET_HEADER + 8);
  return value;
}

/** Compares two keys by value. Sorting nested buckets by it keeps page ids the same on every run. */
export function byName(a: NestedTree, b: NestedTree): number {
  return compareRuns(a.name, 0, a.name.length, b.name, 0, b.name.length);
}
