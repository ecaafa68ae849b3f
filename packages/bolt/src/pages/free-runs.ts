/**
 * Free pages as runs, lowest first.
 *
 * FR1  Runs ascend and do not touch each other. One that is used up has no pages, and goes when ids are added.
 * FR2  `take` gives the lowest run that is long enough, as bbolt's array does, so that the same history gives the same file.
 *
 * bbolt: freelist.go (allocate). Departs: runs instead of ids; a length that found nothing is not searched for again
 * below that place until pages are added.
 */

/** A set of page ids that hands out neighbours. */
export class FreeRuns {
  #starts: number[] = [];
  #lengths: number[] = [];
  /** Runs before it are used up. */
  #head = 0;
  #count = 0;
  /** First run worth looking at, by length asked for. */
  #from: Map<number, number> = new Map();

  get count(): number {
    return this.#count;
  }

  /** First page of `pages` neighbours, or 0. */
  take(pages: number): number {
    const starts = this.#starts;
    const lengths = this.#lengths;
    let run = pages === 1 ? this.#head : Math.max(this.#head, this.#from.get(pages) ?? 0);
    while (run < starts.length && (lengths[run] as number) < pages) run++;
    if (pages > 1) this.#from.set(pages, run);
    if (run === starts.length) return 0;
    const start = starts[run] as number;
    starts[run] = start + pages;
    lengths[run] = (lengths[run] as number) - pages;
    this.#count -= pages;
    while (this.#head < lengths.length && lengths[this.#head] === 0) this.#head++;
    return start;
  }

  /** Adds ids, ascending and not in the set. */
  add(ids: Float64Array): void {
    if (ids.length === 0) return;
    const starts: number[] = [];
    const lengths: number[] = [];
    let end = -1;
    const push = (start: number, length: number): void => {
      if (start === end) lengths[lengths.length - 1] = (lengths[lengths.length - 1] as number) + length;
      else {
        starts.push(start);
        lengths.push(length);
      }
      end = start + length;
    };
    let run = this.#head;
    for (const id of ids) {
      while (run < this.#starts.length && (this.#starts[run] as number) < id) {
        if (this.#lengths[run] !== 0) push(this.#starts[run] as number, this.#lengths[run] as number);
        run++;
      }
      push(id, 1);
    }
    for (; run < this.#starts.length; run++) {
      if (this.#lengths[run] !== 0) push(this.#starts[run] as number, this.#lengths[run] as number);
    }
    this.#starts = starts;
    this.#lengths = lengths;
    this.#head = 0;
    this.#from.clear();
    this.#count += ids.length;
  }

  /** Appends all ids to `target` from `at` on; returns where it stopped. */
  fill(target: Float64Array, at: number): number {
    let next = at;
    for (let run = this.#head; run < this.#starts.length; run++) {
      const start = this.#starts[run] as number;
      for (let i = 0; i < (this.#lengths[run] as number); i++) target[next++] = start + i;
    }
    return next;
  }

  /** Throws when FR1, the count, or what is known of lengths is wrong. For tests. */
  checkInvariants(): void {
    let count = 0;
    let end = -1;
    if (this.#starts.length !== this.#lengths.length) throw new Error('FR1: a run without a length');
    for (const [run, start] of this.#starts.entries()) {
      const length = this.#lengths[run] as number;
      if (length < 0 || (length > 0 && (run < this.#head || start <= end))) throw new Error('FR1: runs out of order');
      if (length > 0) end = start + length;
      count += length;
      for (const [pages, from] of this.#from) {
        if (run < from && length >= pages) throw new Error('FR2: a run is passed over that is long enough');
      }
    }
    if (count !== this.#count) throw new Error('FR1: pages are counted wrong');
  }
}
