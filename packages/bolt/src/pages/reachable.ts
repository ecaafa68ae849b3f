/**
 * Every page that a state uses, found by walking its trees.
 *
 * RCH1  A page reached twice, or outside of the file's pages, is damage: the walk ends with an error that names it.
 * RCH2  Work and memory are bounded by the pages in use.
 *
 * bbolt: db.go (freepages).
 */
import type { Meta } from '../format/meta.ts';
import { readBucketHeader } from '../format/page.ts';
import type { Page } from '../format/page.ts';
import type { PageFile } from './page-file.ts';
import type { PageReference } from '../format/page-reference.ts';
import { PageSet } from './page-set.ts';
import { soundPages } from './page-walk.ts';

/** The pages that the trees of `meta` reach. Pages in `known` are not entered: what they reach is in there, too. */
export function* reachablePages(pages: PageFile, meta: Meta, known?: PageSet): Generator<void, PageSet> {
  const seen = new PageSet();
  for (const _ of soundPages(pages, meta, seen, known)) yield;
  return seen;
}

/** Pages that a page names: children, or roots of buckets in a leaf. */
export function childPages(page: Page, meta: Meta): PageReference[] {
  const children: PageReference[] = [];
  for (let i = 0; i < page.count; i++) {
    if (!page.leaf) children.push({ id: page.child(i), stamp: page.stamp(i), from: page.id });
    else if (page.isBucket(i)) {
      const at = page.keyAt(i) + page.keyLength(i);
      const length = page.valueLength(i);
      const { root, stamp } = readBucketHeader(page.bytes, at, length, meta.highWater, page.id, page.stamp(i));
      if (root !== 0) children.push({ id: root, stamp, from: page.id });
    }
  }
  return children;
}
