/**
 * What must hold of a page's elements before one of them is believed.
 *
 * PE1  Key and value of an element begin where those of the element before end, or later. Every program writes them so; it is
 *     what bounds all work on a page by its bytes, whatever it claims.
 * PE2  Nobody writes an empty key, a pair's key above 32768 bytes or a value above 2^31 - 2; the names of buckets may be
 *     longer, and so may the separators made of them.
 * PE3  A child's page is a number that a file can have: what is read as a number afterwards is exact.
 *
 * bbolt: page.go, node.go (write). Departs: bbolt reads elements wherever they point.
 */
import { compareRuns } from '@varve/base/order';
import { exactU64 } from './bytes.ts';
import { corrupt } from '../errors.ts';
import { PAGE_HEADER } from './meta.ts';
import type { BoltError } from '../errors.ts';
import type { Page } from './page.ts';

/** Bytes of one entry of a page's array. */
export const ELEMENT = 16;
/** bbolt takes no longer ones; it does not look at the length of a bucket's name. */
export const LONGEST_KEY = 32_768;
export const LONGEST_VALUE: number = 2 ** 31 - 2;
/** High halves of ids from here on are beyond 2^53. */
const HIGHEST_WORD = 0x20_0000;

/**
 * Where the last element's data ends, counted from the page's start; and tells the page how many stamps it has, if it has
 * any. Only the element array has to be in memory.
 * @param length bytes of the page run
 * @throws BoltError BOLT_CORRUPT naming `namedPage`
 */
export function measureElements(page: Page, length: number, namedPage: number): number {
  const { view, count, leaf, at } = page;
  const first = PAGE_HEADER + count * ELEMENT;
  let end = first;
  let buckets = 0;
  if (end > length) throw corrupt(namedPage, `${count} elements do not fit`, 'C11');
  for (let i = 0, element = at + PAGE_HEADER; i < count; i++, element += ELEMENT) {
    const keyLength = view.getUint32(leaf ? element + 8 : element + 4, true);
    const valueLength = leaf ? view.getUint32(element + 12, true) : 0;
    const keyAt = element - at + view.getUint32(leaf ? element + 4 : element, true);
    const flags = leaf ? view.getUint32(element, true) : 0;
    const stop = keyAt + keyLength + valueLength;
    if (keyLength === 0) throw wrong(namedPage, i, 'has an empty key');
    if (keyAt < first || stop > length) throw wrong(namedPage, i, 'lies outside of the page');
    if (flags > 1) throw wrong(namedPage, i, 'has unknown flags', 'C12');
    buckets += flags;
    if (keyAt < end) throw overlapping(page, i, namedPage);
    if (leaf && flags === 0 && keyLength > LONGEST_KEY) throw wrong(namedPage, i, `has a key of ${keyLength} bytes`);
    if (valueLength > LONGEST_VALUE) throw wrong(namedPage, i, `has a value of ${valueLength} bytes`);
    if (!leaf && view.getUint32(element + 12, true) >= HIGHEST_WORD)
      throw wrong(namedPage, i, `refers to page ${exactU64(view, element + 8)}`, 'C3');
    end = stop;
  }
  if (!leaf && count === 0) throw corrupt(namedPage, 'a branch without children', 'C13');
  page.stamps = leaf ? buckets : count;
  return end;
}

/** @throws BoltError BOLT_CORRUPT if the image of an inline bucket has buckets in it: the bytes of one could hold any number */
export function refuseBuckets(inline: Page, namedPage: number): void {
  for (let i = 0; i < inline.count; i++) {
    if (inline.isBucket(i)) throw corrupt(namedPage, 'an inline bucket holds a bucket', 'C12');
  }
}

function wrong(page: number, index: number, what: string, rule = 'C11'): BoltError {
  return corrupt(page, `element ${index} ${what}`, rule);
}

/** Two elements that changed places are better told from their keys, if these are in memory. */
function overlapping(page: Page, index: number, namedPage: number): BoltError {
  const { bytes } = page;
  const [before, at] = [page.keyAt(index - 1), page.keyAt(index)];
  const [lengthBefore, length] = [page.keyLength(index - 1), page.keyLength(index)];
  const there = before + lengthBefore <= bytes.length && at + length <= bytes.length;
  if (there && compareRuns(bytes, before, lengthBefore, bytes, at, length) >= 0)
    return corrupt(namedPage, `keys ${index - 1} and ${index} are not in order`, 'C8');
  return corrupt(namedPage, `element ${index} begins before element ${index - 1} ends`, 'C11');
}
