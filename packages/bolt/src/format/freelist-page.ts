/**
 * The list of free pages as it lies in the file.
 *
 * FP1  Up to 65534 ids the count is in the header; from 65535 on the header says 0xFFFF and the first u64 is the count.
 * FP2  Ids ascend, without repetition, within [2, high-water mark), without the list's own pages. What is read is sorted;
 *     anything else wrong with it is refused before a page is written over.
 * FP3  Memory goes with the ids that were read, not with the count; long lists are read in steps, and who wants only good
 *     ones stops at the first that is not.
 *
 * bbolt: freelist.go. Departs: the whole list is checked when it is read.
 */
import { exactU64, getU64, setU64, viewOf } from './bytes.ts';
import { FREELIST_FLAG } from './page.ts';
import { PAGE_HEADER } from './meta.ts';

const LONG_FORM = 0xffff;
/** Ids a step. */
const STEP = 32_768;
const FIRST_ROOM = 65_536;
const MOST_SPARE = 16;

/** Bytes of a list of that many ids, header included. */
export function freelistBytes(count: number): number {
  return PAGE_HEADER + 8 * count + (count >= LONG_FORM ? 8 : 0);
}

/** Writes the list at the start of a run. Returns where it ends. */
export function encodeFreelist(run: Uint8Array, id: number, pages: number, ids: Float64Array): number {
  const view = viewOf(run);
  setU64(view, 0, id);
  view.setUint16(8, FREELIST_FLAG, true);
  view.setUint16(10, Math.min(ids.length, LONG_FORM), true);
  view.setUint32(12, pages - 1, true);
  let at = PAGE_HEADER;
  if (ids.length >= LONG_FORM) {
    setU64(view, at, ids.length);
    at += 8;
  }
  for (let i = 0; i < ids.length; i++, at += 8) setU64(view, at, ids[i] as number);
  return at;
}

/** A list read from a file, and what is wrong with it. */
export interface FreelistContents {
  /** Ascending and without repetition, only ids that can be free. */
  readonly ids: Float64Array;
  readonly overflow: number;
  readonly long: boolean;
  /** Where the list ends in its run. */
  readonly dataEnd: number;
  /** `rule` is C1, C2, C5 or C10; empty on a good list. */
  readonly problems: readonly ListProblem[];
}

/** One thing that is wrong with a list. */
export interface ListProblem {
  readonly rule: string;
  readonly message: string;
}

/** What the head of a list says. */
export interface ListHead {
  readonly overflow: number;
  readonly long: boolean;
  readonly count: number;
  /** Where the ids start. */
  readonly start: number;
}

/**
 * Reads the head: the page header and, in the long form, the count behind it.
 * @param length bytes of the run, if it is known to be whole; else what its header says
 */
export function decodeListHead(
  first: Uint8Array,
  id: number,
  pageSize: number,
  length?: number,
): ListHead | ListProblem {
  const view = viewOf(first);
  if (getU64(view, 0) !== id)
    return { rule: 'C10', message: `the header of the free list names page ${exactU64(view, 0)}` };
  const flags = view.getUint16(8, true);
  if (flags !== FREELIST_FLAG) return { rule: 'C10', message: `the free list has type ${flags}` };
  const overflow = view.getUint32(12, true);
  const short = view.getUint16(10, true);
  const long = short === LONG_FORM;
  const start = long ? PAGE_HEADER + 8 : PAGE_HEADER;
  const count = long ? getU64(view, PAGE_HEADER) : short;
  const run = length ?? (overflow + 1) * pageSize;
  if (count > (run - start) / 8) {
    const counted = long ? exactU64(view, PAGE_HEADER) : count;
    return { rule: 'C2', message: `the free list counts ${counted} ids, more than fit in its pages` };
  }
  const pages = Math.ceil((start + 8 * count) / pageSize);
  // Counted before its own run was taken from the free pages, so the run may be a little longer than the list needs.
  if (length === undefined && overflow + 1 > 2 * pages + MOST_SPARE)
    return { rule: 'C2', message: `the free list has ${overflow + 1} pages for ${count} ids` };
  return { overflow, long, count, start };
}

/** A list of which nothing can be used. */
export function unreadable(problem: ListProblem): FreelistContents {
  return { ids: new Float64Array(0), overflow: 0, long: false, dataEnd: PAGE_HEADER, problems: [problem] };
}

/** Takes the ids of a list piece by piece, and remembers what is wrong with them. */
export class ListReading {
  readonly problems: ListProblem[] = [];
  readonly #head: ListHead;
  readonly #id: number;
  readonly #highWater: number;
  readonly #most: number;
  #ids: Float64Array;
  #kept = 0;
  #ascending = true;

  /** @param most problems at which it is pointless to go on */
  constructor(head: ListHead, id: number, highWater: number, most: number) {
    this.#head = head;
    this.#id = id;
    this.#highWater = highWater;
    this.#most = most;
    this.#ids = new Float64Array(Math.min(head.count, FIRST_ROOM));
  }

  get hopeless(): boolean {
    return this.problems.length >= this.#most;
  }

  /** The ids at `[from, to)` of the run; returns where it stopped. */
  take(view: DataView, from: number, to: number): number {
    const { overflow } = this.#head;
    let at = from;
    for (; at < to && !this.hopeless; at += 8) {
      const free = getU64(view, at);
      if (free < 2 || free >= this.#highWater)
        this.problems.push({ rule: 'C2', message: `page ${exactU64(view, at)} cannot be free` });
      else if (free >= this.#id && free <= this.#id + overflow)
        this.problems.push({ rule: 'C5', message: `the free list lists its own page ${free}` });
      else this.#keep(free);
    }
    return at;
  }

  #keep(free: number): void {
    if (this.#kept === this.#ids.length) {
      const more = new Float64Array(Math.min(this.#head.count, 2 * this.#kept));
      more.set(this.#ids);
      this.#ids = more;
    }
    if (this.#kept > 0 && free < (this.#ids[this.#kept - 1] as number)) this.#ascending = false;
    this.#ids[this.#kept++] = free;
  }

  /** What was taken, in order. */
  *contents(): Generator<undefined, FreelistContents> {
    const taken = this.#ids.subarray(0, this.#kept);
    const ids = this.#ascending ? taken : yield* sortInSteps(taken);
    let kept = 0;
    for (let i = 0; i < ids.length; i++) {
      if (i % STEP === STEP - 1) yield;
      const free = ids[i] as number;
      if (kept > 0 && ids[kept - 1] === free) {
        if (!this.hopeless) this.problems.push({ rule: 'C1', message: `page ${free} is listed twice as free` });
      } else ids[kept++] = free;
    }
    const { overflow, long, start, count } = this.#head;
    return { ids: ids.subarray(0, kept), overflow, long, dataEnd: start + 8 * count, problems: this.problems };
  }
}

/** Sorts pieces, then merges them: one sort of millions would hold the event loop for seconds. */
function* sortInSteps(ids: Float64Array): Generator<undefined, Float64Array> {
  for (let at = 0; at < ids.length; at += STEP) {
    ids.subarray(at, at + STEP).sort();
    yield;
  }
  let from: Float64Array = ids;
  let to: Float64Array = new Float64Array(ids.length);
  for (let width = STEP; width < ids.length; width *= 2) {
    for (let at = 0; at < ids.length; at += 2 * width) {
      const middle = Math.min(at + width, ids.length);
      const end = Math.min(at + 2 * width, ids.length);
      for (let left = at, right = middle, next = at; next < end; next++) {
        const takeLeft = left < middle && (right >= end || (from[left] as number) <= (from[right] as number));
        to[next] = from[takeLeft ? left++ : right++] as number;
        if (next % STEP === 0) yield;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
