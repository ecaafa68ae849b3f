/**
 * Pages by id, bounded in bytes.
 *
 * PGC1  Two generations. A hit in the old one moves the page to the young one; when the young one holds half of the budget
 *     it becomes the old one and what was old is forgotten. No entry is ever searched for to be evicted.
 * PGC2  A commit replaces the entries of the pages it wrote before its state can be read. Entries of pages that are free are
 *     never asked for.
 * PGC3  Forgotten pages are what the next ones are read into (see `spare-pages.ts`): together they stay within the budget,
 *     but for an eighth of it that a commit may leave behind for the next one.
 * PGC4  A page costs the budget its bytes and what describes them.
 */
import type { Page } from '../format/page.ts';
import { SparePages } from './spare-pages.ts';

/** Unused pages that may lie there however small the budget is. */
const LEAST_SPARE = 16;

/** Objects around the bytes of a page, and its entry here. */
const DESCRIPTION = 400;

/** Pages kept in memory. */
export class PageCache {
  readonly spare: SparePages;
  readonly #budget: number;
  readonly #pageSize: number;
  #young = new Map<number, Page>();
  #old = new Map<number, Page>();
  #youngBytes = 0;
  #oldBytes = 0;

  constructor(maxBytes: number, pageSize: number) {
    this.#budget = maxBytes;
    this.#pageSize = pageSize;
    this.spare = new SparePages(pageSize, () => this.#room());
  }

  get(id: number): Page | undefined {
    const page = this.#young.get(id);
    if (page !== undefined) return page;
    const older = this.#old.get(id);
    if (older === undefined) return undefined;
    this.#old.delete(id);
    this.#oldBytes -= costOf(older);
    this.#admit(id, older);
    return older;
  }

  /** Adds or replaces. A page larger than half of the budget is not kept. */
  set(id: number, page: Page): void {
    this.delete(id);
    if (!this.takes(page)) return; // not even for a moment held: who brought it still reads it
    page.hold();
    this.#admit(id, page);
  }

  /** False for a page that is larger than half of the budget. */
  takes(page: Page): boolean {
    return costOf(page) * 2 <= this.#budget;
  }

  /** Takes over a page that is held. */
  #admit(id: number, page: Page): void {
    const cost = costOf(page);
    if ((this.#youngBytes + cost) * 2 > this.#budget) this.#age();
    this.#young.set(id, page);
    this.#youngBytes += cost;
  }

  #age(): void {
    const forgotten = this.#old;
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
    for (const page of forgotten.values()) page.letGo();
  }

  delete(id: number): void {
    let page = this.#young.get(id);
    if (page !== undefined) {
      this.#young.delete(id);
      this.#youngBytes -= costOf(page);
    } else {
      page = this.#old.get(id);
      if (page === undefined) return;
      this.#old.delete(id);
      this.#oldBytes -= costOf(page);
    }
    page.letGo();
  }

  /** How many pages may lie unused. */
  #room(): number {
    const free = Math.max(this.#budget - this.bytes, this.#budget / 8);
    return Math.max(free / (this.#pageSize + DESCRIPTION), LEAST_SPARE);
  }

  /** What the pages held cost. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }
}

function costOf(page: Page): number {
  return page.bytes.length + DESCRIPTION;
}
