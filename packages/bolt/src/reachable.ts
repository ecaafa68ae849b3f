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
export function reachablePages(pages: PageFile, meta: Meta, slices: Slices, known?: Uint8Array): Promise<Uint8Array> {
  return slices.run(walkReachable(pages, meta, known));
}

/** The same, a page a step. */
export function* walkReachable(pages: PageFile, meta: Meta, known?: Uint8Array): Generator<void, Uint8Array> {
  const seen = new Uint8Array(meta.highWater);
  const waiting: PageReference[] = [rootReference(meta)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { id, stamp, from } = next;
    if (known?.[id] === 1) continue;
    const { page } = pages.inspect(id, meta, stamp, from);
    for (let run = id; run <= id + page.overflow; run++) {
      if (seen[run] === 1) throw corrupt(run, 'reached twice');
      seen[run] = 1;
    }
    for (const child of childPages(page, meta)) waiting.push(child);
    yield;
  }
  return seen;
}

/** A page as another one names it: what its seal must bear, says the page `from`, or the meta page if that is 0. */
export interface PageReference {
  readonly id: number;
  readonly stamp: number;
  readonly from: number;
}

/** Where every walk begins. */
export function rootReference({ root, rootStamp }: Meta): PageReference {
  return { id: root, stamp: rootStamp, from: 0 };
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
