/**
 * A bucket's tree of one committed state: pages only.
 *
 * bbolt: bucket.go (pageNode).
 */
import { corrupt } from '../errors.ts';
import type { Meta } from '../format/meta.ts';
import type { Block, Page } from '../format/page.ts';
import { readBucketHeader } from '../format/page.ts';
import type { BucketHeader } from '../format/page.ts';
import type { PageFile } from '../pages/page-file.ts';
import { findEntry, findLeaf } from './bucket-reader.ts';
import type { Tree } from './tree-cursor.ts';

/** Read-only tree. */
export class PageTree implements Tree {
  readonly changes: number = 0;
  readonly rootPage: number;
  readonly header: BucketHeader;
  readonly #pages: PageFile;
  readonly #meta: Meta;
  readonly #lends: boolean;

  /** @param lends views of its pages leave the package */
  constructor(pages: PageFile, meta: Meta, header: BucketHeader, lends: boolean) {
    this.#lends = lends;
    this.#pages = pages;
    this.#meta = meta;
    this.header = header;
    this.rootPage = header.root;
  }

  rootBlock(): Block {
    const { root, inline, stamp, from } = this.header;
    return inline ?? this.#lent(this.#pages.page(root, this.#meta, stamp, from));
  }

  childBlock(parent: Block, index: number, passing: boolean): Block {
    return this.#lent(childPage(this.#pages, this.#meta, parent, index, passing));
  }

  #lent(page: Page): Page {
    if (this.#lends) page.lend();
    return page;
  }

  /** The bucket of that name inside of this one. */
  nested(name: Uint8Array): PageTree | undefined {
    const leaf = findLeaf(this, name);
    const index = findEntry(leaf, name);
    if (index < 0 || !leaf.isBucket(index)) return undefined;
    const at = leaf.keyAt(index) + leaf.keyLength(index);
    const { highWater } = this.#meta;
    const header = readBucketHeader(
      leaf.source(index),
      at,
      leaf.valueLength(index),
      highWater,
      leaf.id,
      leaf.stamp(index),
    );
    if (header.inline !== undefined) leaf.lend();
    return new PageTree(this.#pages, this.#meta, header, this.#lends);
  }
}

/** The page of a child entry; a leaf without entries is damage there. */
export function childPage(pages: PageFile, meta: Meta, parent: Block, index: number, passing: boolean): Page {
  const id = parent.child(index);
  const stamp = parent.stamp(index);
  const page = passing ? pages.passingPage(id, meta, stamp, parent.id) : pages.page(id, meta, stamp, parent.id);
  if (page.count === 0) throw corrupt(id, 'an empty page below a branch');
  return page;
}

/** The root bucket's tree. @param lends views of its pages leave the package, or are kept beyond the next move */
export function rootTree(pages: PageFile, meta: Meta, lends: boolean): PageTree {
  return new PageTree(pages, meta, rootHeader(meta), lends);
}

/** The root bucket, as a header of another bucket would describe it. */
export function rootHeader({ root, sequence, rootStamp }: Meta): BucketHeader {
  return { root, sequence, inline: undefined, stamp: rootStamp, from: 0 };
}
