/**
 * How a page is named by what points to it.
 *
 * bbolt: a bare page id (R57).
 */
import type { Meta } from './meta.ts';

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
