/**
 * Columns of numbers that grow page by page: what a million leases are kept in, with no object for any of them.
 *
 * COL1  Growing copies nothing: a page is added, the others stay where they are (law 10).
 * COL2  A place that was never written reads 0, and place 0 stands for "none" in whatever links places.
 */

const PAGE_BITS = 10;
const PAGE_LENGTH = 1 << PAGE_BITS;
/** So many places make a table worth clearing when it has become empty. */
export const LARGE: number = 4 * PAGE_LENGTH;
const PLACE_MASK = PAGE_LENGTH - 1;

/** Integers of 32 bits, signed. */
export class Int32Column {
  #pages: Int32Array[] = [];

  /** @param place below the last `reach` */
  get(place: number): number {
    return this.#pages[place >>> PAGE_BITS]![place & PLACE_MASK]!;
  }

  set(place: number, value: number): void {
    this.#pages[place >>> PAGE_BITS]![place & PLACE_MASK] = value;
  }

  /** Makes every place up to and with this one usable. */
  reach(place: number): void {
    while (place >>> PAGE_BITS >= this.#pages.length) this.#pages.push(new Int32Array(PAGE_LENGTH));
  }

  fill(value: number): void {
    for (const page of this.#pages) page.fill(value);
  }

  /** Gives all pages back: no place is usable. */
  clear(): void {
    this.#pages = [];
  }
}

/** Doubles: seconds and milliseconds. */
export class DoubleColumn {
  #pages: Float64Array[] = [];

  get(place: number): number {
    return this.#pages[place >>> PAGE_BITS]![place & PLACE_MASK]!;
  }

  set(place: number, value: number): void {
    this.#pages[place >>> PAGE_BITS]![place & PLACE_MASK] = value;
  }

  reach(place: number): void {
    while (place >>> PAGE_BITS >= this.#pages.length) this.#pages.push(new Float64Array(PAGE_LENGTH));
  }

  fill(value: number): void {
    for (const page of this.#pages) page.fill(value);
  }

  /** Gives all pages back: no place is usable. */
  clear(): void {
    this.#pages = [];
  }
}
