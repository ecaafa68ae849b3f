/**
 * Pages by id, bounded in bytes.
 *
 * G1  Two generations. A hit in the old one moves the page to the young one; when the young one holds half of the budget
 *     it becomes the old one and what was old is forgotten. No entry is ever searched for to be evicted.
 * G2  A commit replaces the entries of the pages it wrote before its state can be read. Entries of pages that are free are
 *     never asked for.
 */
import type { Page } from './page.ts';

/** Pages kept in memory. */
export class PageCache {
  readonly #half: number;
  #young = new Map<number, Page>();
  #old = new Map<number, Page>();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#half = maxBytes / 2;
  }

  get(id: number): Page | undefined {
    const page = this.#young.get(id);
    if (page !== undefined) return page;
    const older = this.#old.get(id);
    if (older === undefined) return undefined;
    this.#old.delete(id);
    this.set(id, older);
    return older;
  }

  /** Adds or replaces. A page larger than half of the budget is not kept. */
  set(id: number, page: Page): void {
    const before = this.#young.get(id);
    if (before !== undefined) this.#youngBytes -= before.bytes.length;
    else if (this.#old.size > 0) this.#old.delete(id);
    const bytes = page.bytes.length;
    if (bytes > this.#half) {
      this.#young.delete(id);
      return;
    }
    if (this.#youngBytes + bytes > this.#half) {
      this.#old = this.#young;
      this.#old.delete(id);
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(id, page);
    this.#youngBytes += bytes;
  }

  delete(id: number): void {
    const page = this.#young.get(id);
    if (page !== undefined) {
      this.#youngBytes -= page.bytes.length;
      this.#young.delete(id);
    }
    this.#old.delete(id);
  }

  /** Bytes held, at most. */
  get bytes(): number {
    let total = 0;
    for (const page of this.#young.values()) total += page.bytes.length;
    for (const page of this.#old.values()) total += page.bytes.length;
    return total;
  }
}
