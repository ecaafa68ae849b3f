/**
 * Which pages may be written over: the free ones, those that wait, and the readers they wait for.
 *
 * A1  A page freed by commit f was last part of state f-1. It is handed out by commit t only if f <= t-2 and no reader's
 *     state uses it: the two newest states on the medium stay whole (R53), so that a damaged meta page loses one commit
 *     and no more.
 * A2  A page allocated by commit a and freed by commit f is used by the states a to f-1. While a reader older than a is
 *     open, a is remembered; else it does not matter.
 * A3  A commit takes pages from a draft; they are gone for good, and what it freed waits, only when it is published.
 *
 * bbolt: freelist.go (free, release, releaseRange). Departs: one commit later than bbolt (A1), and `a` is kept only while
 * it can matter.
 */
import { corrupt } from './errors.ts';
import { FreeRuns } from './free-runs.ts';

interface Waiting {
  readonly freedBy: number;
  ids: Float64Array;
  /** Number of the last reader's end that was taken into account. */
  lookedAt: number;
}

/** Free pages of one open file. */
export class PageLedger {
  readonly #free = new FreeRuns();
  #waiting: Waiting[] = [];
  #waitingCount = 0;
  readonly #allocatedBy: Map<number, number> = new Map();
  readonly #readers: Map<number, number> = new Map();
  #ends = 0;
  #taken: number[] = [];

  /** @param free what no state on the medium uses; @param waiting what only the state before `txid` uses */
  constructor(free: Float64Array, waiting: Float64Array, txid: number) {
    this.#free.add(free);
    this.#wait(txid, waiting);
  }

  /** Free pages, waiting ones included. */
  get count(): number {
    return this.#free.count + this.#waitingCount;
  }

  get readerN(): number {
    let total = 0;
    for (const count of this.#readers.values()) total += count;
    return total;
  }

  addReader(txid: number): void {
    this.#readers.set(txid, (this.#readers.get(txid) ?? 0) + 1);
  }

  removeReader(txid: number): void {
    const left = (this.#readers.get(txid) ?? 0) - 1;
    if (left > 0) this.#readers.set(txid, left);
    else this.#readers.delete(txid);
    this.#ends++;
    if (this.#readers.size === 0) this.#allocatedBy.clear();
  }

  /** Makes free what commit `txid` may write over. To be called before it allocates. */
  release(txid: number): void {
    this.#taken = [];
    if (this.#waiting.length === 0) return;
    const readers = [...this.#readers.keys()].toSorted((a, b) => a - b);
    const kept: Waiting[] = [];
    const freed: Float64Array[] = [];
    for (const batch of this.#waiting) {
      if (batch.freedBy > txid - 2 || batch.lookedAt === this.#ends) {
        kept.push(batch);
        continue;
      }
      const held = this.#stillSeen(batch, readers);
      freed.push(held.length === 0 ? batch.ids : without(batch.ids, held));
      if (held.length > 0) kept.push({ freedBy: batch.freedBy, ids: held, lookedAt: this.#ends });
    }
    this.#waiting = kept;
    const ids = concatenated(freed);
    this.#waitingCount -= ids.length;
    for (const id of ids) this.#allocatedBy.delete(id);
    this.#free.add(ids);
  }

  #stillSeen(batch: Waiting, readers: readonly number[]): Float64Array {
    const before = readers.filter((reader) => reader < batch.freedBy);
    const newest = before.at(-1);
    if (newest === undefined) return new Float64Array(0);
    if (this.#allocatedBy.size === 0) return batch.ids;
    return batch.ids.filter((id) => newest >= (this.#allocatedBy.get(id) ?? 0));
  }

  /** First of `pages` neighbours, or 0. */
  take(pages: number): number {
    const id = this.#free.take(pages);
    if (id !== 0) for (let i = 0; i < pages; i++) this.#taken.push(id + i);
    return id;
  }

  /**
   * All pages to be listed as free by a commit that freed `freed` as well, ascending.
   * @throws BoltError BOLT_CORRUPT if one is free twice: then a page in use was on the list
   */
  listed(freed: Float64Array): Float64Array {
    const parts = this.#waiting.map((batch) => batch.ids);
    const waiting = concatenated([...parts, freed]);
    const free = new Float64Array(this.#free.count);
    this.#free.fill(free, 0);
    const all = new Float64Array(free.length + waiting.length);
    let at = 0;
    let next = 0;
    for (const id of free) {
      while (next < waiting.length && (waiting[next] as number) < id) all[at++] = waiting[next++] as number;
      all[at++] = id;
    }
    all.set(waiting.subarray(next), at);
    for (let i = 1; i < all.length; i++) {
      if (all[i] === all[i - 1]) throw corrupt(all[i] as number, 'was in use and on the list of free pages');
    }
    return all;
  }

  /** Gives back what the draft took. */
  undo(): void {
    this.#free.add(Float64Array.from(this.#taken).sort());
    this.#taken = [];
  }

  /** Commit `txid` is durable: what it freed waits. */
  publish(txid: number, freed: Float64Array, allocated: Iterable<readonly [id: number, pages: number]>): void {
    this.#taken = [];
    this.#wait(txid, freed);
    if (this.#readers.size === 0) return;
    for (const [id, pages] of allocated) for (let i = 0; i < pages; i++) this.#allocatedBy.set(id + i, txid);
  }

  #wait(txid: number, ids: Float64Array): void {
    if (ids.length === 0) return;
    this.#waiting.push({ freedBy: txid, ids, lookedAt: -1 });
    this.#waitingCount += ids.length;
  }
}

/** The ascending ids that are not among the (ascending) others. */
export function without(ids: Float64Array, others: Float64Array): Float64Array {
  let other = 0;
  return ids.filter((id) => {
    while (other < others.length && (others[other] as number) < id) other++;
    return others[other] !== id;
  });
}

function concatenated(parts: readonly Float64Array[]): Float64Array {
  if (parts.length === 1) return parts[0] as Float64Array;
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
}
