/**
 * Every rule of the format over one state (`spec` C1 to C15), and the seals.
 *
 * CHK1  Problems are reported with their pages, as many as anybody reads (`problem-list.ts`); a damaged page is not entered.
 * CHK2  Every page is visited once, whatever the file claims (`page-walk.ts`).
 * CHK3  Nothing is read but what the high-water mark allows, and nothing is written.
 * CHK4  All of it in steps, also inside of a large page (law 10).
 *
 * bbolt: tx_check.go. Departs: separators must equal first keys, depth must be even, keys must ascend: bbolt's own check
 * lets files pass that bbolt destroys when it writes to them.
 */
import { compareRuns } from '@varve/base/order';
import type { Slice } from '@varve/base/pace';
import type { CheckOptions, CheckReport, Problem } from '../bolt.ts';
import type { MetaPages } from '../open/choose-meta.ts';
import { plausibleFreelist } from '../open/choose-meta.ts';
import { BoltError } from '../errors.ts';
import { readListInSteps } from '../pages/freelist-read.ts';
import type { Meta } from '../format/meta.ts';
import { readBucketHeader } from '../format/page.ts';
import type { Page } from '../format/page.ts';
import type { PageFile } from '../pages/page-file.ts';
import { checkOrderInSteps } from '../pages/page-run.ts';
import { PageSet } from '../pages/page-set.ts';
import { walkPages } from '../pages/page-walk.ts';
import type { Visit } from '../pages/page-walk.ts';
import { ProblemList } from './problem-list.ts';

/** Wrong ids of a free list at which the rest of it is not worth reading. */
const HOPELESS = 1000;
/** Entries and ids a step. */
const STEP = 64;

class Checker {
  readonly found: ProblemList = new ProblemList();
  readonly remarks: Problem[] = [];
  sealedRuns = 0;
  unsealedRuns = 0;
  pagesVisited = 0;
  readonly #pages: PageFile;
  readonly #meta: Meta;
  readonly #reached: PageSet = new PageSet();
  /** Ascending. Absent as long as the list was not read to its end. */
  #free: Float64Array | undefined;

  constructor(pages: PageFile, meta: Meta) {
    this.#pages = pages;
    this.#meta = meta;
  }

  *everything(chosen: MetaPages | undefined): Generator<void> {
    this.#metas(chosen);
    yield* this.#freelist();
    yield* this.#trees();
    yield* this.#partition();
    this.#remarkSeals();
  }

  #metas(chosen: MetaPages | undefined): void {
    if (chosen === undefined) return;
    this.remarks.push(...chosen.warnings);
    const { active, other } = chosen;
    const distance = other === undefined ? 1 : Math.abs(active.txid - other.txid);
    if (distance !== 1 && distance !== 2) {
      this.remarks.push({ rule: 'C15', page: undefined, message: `the meta pages are ${distance} transactions apart` });
    }
  }

  *#freelist(): Generator<void> {
    const meta = this.#meta;
    const id = meta.freelist;
    if (id === undefined) return;
    if (!plausibleFreelist(meta)) {
      this.found.add('C10', Number.isSafeInteger(id) ? id : undefined, 'cannot hold the list of free pages');
      return;
    }
    try {
      const list = yield* readListInSteps(this.#pages, meta, HOPELESS);
      for (const { rule, message } of list.problems) this.found.add(rule, id, message);
      if (list.unread > 0)
        this.found.add('C2', id, `so many ids are wrong that ${list.unread} more were not looked at`);
      if (list.problems.some(({ rule }) => rule === 'C10')) return;
      this.#reached.addRun(id, list.overflow + 1);
      if (!list.whole) return;
      this.#count(list.sealed);
      this.#free = list.ids;
    } catch (error) {
      this.#reportError(error, id);
    }
  }

  *#trees(): Generator<void> {
    for (const step of walkPages(this.#pages, this.#meta, this.#reached)) {
      if (step === undefined) {
        yield;
        continue;
      }
      this.pagesVisited++;
      if ('damage' in step) this.found.add(step.rule, step.id, step.damage);
      else yield* this.#page(step);
      yield;
    }
  }

  *#page(visit: Visit): Generator<void> {
    this.#count(visit.sealed);
    yield* this.#keys(visit);
    const { page, tree, depth } = visit;
    if (!page.leaf) {
      if (page.count === 1) this.found.add('C13', page.id, 'a branch with one child');
      return;
    }
    tree.leafDepth ??= depth;
    if (tree.leafDepth !== depth)
      this.found.add('C13', page.id, `a leaf at depth ${depth}, others at ${tree.leafDepth}`);
    for (let i = 0; i < page.count; i++) {
      if (i % STEP === STEP - 1) yield;
      if (page.isBucket(i)) this.#bucket(page, i);
      else if (tree.root === this.#meta.root)
        this.found.add('C14', page.id, `entry ${i} of the root bucket is no bucket`);
    }
  }

  *#keys(visit: Visit): Generator<void> {
    const { page, parent, index } = visit;
    try {
      if (visit.sealed) yield* checkOrderInSteps(page, page.id); // of the others it was found when they were read
    } catch (error) {
      this.#reportError(error, page.id);
    }
    if (page.count === 0) {
      if (parent !== undefined) this.found.add('C13', page.id, 'an empty page below a branch');
      return;
    }
    if (parent !== undefined && compareKeys(page, 0, parent.page, index) !== 0)
      this.found.add('C9', page.id, 'the first key is not the separator');
    const limit = limitOf(visit);
    if (limit !== undefined && compareKeys(page, page.count - 1, limit.page, limit.index) >= 0)
      this.found.add('C9', page.id, 'the last key is not below the next separator');
  }

  /** A header that is wrong is found when the walk comes to it; here it is what an inline bucket holds. */
  #bucket(page: Page, index: number): void {
    const at = page.keyAt(index) + page.keyLength(index);
    try {
      const { inline } = readBucketHeader(
        page.bytes,
        at,
        page.valueLength(index),
        this.#meta.highWater,
        page.id,
        page.stamp(index),
      );
      inline?.checkOrder(page.id);
    } catch (error) {
      this.#reportError(error, page.id);
    }
  }

  /** What is neither used nor free, or both. To be called last. */
  *#partition(): Generator<void> {
    const free = this.#free;
    if (free === undefined) return;
    const lost = new Runs((first, last) => this.#run('C7', first, last, 'neither used nor free'));
    const both = new Runs((first, last) => this.#run('C5', first, last, 'used, but on the list of free pages'));
    let next = 0;
    let steps = 0;
    // Gaps and the list ascend: what is listed before a gap is used, what is in a gap and not listed is lost.
    for (const [first, after] of this.#reached.gaps(2, this.#meta.highWater)) {
      for (; next < free.length && (free[next] as number) < first; next++) {
        both.add(free[next] as number, (free[next] as number) + 1);
        if (++steps % STEP === 0) yield;
      }
      let from = first;
      for (; next < free.length && (free[next] as number) < after; next++) {
        const id = free[next] as number;
        if (id > from) lost.add(from, id);
        from = id + 1;
        if (++steps % STEP === 0) yield;
      }
      if (after > from) lost.add(from, after);
      if (++steps % STEP === 0) yield;
    }
    for (; next < free.length; next++) both.add(free[next] as number, (free[next] as number) + 1);
    lost.end();
    both.end();
  }

  #run(rule: string, first: number, last: number, message: string): void {
    this.found.add(rule, first, first === last ? message : `and all up to ${last}: ${message}`);
  }

  #remarkSeals(): void {
    if (this.unsealedRuns === 0) return;
    const message =
      this.sealedRuns === 0
        ? 'last written by another program: its pages have no checksums, so only their structure was checked'
        : `${this.unsealedRuns} page runs were written by another program and have no checksum`;
    this.remarks.push({ rule: 'checksum', page: undefined, message });
  }

  #count(sealed: boolean): void {
    if (sealed) this.sealedRuns++;
    else this.unsealedRuns++;
  }

  #reportError(error: unknown, page: number): void {
    if (!(error instanceof BoltError)) throw error;
    this.found.add(error.rule ?? 'C11', error.page ?? page, error.message.replace(/^page \d+: /, ''));
  }
}

/** Joins neighbours, which come ascending. */
class Runs {
  readonly #give: (first: number, last: number) => void;
  #first = -1;
  #after = -1;

  constructor(give: (first: number, last: number) => void) {
    this.#give = give;
  }

  add(first: number, after: number): void {
    if (first !== this.#after) {
      this.end();
      this.#first = first;
    }
    this.#after = after;
  }

  end(): void {
    if (this.#first >= 0) this.#give(this.#first, this.#after - 1);
    this.#first = -1;
  }
}

/** The separator below which a page's keys must stay: the next one in the nearest branch above that has one. */
function limitOf(visit: Visit): { readonly page: Page; readonly index: number } | undefined {
  for (let at: Visit | undefined = visit; at?.parent !== undefined; at = at.parent) {
    const { page } = at.parent;
    if (at.index + 1 < page.count) return { page, index: at.index + 1 };
  }
  return undefined;
}

function compareKeys(page: Page, index: number, other: Page, otherIndex: number): number {
  return compareRuns(
    page.bytes,
    page.keyAt(index),
    page.keyLength(index),
    other.bytes,
    other.keyAt(otherIndex),
    other.keyLength(otherIndex),
  );
}

/** Checks the state `meta`; `chosen` adds what the meta pages themselves tell. */
export async function checkState(
  pages: PageFile,
  meta: Meta,
  chosen: MetaPages | undefined,
  slice: Slice,
  options: CheckOptions,
): Promise<CheckReport> {
  const checker = new Checker(pages, meta);
  for (const _ of checker.everything(chosen)) {
    if (!slice.due()) continue;
    options.onProgress?.(checker.pagesVisited);
    await slice.turn();
  }
  options.onProgress?.(checker.pagesVisited);
  const { found, remarks, sealedRuns, unsealedRuns } = checker;
  return { problems: found.problems, unlisted: found.unlisted, remarks, sealedRuns, unsealedRuns };
}
