/**
 * The memory of pages, used again and again: as garbage it would grow the process by more than the cache's own bound
 * before it is collected.
 *
 * SP1  A page serves as another one only when nobody holds it: the cache, a cursor's place and a draft each hold.
 * SP2  A page whose bytes left the package without being copied is lent: it is never used again, but collected.
 * SP3  Who never lets go (a cursor that was dropped, a draft that failed) costs the reuse of a page, nothing else.
 * SP4  Code that takes a page from the cache without holding it is done with that page before it asks for another one.
 *
 * bbolt: none, its pages are a memory map.
 */
import { viewOf } from '../format/bytes.ts';
import { Page } from '../format/page.ts';

/** Pages of one file, a page size each, that nobody uses. */
export class SparePages {
  readonly #pageSize: number;
  readonly #room: () => number;
  readonly #spare: Page[] = [];

  /** @param room how many may lie here now */
  constructor(pageSize: number, room: () => number) {
    this.#pageSize = pageSize;
    this.#room = room;
  }

  /** A page with anything in it. */
  take(): Page {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const bytes = Buffer.allocUnsafeSlow(this.#pageSize);
    return new Page(bytes, 0, viewOf(bytes), this);
  }

  /** Takes a page back that nobody looks at any more. */
  give(page: Page): void {
    if (this.#spare.length < this.#room()) this.#spare.push(page);
  }
}
