/**
 * The list of free pages as it lies in the file.
 *
 * I1  Up to 65534 ids the count is in the header; from 65535 on the header says 0xFFFF and the first u64 is the count.
 * I2  Ids ascend, without repetition, within [2, high-water mark), without the list's own pages. What is read is sorted;
 *     anything else wrong with it is refused before a page is written over.
 *
 * bbolt: freelist.go. Departs: the whole list is checked when it is read.
 */
import { getU64, setU64, viewOf } from './bytes.ts';
import { FREELIST_FLAG } from './page.ts';
import { PAGE_HEADER } from './meta.ts';

const LONG_FORM = 0xffff;

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
  /** `rule` is C1, C2 or C10; empty on a good list. */
  readonly problems: readonly { readonly rule: string; readonly message: string }[];
}

/** Reads a list as far as it can be trusted. */
export function decodeFreelist(run: Uint8Array, id: number, highWater: number): FreelistContents {
  const view = viewOf(run);
  const overflow = view.getUint32(12, true);
  const bad = (rule: string, message: string): FreelistContents => ({
    ids: new Float64Array(0),
    overflow,
    long: false,
    dataEnd: PAGE_HEADER,
    problems: [{ rule, message }],
  });
  if (getU64(view, 0) !== id) return bad('C10', `the header of the free list names page ${getU64(view, 0)}`);
  const flags = view.getUint16(8, true);
  if (flags !== FREELIST_FLAG) return bad('C10', `the free list has type ${flags}`);
  const short = view.getUint16(10, true);
  const long = short === LONG_FORM;
  const start = long ? PAGE_HEADER + 8 : PAGE_HEADER;
  const count = long ? getU64(view, PAGE_HEADER) : short;
  if (count > (run.length - start) / 8)
    return bad('C2', `the free list counts ${count} ids, more than fit in its pages`);
  const listed = new Float64Array(count);
  for (let i = 0; i < count; i++) listed[i] = getU64(view, start + 8 * i);
  listed.sort();
  const problems: { rule: string; message: string }[] = [];
  let kept = 0;
  for (const free of listed) {
    if (kept > 0 && listed[kept - 1] === free)
      problems.push({ rule: 'C1', message: `page ${free} is listed twice as free` });
    else if (free < 2 || free >= highWater) problems.push({ rule: 'C2', message: `page ${free} cannot be free` });
    else if (free >= id && free <= id + overflow)
      problems.push({ rule: 'C5', message: `the free list lists its own page ${free}` });
    else listed[kept++] = free;
  }
  return { ids: listed.slice(0, kept), overflow, long, dataEnd: start + 8 * count, problems };
}
