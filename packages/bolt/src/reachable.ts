/**
 * Every page that a state uses, found by walking its trees.
 *
 * J1  A page reached twice, or outside of the file's pages, is damage: the walk ends with an error that names it.
 * J2  Work and memory are bounded by the pages in use: one byte each, a list of what is still to be visited.
 *
 * bbolt: db.go (freepages).
 */
import { corrupt } from './errors.ts';
import type { Meta } from './meta.ts';
import { readBucketHeader } from './page.ts';
import type { Page } from './page.ts';
import type { PageFile } from './page-file.ts';
import type { Slices } from './slices.ts';

/**
 * One byte a page below the high-water mark, 1 where the trees of `meta` reach it. Pages set in `known` are not entered:
 * what they reach is set there, too.
 */
export async function reachablePages(
  pages: PageFile,
  meta: Meta,
  slices: Slices,
  known?: Uint8Array,
): Promise<Uint8Array> {
  const seen = new Uint8Array(meta.highWater);
  const waiting = [meta.root];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (known?.[id] === 1) continue;
    const { page } = pages.inspect(id, meta);
    for (let run = id; run <= id + page.overflow; run++) {
      if (seen[run] === 1) throw corrupt(run, 'reached twice');
      seen[run] = 1;
    }
    for (const child of childPages(page, meta)) waiting.push(child);
    if (slices.due()) await slices.rest();
  }
  return seen;
}

/** Pages that a page names: children, or roots of buckets in a leaf. */
export function childPages(page: Page, meta: Meta): number[] {
  const children: number[] = [];
  for (let i = 0; i < page.count; i++) {
    if (!page.leaf) children.push(page.child(i));
    else if (page.isBucket(i)) {
      const at = page.keyAt(i) + page.keyLength(i);
      const { root } = readBucketHeader(page.bytes, at, page.valueLength(i), meta.highWater, page.id);
      if (root !== 0) children.push(root);
    }
  }
  return children;
}
