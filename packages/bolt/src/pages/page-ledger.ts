/**
 * Which pages may be written over: the free ones, those that wait, and the readers they wait for.
 *
 * PGL1  A page freed by commit f was last part of state f-1. It is handed out by commit t only if f <= t-2 and no reader's
 *     state uses it: the two newest states on the medium stay whole (R53), so that a damaged meta page loses one commit
 *     and no more.
 * PGL2  A page allocated by commit a and freed by commit f is used by the states a to f-1. While a reader older than a is
 *     open, a is remembered; else it does not matter.
 * PGL3  What a commit costs here does not grow with what waits for one reader, but for passes over plain arrays: a compaction
 *     reads one state for minutes while a hundred thousand pages of it are freed.
 * PGL4  A commit takes pages from a draft; they are gone for good, and what it freed waits, only when it is published.
 *
 * bbolt: freelist.go (free, release, releaseRange). Departs: one commit later than bbolt (PGL1), and `a` is kept only while
 * it can matter.
 */
import { corrupt } from '../errors.ts';
import { FreeRuns } from './free-runs.ts';

interface Waiting {
  readonly freedBy: number;
  ids: Float64Array;
  /** The newest reader of a state before `freedBy`, once looked for: all of `ids` are in its state. */
  heldBy: number | undefined;
}

const NONE: Float64Array = new Float64Array(0);

/** Free pages of one open file. */
export class PageLedger {
  readonly #free = new FreeRuns();
  #waiting: Waiting[] = [];
  /** All ids of `#waiting`, ascending. */
  #waitingIds: Float64Array = NONE;
  readonly #allocatedBy: Map<number, number> = new Map();
  readonly #readers: Map<number, number> = new Map();
  #taken: number[] = [];

  /** @param free what no state on the medium uses; @param waiting what only the state before `txid` uses */
  constructor(free: Float64Array, waiting: Float64Array, txid: number) {
    this.#free.add(free);
    this.#wait(txid, waiting);
  }

  /** Free pages, waiting ones included. */
  get count(): number {
    return this.#free.count + this.#waitingIds.length;
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
    if (this.#readers.size === 0) this.#allocatedBy.clear();
  }

  /** Makes free what commit `txid` may write over. To be called before it allocates. */
  release(txid: number): void {
    this.#taken = [];
    if (this.#waiting.length === 0) return;
    const readers = [...this.#readers.keys()].toSorted((a, b) => a - b);
    if ((readers[0] ?? Infinity) >= txid - 1) this.#allocatedBy.clear(); // every reader sees what was allocated so far
    const kept: Waiting[] = [];
    const freed: Float64Array[] = [];
    for (const batch of this.#waiting) {
      const { freedBy, ids } = batch;
      const heldBy = readers.findLast((reader) => reader < freedBy);
      if (freedBy > txid - 2 || (heldBy !== undefined && heldBy === batch.heldBy)) {
        kept.push(batch);
        continue;
      }
      const held = heldBy === undefined ? NONE : this.#seenBy(heldBy, ids);
      freed.push(held.length === 0 ? ids : without(ids, held));
      if (held.length > 0) kept.push({ freedBy, ids: held, heldBy });
    }
    this.#waiting = kept;
    const ids = this.#parted(freed, kept);
    if (this.#allocatedBy.size > 0) for (const id of ids) this.#allocatedBy.delete(id);
    this.#free.add(ids);
  }

  #seenBy(reader: number, ids: Float64Array): Float64Array {
    if (this.#allocatedBy.size === 0) return ids;
    return ids.filter((id) => reader >= (this.#allocatedBy.get(id) ?? 0));
  }

  /** Leaves in `#waitingIds` what is kept; returns the rest, ascending. Sorts the shorter one of the two. */
  #parted(freed: readonly Float64Array[], kept: readonly Waiting[]): Float64Array {
    const all = this.#waitingIds;
    const freedN = freed.reduce((sum, ids) => sum + ids.length, 0);
    if (freedN === 0) return NONE;
    if (freedN <= all.length / 2) {
      const ids = ascending(freed, freedN);
      this.#waitingIds = without(all, ids);
      return ids;
    }
    this.#waitingIds = ascending(
      kept.map(({ ids }) => ids),
      all.length - freedN,
    );
    return without(all, this.#waitingIds);
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
    const free = new Float64Array(this.#free.count);
    this.#free.fill(free, 0);
    const all = merged(free, merged(this.#waitingIds, freed));
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

  /** Throws when a page is in two places, or the books about those that wait do not agree. For tests. */
  checkInvariants(): void {
    this.#free.checkInvariants();
    const seen = new Set<number>();
    const note = (ids: Iterable<number>): void => {
      for (const id of ids) {
        if (seen.has(id)) throw new Error(`PGL1: page ${id} is free twice`);
        seen.add(id);
      }
    };
    const free = new Float64Array(this.#free.count);
    this.#free.fill(free, 0);
    note(free);
    note(this.#taken);
    let waitingN = 0;
    for (const { freedBy, ids, heldBy } of this.#waiting) {
      note(ids);
      waitingN += ids.length;
      if (heldBy !== undefined && heldBy >= freedBy) throw new Error('PGL1: held by a reader of a later state');
    }
    const ids = this.#waitingIds;
    for (let i = 0; i < ids.length; i++) {
      if (i > 0 && (ids[i] as number) <= (ids[i - 1] as number))
        throw new Error('PGL3: the list of all is out of order');
      if (!seen.delete(ids[i] as number)) throw new Error('PGL3: the list of all knows a page that does not wait');
    }
    if (waitingN !== ids.length) throw new Error('PGL3: the list of all is not that of what waits');
    if (this.#readers.size === 0 && this.#allocatedBy.size > 0) throw new Error('PGL2: remembered for nobody');
  }

  #wait(txid: number, ids: Float64Array): void {
    if (ids.length === 0) return;
    this.#waiting.push({ freedBy: txid, ids, heldBy: undefined });
    this.#waitingIds = merged(this.#waitingIds, ids);
  }
}

/** The ascending ids that are not among the (ascending) others. */
export function without(ids: Float64Array, others: Float64Array): Float64Array {
  const left = new Float64Array(ids.length);
  let at = 0;
  let other = 0;
  for (const id of ids) {
    while (other < others.length && (others[other] as number) < id) other++;
    if (others[other] !== id) left[at++] = id;
  }
  return left.slice(0, at);
}

/** Two ascending lists as one. */
function merged(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length);
  let at = 0;
  let next = 0;
  for (const id of a) {
    while (next < b.length && (b[next] as number) < id) all[at++] = b[next++] as number;
    all[at++] = id;
  }
  all.set(b.subarray(next), at);
  return all;
}

function ascending(parts: readonly Float64Array[], length: number): Float64Array {
  const all = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
}
