/**
 * Page ids that a walk has met.
 *
 * PGS1  Memory goes with the ids that are in it, not with the highest one that a file claims: bits in pieces, and a piece is
 *     there only if one of its ids is.
 *
 * bbolt: a map in tx_check.go.
 */

/** Ids a piece. */
const PIECE = 4096;

/** A set of page ids. */
export class PageSet {
  readonly #pieces: Map<number, Uint8Array> = new Map();
  #lastNumber = -1;
  #last: Uint8Array | undefined;

  has(id: number): boolean {
    const piece = this.#piece(Math.floor(id / PIECE));
    const bit = id % PIECE;
    return piece !== undefined && ((piece[bit >>> 3] as number) & (1 << (bit & 7))) !== 0;
  }

  /** False if it was in already. */
  add(id: number): boolean {
    const number = Math.floor(id / PIECE);
    let piece = this.#piece(number);
    if (piece === undefined) {
      piece = new Uint8Array(PIECE / 8);
      this.#pieces.set(number, piece);
      this.#last = piece;
    }
    const bit = id % PIECE;
    const before = piece[bit >>> 3] as number;
    piece[bit >>> 3] = before | (1 << (bit & 7));
    return (before & (1 << (bit & 7))) === 0;
  }

  /** Adds `pages` neighbours; the first that was in already, if one was. */
  addRun(id: number, pages: number): number | undefined {
    let met: number | undefined;
    for (let page = id; page < id + pages; page++) if (!this.add(page)) met ??= page;
    return met;
  }

  /** Runs of ids from `start` to before `end` that are not in it, ascending. */
  *gaps(start: number, end: number): IterableIterator<readonly [first: number, after: number]> {
    let first = start;
    for (const number of [...this.#pieces.keys()].sort((a, b) => a - b)) {
      const piece = this.#pieces.get(number) as Uint8Array;
      const base = number * PIECE;
      const last = Math.min(base + PIECE, end);
      for (let id = Math.max(base, start); id < last; id++) {
        if (((piece[(id - base) >>> 3] as number) & (1 << ((id - base) & 7))) === 0) continue;
        if (id > first) yield [first, id];
        first = id + 1;
      }
    }
    if (end > first) yield [first, end];
  }

  /** Neighbours are asked for one after the other. */
  #piece(number: number): Uint8Array | undefined {
    if (number !== this.#lastNumber) {
      this.#lastNumber = number;
      this.#last = this.#pieces.get(number);
    }
    return this.#last;
  }
}
