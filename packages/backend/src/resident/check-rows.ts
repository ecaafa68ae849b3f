/**
 * The rules of packed rows (`row-page.ts`, `packed-rows.ts`), checked one by one on the data. For tests.
 */
import { type PageView, rankOf } from './row-page.ts';

/** Throws when a rule does not hold for the pages of one version, in order. */
export function checkPages(views: readonly PageView[], ranks: readonly number[]): void {
  if (ranks.length !== views.length) throw new Error('BPR2: a rank for each page');
  let before: Uint8Array | undefined;
  for (const [at, view] of views.entries()) {
    checkPage(view);
    const { page, rowN, liveN } = view;
    if (ranks[at] !== page.ranks[0]) throw new Error('BPR2: a rank that is not that of its first key');
    if (before !== undefined && page.compare(0, before) <= 0) throw new Error('BPR2: pages out of order');
    if (liveN === 0 && at < views.length - 1) throw new Error('BPR3: a page without live rows');
    before = page.key(rowN - 1);
  }
}

/** Throws when a rule does not hold for a page as one version sees it. */
export function checkPage(view: PageView): void {
  const { page, rowN } = view;
  const { starts } = page;
  if (rowN < 1 || rowN > page.rowN || page.used > page.bytes.length) throw new Error('RW1: rows that are not there');
  let liveN = 0;
  let liveByteN = 0;
  for (let i = 0; i < page.rowN; i += 1) {
    if (starts[2 * i]! > starts[2 * i + 1]! || starts[2 * i + 1]! > starts[2 * i + 2]!)
      throw new Error('RW1: torn rows');
    if (page.ranks[i] !== rankOf(page.key(i))) throw new Error('RW2: a rank that is not that of its key');
    if (i > 0 && page.compare(i, page.key(i - 1)) <= 0) throw new Error('BPR2: keys out of order');
    if (i >= rowN || !view.isLive(i)) continue;
    liveN += 1;
    liveByteN += page.rowByteN(i);
  }
  if (liveN !== view.liveN || liveByteN !== view.liveByteN) throw new Error('BPR3: live rows are counted wrong');
}
