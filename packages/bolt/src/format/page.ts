/**
 * A branch or leaf page as it lies in memory: found, checked and searched in place.
 *
 * PG1  Elements are read where they are; nothing is allocated per element.
 * PG2  A page is checked once, when it is read: type, id, element array and data inside the run, no empty key (see
 *     `page-elements.ts`). After that every accessor is in bounds.
 * PG4  A page whose seal was verified has stamps to give for its children; one without gives `NO_STAMP`.
 * PG3  The bytes of a page do not change while anybody holds it: a commit replaces pages, readers keep theirs. When nobody
 *     does any more its memory may serve another page (`spare-pages.ts`).
 *
 * bbolt: page.go. Departs: a wrong page is an error that names it, not an abort or a fault.
 */
import { compareRuns } from '@varve/base/order';
import { exactU64, getU64, viewOf } from './bytes.ts';
import { corrupt } from '../errors.ts';
import { PAGE_HEADER } from './meta.ts';
import { ELEMENT, measureElements, refuseBuckets } from './page-elements.ts';
import { NO_STAMP, SEAL_BYTES, STAMP_BYTES } from './seal.ts';
import type { SparePages } from '../pages/spare-pages.ts';

export { ELEMENT, LONGEST_KEY, LONGEST_VALUE } from './page-elements.ts';
export const BRANCH_FLAG = 0x01;
export const LEAF_FLAG = 0x02;
export const FREELIST_FLAG = 0x10;
/** Bytes before the page image in a bucket's value. */
export const BUCKET_HEADER = 16;
/** What trees are made of: a page, or a page being rewritten. */
export interface Block {
  /** The page it is, or was read from; 0: none. */
  readonly id: number;
  readonly leaf: boolean;
  readonly count: number;
  /** Buffer that holds the key (and value) of an entry. */
  source(index: number): Buffer;
  keyAt(index: number): number;
  keyLength(index: number): number;
  valueLength(index: number): number;
  isBucket(index: number): boolean;
  child(index: number): number;
  /** What the seal of a child's page (of a bucket's root page) must bear. */
  stamp(index: number): number;
  /** First entry whose key is not below `key`, or `count`. */
  lowerBound(key: Uint8Array): number;
  /** Branch: the entry under which `key` belongs. */
  childIndex(key: Uint8Array): number;
  /** Its bytes are needed until `letGo`. */
  hold(): void;
  letGo(): void;
  /** Views of its bytes are given away: they are never to change. */
  lend(): void;
}

/** A page of a tree, or the page image inside an inline bucket's value (then `id` is 0). */
export class Page implements Block {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where the page image starts in `bytes`. */
  readonly at: number;
  id = 0;
  leaf = true;
  count = 0;
  /** Continuation pages. */
  overflow = 0;
  /** Where the last data byte ends, counted from `at`. */
  dataEnd = 0;
  /** Children of a branch, buckets of a leaf. */
  stamps = 0;
  #stampsAt = 0;
  #countedTo = 0;
  #counted = 0;
  readonly #spare: SparePages | undefined;
  #holders = 0;
  #lent = false;

  /** Without meaning until `parse`. @param spare where it goes when nobody holds it any more; else to the collector */
  constructor(bytes: Buffer, at: number, view: DataView, spare?: SparePages) {
    this.bytes = bytes;
    this.at = at;
    this.view = view;
    this.#spare = spare;
  }

  /**
   * Becomes what its bytes say.
   * @throws BoltError BOLT_CORRUPT naming `namedPage`
   */
  parse(id: number, length: number, namedPage: number): this {
    const { view, at } = this;
    const flags = view.getUint16(at + 8, true);
    if (getU64(view, at) !== id) throw corrupt(namedPage, `the header names page ${exactU64(view, at)}`, 'C10');
    if (flags !== LEAF_FLAG && flags !== BRANCH_FLAG)
      throw corrupt(namedPage, `type ${flags} is no branch or leaf`, 'C10');
    this.id = id;
    this.leaf = flags === LEAF_FLAG;
    this.count = view.getUint16(at + 10, true);
    this.overflow = view.getUint32(at + 12, true);
    this.#stampsAt = this.#countedTo = this.#counted = 0;
    this.dataEnd = measureElements(this, length, namedPage);
    return this;
  }

  /** Its seal is right and has stamps before it. */
  trustStamps(): void {
    this.#stampsAt = this.bytes.length - SEAL_BYTES - this.stamps * STAMP_BYTES;
  }

  stamp(index: number): number {
    if (this.#stampsAt === 0) return NO_STAMP;
    const place = this.leaf ? this.#bucketsBefore(index) : index;
    return this.view.getInt32(this.#stampsAt + place * STAMP_BYTES, true);
  }

  /** Counts on from where it was asked last: entries are mostly visited in order. */
  #bucketsBefore(index: number): number {
    if (index < this.#countedTo) this.#countedTo = this.#counted = 0;
    for (; this.#countedTo < index; this.#countedTo++) if (this.isBucket(this.#countedTo)) this.#counted++;
    return this.#counted;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    if (--this.#holders === 0 && !this.#lent) this.#spare?.give(this);
  }

  lend(): void {
    this.#lent = true;
  }

  source(_index: number): Buffer {
    return this.bytes;
  }

  keyAt(index: number): number {
    const element = this.at + PAGE_HEADER + index * ELEMENT;
    return element + this.view.getUint32(this.leaf ? element + 4 : element, true);
  }

  keyLength(index: number): number {
    const element = this.at + PAGE_HEADER + index * ELEMENT;
    return this.view.getUint32(this.leaf ? element + 8 : element + 4, true);
  }

  valueLength(index: number): number {
    return this.view.getUint32(this.at + PAGE_HEADER + index * ELEMENT + 12, true);
  }

  isBucket(index: number): boolean {
    return this.view.getUint32(this.at + PAGE_HEADER + index * ELEMENT, true) === 1;
  }

  child(index: number): number {
    return getU64(this.view, this.at + PAGE_HEADER + index * ELEMENT + 8);
  }

  lowerBound(key: Uint8Array): number {
    const { view, bytes } = this;
    const elements = this.at + PAGE_HEADER;
    const field = this.leaf ? 4 : 0;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const element = elements + middle * ELEMENT;
      const keyAt = element + view.getUint32(element + field, true);
      if (compareRuns(bytes, keyAt, view.getUint32(element + field + 4, true), key, 0, key.length) < 0)
        low = middle + 1;
      else high = middle;
    }
    return low;
  }

  childIndex(key: Uint8Array): number {
    const index = this.lowerBound(key);
    if (index === 0) return 0;
    return index < this.count &&
      compareRuns(this.bytes, this.keyAt(index), this.keyLength(index), key, 0, key.length) === 0
      ? index
      : index - 1;
  }

  /** Keys must ascend strictly. Not part of reading: it costs as much as a lookup. */
  checkOrder(namedPage: number): void {
    for (let i = 1; i < this.count; i++) {
      const before = compareRuns(
        this.bytes,
        this.keyAt(i - 1),
        this.keyLength(i - 1),
        this.bytes,
        this.keyAt(i),
        this.keyLength(i),
      );
      if (before >= 0) throw corrupt(namedPage, `keys ${i - 1} and ${i} are not in order`, 'C8');
    }
  }
}

/** What a bucket's value says. */
export interface BucketHeader {
  /** Page of its root; 0 when `inline` holds its entries. */
  readonly root: number;
  readonly sequence: bigint;
  readonly inline: Page | undefined;
  /** What the seal of its root page must bear, says the page `from`, or the meta page if that is 0. */
  readonly stamp: number;
  readonly from: number;
}

/**
 * @param stamp what the page that holds the value says of the bucket's root page
 * @throws BoltError BOLT_CORRUPT naming the page that holds the value
 */
export function readBucketHeader(
  bytes: Buffer,
  at: number,
  length: number,
  highWater: number,
  namedPage: number,
  stamp: number,
): BucketHeader {
  if (length < BUCKET_HEADER) throw corrupt(namedPage, `a bucket value of ${length} bytes`, 'C12');
  const view = viewOf(bytes);
  const root = getU64(view, at);
  const sequence = view.getBigUint64(at + 8, true);
  if (root !== 0) {
    if (length !== BUCKET_HEADER)
      throw corrupt(namedPage, `a bucket value of ${length} bytes for a bucket with pages`, 'C12');
    if (root < 2 || root >= highWater) throw corrupt(namedPage, `a bucket with root page ${exactU64(view, at)}`, 'C3');
    return { root, sequence, inline: undefined, stamp, from: namedPage };
  }
  if (length < BUCKET_HEADER + PAGE_HEADER) throw corrupt(namedPage, `an inline bucket of ${length} bytes`, 'C12');
  const inline = new Page(bytes, at + BUCKET_HEADER, view).parse(0, length - BUCKET_HEADER, namedPage);
  if (!inline.leaf || inline.overflow !== 0) throw corrupt(namedPage, 'an inline bucket that is no single leaf', 'C12');
  refuseBuckets(inline, namedPage);
  return { root, sequence, inline, stamp: NO_STAMP, from: namedPage };
}
