/**
 * Every rule of the format over one state (`spec` C1 to C15), and the seals.
 *
 * K1  All problems are reported, each with its page; a damaged page is not entered.
 * K2  Every page is visited once: a byte a page remembers what it is, whatever the file claims.
 * K3  Nothing is read but what the high-water mark allows, and nothing is written.
 *
 * bbolt: tx_check.go. Departs: separators must equal first keys, depth must be even, keys must ascend: bbolt's own check
 * lets files pass that bbolt destroys when it writes to them.
 */
import type { CheckOptions, CheckReport, Problem } from './bolt.ts';
import type { MetaPages } from './choose-meta.ts';
import { plausibleFreelist } from './choose-meta.ts';
import { compareBytes, viewOf } from './bytes.ts';
import { BoltError } from './errors.ts';
import { decodeFreelist } from './freelist-page.ts';
import type { Meta } from './meta.ts';
import { readBucketHeader } from './page.ts';
import type { Page } from './page.ts';
import type { PageFile } from './page-file.ts';
import { verifySeal } from './seal.ts';
import type { Slices } from './slices.ts';

const FREE = 1;
const REACHED = 2;

/** A page still to be visited, and what its parent says of it. */
interface Visit {
  readonly id: number;
  /** What its seal must bear, says the page `from`, or the meta page if that is 0. */
  readonly stamp: number;
  readonly from: number;
  readonly tree: { readonly root: number; leafDepth: number };
  readonly depth: number;
  /** The separator: the first key must equal it. */
  readonly first: Buffer | undefined;
  /** Keys must stay below. */
  readonly limit: Buffer | undefined;
}

class Checker {
  readonly problems: Problem[] = [];
  readonly remarks: Problem[] = [];
  sealedRuns = 0;
  unsealedRuns = 0;
  readonly #pages: PageFile;
  readonly #meta: Meta;
  readonly #state: Uint8Array;
  readonly #waiting: Visit[] = [];
  #listReadable = false;

  constructor(pages: PageFile, meta: Meta) {
    this.#pages = pages;
    this.#meta = meta;
    this.#state = new Uint8Array(meta.highWater);
  }

  report(rule: string, page: number | undefined, message: string): void {
    this.problems.push({ rule, page, message });
  }

  metas(chosen: MetaPages | undefined): void {
    if (chosen === undefined) return;
    this.remarks.push(...chosen.warnings);
    const { active, other } = chosen;
    const distance = other === undefined ? 1 : Math.abs(active.txid - other.txid);
    if (distance !== 1 && distance !== 2) {
      this.remarks.push({ rule: 'C15', page: undefined, message: `the meta pages are ${distance} transactions apart` });
    }
  }

  freelist(): void {
    const meta = this.#meta;
    const id = meta.freelist;
    if (id === undefined) return;
    if (!plausibleFreelist(meta)) {
      this.report('C10', id, 'cannot hold the list of free pages');
      return;
    }
    try {
      const run = this.#pages.run(id, meta);
      const list = decodeFreelist(run, id, meta.highWater);
      for (const { rule, message } of list.problems) this.report(rule, id, message);
      if (list.problems.some(({ rule }) => rule === 'C10')) return;
      const sealed = { id, bytes: run, view: viewOf(run), dataEnd: list.dataEnd, stamps: 0 };
      this.#count(verifySeal(sealed, meta, meta.listStamp, 0) !== 'none');
      this.#claim(id, list.overflow + 1, 'the list of free pages');
      this.#listReadable = true;
      for (const free of list.ids) this.#state[free] = (this.#state[free] as number) | FREE;
    } catch (error) {
      this.#reportError(error, id);
    }
  }

  async tree(slices: Slices, onProgress: ((pages: number) => void) | undefined): Promise<void> {
    const { root, rootStamp } = this.#meta;
    this.#enter(root, rootStamp, 0);
    let visited = 0;
    for (let visit = this.#waiting.pop(); visit !== undefined; visit = this.#waiting.pop()) {
      this.#visit(visit);
      visited++;
      if (slices.due()) {
        onProgress?.(visited);
        await slices.rest();
      }
    }
    onProgress?.(visited);
  }

  /** The root page of a bucket is to be visited. */
  #enter(root: number, stamp: number, from: number): void {
    const tree = { root, leafDepth: -1 };
    this.#waiting.push({ id: root, stamp, from, tree, depth: 0, first: undefined, limit: undefined });
  }

  #visit(visit: Visit): void {
    const { id } = visit;
    const meta = this.#meta;
    if (!(id >= 2 && id < meta.highWater)) {
      this.report('C3', id, 'is referred to, but no page in use');
      return;
    }
    let page: Page;
    try {
      if (((this.#state[id] as number) & REACHED) !== 0) {
        this.report('C4', id, 'is referred to twice');
        return;
      }
      const inspected = this.#pages.inspect(id, meta, visit.stamp, visit.from);
      ({ page } = inspected);
      this.#count(inspected.sealed);
    } catch (error) {
      this.#state[id] = (this.#state[id] as number) | REACHED;
      this.#reportError(error, id);
      return;
    }
    this.#claim(id, page.overflow + 1, 'a page of a tree');
    this.#keys(page, visit);
    if (page.leaf) this.#leaf(page, visit);
    else this.#branch(page, visit);
  }

  #keys(page: Page, visit: Visit): void {
    const { id, first, limit } = visit;
    try {
      page.checkOrder(id);
    } catch (error) {
      this.#reportError(error, id);
    }
    if (page.count === 0) {
      if (visit.depth > 0) this.report('C13', id, 'an empty page below a branch');
      return;
    }
    if (first !== undefined && compareKey(page, 0, first) !== 0)
      this.report('C9', id, 'the first key is not the separator');
    if (limit !== undefined && compareKey(page, page.count - 1, limit) >= 0) {
      this.report('C9', id, 'the last key is not below the next separator');
    }
  }

  #branch(page: Page, visit: Visit): void {
    if (page.count === 1) this.report('C13', page.id, 'a branch with one child');
    for (let i = page.count - 1; i >= 0; i--) {
      const limit = i + 1 < page.count ? keyOf(page, i + 1) : visit.limit;
      this.#waiting.push({
        id: page.child(i),
        stamp: page.stamp(i),
        from: page.id,
        tree: visit.tree,
        depth: visit.depth + 1,
        first: keyOf(page, i),
        limit,
      });
    }
  }

  #leaf(page: Page, visit: Visit): void {
    const { tree, depth } = visit;
    if (tree.leafDepth === -1) tree.leafDepth = depth;
    else if (tree.leafDepth !== depth)
      this.report('C13', page.id, `a leaf at depth ${depth}, others at ${tree.leafDepth}`);
    for (let i = 0; i < page.count; i++) {
      if (page.isBucket(i)) this.#bucket(page, i);
      else if (tree.root === this.#meta.root) this.report('C14', page.id, `entry ${i} of the root bucket is no bucket`);
    }
  }

  #bucket(page: Page, index: number): void {
    const at = page.keyAt(index) + page.keyLength(index);
    try {
      const length = page.valueLength(index);
      const { highWater } = this.#meta;
      const { root, inline, stamp } = readBucketHeader(page.bytes, at, length, highWater, page.id, page.stamp(index));
      if (inline === undefined) {
        this.#enter(root, stamp, page.id);
        return;
      }
      for (let i = 0; i < inline.count; i++) {
        if (inline.isBucket(i)) this.report('C12', page.id, `inline bucket ${index} holds a bucket`);
      }
    } catch (error) {
      this.#reportError(error, page.id);
    }
  }

  /** Marks a run as used; each page can be used once. */
  #claim(id: number, pages: number, what: string): void {
    for (let page = id; page < id + pages; page++) {
      const state = this.#state[page];
      if (state === undefined) {
        this.report('C3', page, `${what} runs past the high-water mark`);
        return;
      }
      if ((state & REACHED) !== 0) this.report('C4', page, `${what}, is used twice`);
      this.#state[page] = state | REACHED;
    }
  }

  /** What is neither used nor free, or both. To be called last. */
  partition(): void {
    if (this.#listReadable) {
      this.#runs((state) => state === 0, 'C7', 'neither used nor free');
      this.#runs((state) => state === (FREE | REACHED), 'C5', 'used, but on the list of free pages');
    }
    if (this.unsealedRuns === 0) return;
    const message =
      this.sealedRuns === 0
        ? 'last written by another program: its pages have no checksums, so only their structure was checked'
        : `${this.unsealedRuns} page runs were written by another program and have no checksum`;
    this.remarks.push({ rule: 'checksum', page: undefined, message });
  }

  #runs(wrong: (state: number) => boolean, rule: string, message: string): void {
    const state = this.#state;
    for (let page = 2; page < state.length; page++) {
      if (!wrong(state[page] as number)) continue;
      const first = page;
      while (page + 1 < state.length && wrong(state[page + 1] as number)) page++;
      this.report(rule, first, first === page ? message : `and all up to ${page}: ${message}`);
    }
  }

  #count(sealed: boolean): void {
    if (sealed) this.sealedRuns++;
    else this.unsealedRuns++;
  }

  #reportError(error: unknown, page: number): void {
    if (!(error instanceof BoltError)) throw error;
    this.report(error.rule ?? 'C11', error.page ?? page, error.message.replace(/^page \d+: /, ''));
  }
}

function keyOf(page: Page, index: number): Buffer {
  const at = page.keyAt(index);
  return page.bytes.subarray(at, at + page.keyLength(index));
}

function compareKey(page: Page, index: number, key: Buffer): number {
  return compareBytes(page.bytes, page.keyAt(index), page.keyLength(index), key, 0, key.length);
}

/** Checks the state `meta`; `chosen` adds what the meta pages themselves tell. */
export async function checkState(
  pages: PageFile,
  meta: Meta,
  chosen: MetaPages | undefined,
  slices: Slices,
  options: CheckOptions,
): Promise<CheckReport> {
  const checker = new Checker(pages, meta);
  checker.metas(chosen);
  checker.freelist();
  await checker.tree(slices, options.onProgress);
  checker.partition();
  const { problems, remarks, sealedRuns, unsealedRuns } = checker;
  return { problems, remarks, sealedRuns, unsealedRuns };
}
