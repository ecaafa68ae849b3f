/**
 * Giving changed nodes their pages: nested buckets first, then each tree from its leaves up.
 *
 * SPL1  A node's old pages are freed and it is placed anew, even where it would fit: nothing that a state uses is overwritten.
 * SPL2  Every part has at least two entries; a part larger than a page gets overflow pages.
 * SPL3  The separator of a child is its first key, at every level.
 * SPL4  A bucket is inline when it is one leaf without buckets of at most a quarter of a page, and only then.
 * SPL5  Whoever names a page that is placed here vouches for it with the stamp of this commit; for pages that stay it
 *     passes on what was vouched for before.
 * SPL6  No byte is written here: a placed part says which entries it holds, its image is made when it is written.
 *
 * bbolt: bucket.go (spill), node.go (spill, split). Departs: a part leaves room for the seal and its stamps.
 */
import { BUCKET_HEADER } from '../format/page.ts';
import { PAGE_HEADER } from '../format/meta.ts';
import { Node, requireOrder, STRIDE } from './node.ts';
import { writeImage } from '../format/page-image.ts';
import { NO_STAMP } from '../format/seal.ts';
import { setU64, viewOf } from '../format/bytes.ts';
import { byName, firstKey } from './write-tree.ts';
import type { WriteTree } from './write-tree.ts';

/** A run to be written: entries `[from, to)` of a node. */
export interface PlacedPart {
  readonly id: number;
  readonly pages: number;
  readonly node: Node;
  readonly from: number;
  readonly to: number;
}

/** Where pages come from and go to in one commit. */
export interface Space {
  readonly pageSize: number;
  /** Bytes at the end of each run that entries must leave alone. */
  readonly sealBytes: number;
  /** What the seals of this commit bear. */
  readonly stamp: number;
  readonly placed: PlacedPart[];
  allocate(pages: number): number;
  /** Nothing to do for id 0. */
  free(id: number, pages: number): void;
}

/** Most entries a node of any size keeps together, as bbolt. */
const NEVER_SPLIT = 4;
const FEWEST_IN_PART = 2;
const FEWEST_IN_REST = 3;

/** Places everything that changed in a tree with pages, a node a step; returns the page of its root, and what its seal bears. */
export function* spill(
  tree: WriteTree,
  space: Space,
): Generator<void, { readonly id: number; readonly stamp: number }> {
  yield* spillNested(tree, space);
  const { rootNode, header } = tree;
  if (rootNode === undefined) return { id: header.root, stamp: header.stamp };
  return { id: yield* placeTree(rootNode, tree, space), stamp: space.stamp };
}

function* spillNested(tree: WriteTree, space: Space): Generator<void> {
  for (const { name, tree: nested } of [...tree.nested.values()].toSorted(byName)) {
    if (nested.touched) tree.put(name, ...(yield* bucketValue(nested, space)));
  }
}

/** The value of a bucket's entry, and what the seal of its root page bears. */
function* bucketValue(tree: WriteTree, space: Space): Generator<void, [value: Uint8Array, stamp: number]> {
  yield* spillNested(tree, space);
  const { rootNode, header, sequence } = tree;
  if (rootNode === undefined) {
    const { inline } = header;
    if (inline === undefined) return [header16(header.root, sequence, 0), header.stamp];
    const value = header16(0, sequence, inline.dataEnd);
    inline.bytes.copy(value, BUCKET_HEADER, inline.at, inline.at + inline.dataEnd);
    return [value, NO_STAMP];
  }
  if (fitsInline(rootNode, space.pageSize)) {
    space.free(rootNode.pgid, rootNode.pages);
    rootNode.pgid = 0;
    const value = header16(0, sequence, rootNode.bytes);
    writeImage(value, viewOf(value), BUCKET_HEADER, 0, 1, rootNode, 0, rootNode.count);
    return [value, NO_STAMP];
  }
  return [header16(yield* placeTree(rootNode, tree, space), sequence, 0), space.stamp];
}

function header16(root: number, sequence: bigint, imageBytes: number): Buffer {
  const value = Buffer.alloc(BUCKET_HEADER + imageBytes);
  const view = viewOf(value);
  setU64(view, 0, root);
  view.setBigUint64(8, sequence, true);
  return value;
}

function fitsInline(root: Node, pageSize: number): boolean {
  if (!root.leaf || root.bytes > Math.floor(pageSize / 4)) return false;
  for (let i = 0; i < root.count; i++) if (root.isBucket(i)) return false;
  return true;
}

function* placeTree(root: Node, tree: WriteTree, space: Space): Generator<void, number> {
  let top = root;
  for (;;) {
    yield* placeKids(top, tree, space);
    const ends = cut(top, tree.fillPercent, space);
    if (ends.length === 1) return placePart(top, 0, top.count, space);
    const above = new Node(top.sources, false, 0, undefined);
    above.insert(0, ...firstKey(top), top.ref, NO_STAMP);
    placeParts(top, above, ends, space);
    top = above;
  }
}

function* placeKids(node: Node, tree: WriteTree, space: Space): Generator<void> {
  if (node.kids.length === 0) return;
  const kids = node.kids.length === 1 ? node.kids : node.kids.toSorted(byFirstKey);
  for (const kid of kids) {
    if (kid.kids.length > 0) yield* placeKids(kid, tree, space);
    else yield;
    placeParts(kid, node, cut(kid, tree.fillPercent, space), space);
  }
  node.kids = [];
}

function byFirstKey(a: Node, b: Node): number {
  return a.compareKey(0, b.source(0), b.keyAt(0), b.keyLength(0));
}

/** Places the parts of a node and puts them in the place of its entry in the parent. */
function placeParts(node: Node, parent: Node, ends: readonly number[], space: Space): void {
  let index = parent.indexOfChild(node.ref);
  let from = 0;
  for (const to of ends) {
    const id = placePart(node, from, to, space);
    const source = node.slots[from * STRIDE] as number;
    if (from === 0) parent.replace(index, source, node.keyAt(0), node.keyLength(0), id, space.stamp);
    else parent.insert(index, source, node.keyAt(from), node.keyLength(from), id, space.stamp);
    requireOrder(parent, index - 1, parent, index);
    index++;
    from = to;
  }
  requireOrder(parent, index - 1, parent, index);
}

function placePart(node: Node, from: number, to: number, space: Space): number {
  if (node.pgid !== 0) {
    space.free(node.pgid, node.pages);
    node.pgid = 0;
  }
  let bytes = PAGE_HEADER;
  if (from === 0 && to === node.count) ({ bytes } = node);
  else for (let i = from; i < to; i++) bytes += node.entryBytes(i);
  const pages = Math.ceil((bytes + space.sealBytes) / space.pageSize);
  const id = space.allocate(pages);
  space.placed.push({ id, pages, node, from, to });
  return id;
}

/** Where the parts of a node end. */
function cut(node: Node, fillPercent: number, space: Space): number[] {
  const { count } = node;
  const usable = space.pageSize - space.sealBytes;
  const threshold = Math.min(Math.floor(space.pageSize * Math.min(Math.max(fillPercent, 0.1), 1)), usable);
  const ends: number[] = [];
  let from = 0;
  let left = node.bytes;
  while (count - from > NEVER_SPLIT && left > usable) {
    let bytes = PAGE_HEADER;
    let end = from;
    for (; end < count - FEWEST_IN_REST; end++) {
      const entry = node.entryBytes(end);
      if (end - from >= FEWEST_IN_PART && bytes + entry > threshold) break;
      bytes += entry;
    }
    ends.push(end);
    from = end;
    left -= bytes - PAGE_HEADER;
  }
  ends.push(count);
  return ends;
}
