/**
 * Every entry of a state, depth first, without recursion.
 *
 * EW1  No page is read twice, whatever bucket leads to it: what is yielded is bounded by the bytes of the file.
 * EW2  Keys ascend in what is yielded.
 *
 * bbolt: compact.go (walk).
 */
import type { Meta } from '../format/meta.ts';
import { OnceTree } from '../tree/once-tree.ts';
import { readBucketHeader } from '../format/page.ts';
import type { PageFile } from '../pages/page-file.ts';
import { PageSet } from '../pages/page-set.ts';
import { PageTree, rootTree } from '../tree/page-tree.ts';
import { TreeCursor } from '../tree/tree-cursor.ts';

/** An entry, or the end of the bucket that was entered last. Top-level buckets have depth 0. */
export type EntryStep =
  | { readonly kind: 'pair'; readonly key: Buffer; readonly value: Buffer; readonly depth: number }
  | { readonly kind: 'begin'; readonly key: Buffer; readonly tree: PageTree; readonly depth: number }
  | { readonly kind: 'end'; readonly depth: number };

interface OpenTree {
  readonly cursor: TreeCursor;
  readonly rootPage: number;
}

/** @throws BoltError BOLT_CORRUPT */
export function* walkEntries(pages: PageFile, meta: Meta): IterableIterator<EntryStep> {
  const seen = new PageSet();
  const enter = (tree: PageTree, rootPage: number): OpenTree => ({
    cursor: new TreeCursor(new OnceTree(tree, seen)),
    rootPage,
  });
  const trees = [enter(rootTree(pages, meta, true), meta.root)];
  for (let open = trees.at(-1); open !== undefined; open = trees.at(-1)) {
    const depth = trees.length - 1;
    const { cursor } = open;
    if (!cursor.next()) {
      trees.pop();
      if (depth > 0) yield { kind: 'end', depth: depth - 1 };
      continue;
    }
    const { source, keyAt, keyLength, valueLength, page, stamp } = cursor;
    const valueAt = keyAt + keyLength;
    const key = source.subarray(keyAt, valueAt);
    if (!cursor.isBucket) {
      yield { kind: 'pair', key, value: source.subarray(valueAt, valueAt + valueLength), depth };
      continue;
    }
    const header = readBucketHeader(source, valueAt, valueLength, meta.highWater, page, stamp);
    const tree = new PageTree(pages, meta, header, true);
    yield { kind: 'begin', key, tree, depth };
    trees.push(enter(tree, header.root === 0 ? open.rootPage : header.root));
  }
}
