/**
 * A set of integers from 0 to 2^53 - 1 that costs little whether they are dense or sparse.
 *
 * Integers are kept as bits of 32-bit words, and only words that are not 0 exist: dense integers cost a fraction of a
 * byte each, lone ones as much as in a `Set`. Words are grouped in pages, so that no map grows beyond 65,536 entries:
 * a `Set` of a million numbers stops the event loop for tens of milliseconds each time it has to grow.
 */

const PAGE_SIZE = 2 ** 21;

export class BitSet {
  readonly #pages = new Map<number, Map<number, number>>();

  /** False when it was there already. */
  add(integer: number): boolean {
    const page = Math.floor(integer / PAGE_SIZE);
    const offset = integer - page * PAGE_SIZE;
    let words = this.#pages.get(page);
    if (words === undefined) this.#pages.set(page, (words = new Map<number, number>()));
    const word = words.get(offset >>> 5) ?? 0;
    const bit = 1 << (offset & 31);
    if ((word & bit) !== 0) return false;
    words.set(offset >>> 5, word | bit);
    return true;
  }

  has(integer: number): boolean {
    const page = Math.floor(integer / PAGE_SIZE);
    const offset = integer - page * PAGE_SIZE;
    const word = this.#pages.get(page)?.get(offset >>> 5);
    return word !== undefined && (word & (1 << (offset & 31))) !== 0;
  }

  *[Symbol.iterator](): Generator<number, void, void> {
    for (const [page, words] of this.#pages) {
      for (const [index, word] of words) {
        for (let bit = 0; bit < 32; bit++) {
          if ((word & (1 << bit)) !== 0) yield page * PAGE_SIZE + index * 32 + bit;
        }
      }
    }
  }
}
