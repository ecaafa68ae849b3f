/**
 * Goes through the frames of a file, from one place to the first that is not whole.
 *
 * LGWK1  A frame is handed on when all of it was found whole: head, each row, tail, and its commit is the next.
 * LGWK2  Looking changes nothing. Memory is bounded by the largest frame; the event loop turns between frames.
 */
import type { Slice } from '@varve/base/pace';
import {
  firstSum,
  FRAME_HEAD,
  FRAME_MAGIC,
  FRAME_TAIL,
  isFrameTail,
  isRow,
  readFrameHead,
  readRowHead,
  ROW_HEAD,
  type RowHead,
} from '../format/frame.ts';
import { aligned, sumWord, viewOf } from '../format/seed.ts';
import type { Window } from './window.ts';

export interface FoundRow extends RowHead {
  /** Where it begins in the file. */
  readonly place: number;
  /** What holds it: head, key and value from `at` on. */
  readonly bytes: Uint8Array;
  readonly at: number;
}

export interface FoundFrame {
  readonly commit: number;
  readonly rows: number;
  readonly place: number;
  readonly end: number;
  /** In order. Call it before the walk goes on. */
  each(visit: (row: FoundRow) => void): void;
}

export interface Walk {
  readonly salt: number;
  /** Where the frame before the first one ends. */
  readonly from: number;
  /** Of the first frame. */
  readonly commit: number;
  /** Frames that would pass this are not looked at. @default the file's end */
  readonly until?: number | undefined;
  /** Later ones are not looked at. @default none */
  readonly lastCommit?: number | undefined;
}

/** @returns where the last whole frame ends, or `from`, and which commit that is */
export async function walkFrames(
  window: Window,
  { salt, from, commit, until = window.size, lastCommit = Infinity }: Walk,
  slice: Slice,
  visit: (frame: FoundFrame) => void,
): Promise<{ readonly end: number; readonly commit: number }> {
  let end = from;
  let next = commit;
  for (;;) {
    const place = aligned(end);
    const frame = next > lastCommit ? undefined : await frameAt(window, salt, place, next, until);
    if (frame === undefined) return { end, commit: next - 1 };
    visit(frame);
    end = frame.end;
    next += 1;
    if (slice.over) await slice.turn();
  }
}

async function frameAt(
  window: Window,
  salt: number,
  place: number,
  commit: number,
  until: number,
): Promise<FoundFrame | undefined> {
  if (!(await window.holds(place, FRAME_HEAD))) return undefined;
  const head = readFrameHead(window.bytes, place - window.from, salt, place);
  if (head === undefined || head.commit !== commit || place + head.length > until) return undefined;
  if (head.length < FRAME_HEAD + FRAME_TAIL || !(await window.holds(place, head.length))) return undefined;
  const { bytes } = window;
  const base = place - window.from;
  const tail = base + head.length - FRAME_TAIL;
  let sum = firstSum(salt, place, head.sum);
  let at = base + FRAME_HEAD;
  for (let i = 0; i < head.rows; i += 1) {
    if (at + ROW_HEAD > tail) return undefined;
    const row = readRowHead(bytes, at);
    const rowEnd = at + ROW_HEAD + row.keyLength + row.valueLength;
    if (rowEnd > tail || !isRow(bytes, at, rowEnd, salt, place + at - base)) return undefined;
    sum = sumWord(row.sum, sum);
    at = rowEnd;
  }
  if (at !== tail || !isFrameTail(bytes, tail, sum)) return undefined;
  return {
    commit,
    rows: head.rows,
    place,
    end: place + head.length,
    each(visit) {
      let rowAt = base + FRAME_HEAD;
      for (let i = 0; i < head.rows; i += 1) {
        const row = readRowHead(bytes, rowAt);
        visit({ ...row, place: place + rowAt - base, bytes, at: rowAt });
        rowAt += ROW_HEAD + row.keyLength + row.valueLength;
      }
    },
  };
}

/** What lies behind the end of the log. */
export interface Remains {
  /** Behind the last byte that is not zero; absent where there is none. */
  readonly end: number | undefined;
  /** Where the head of a later commit's frame lies, if there is one: what lay before it was acknowledged. */
  readonly laterFrame: number | undefined;
}

/** @param commit the newest whole one */
export async function lookBehind(
  window: Window,
  salt: number,
  from: number,
  commit: number,
  slice: Slice,
): Promise<Remains> {
  let end: number | undefined;
  const step = 1 << 18;
  for (let place = from; place < window.size; place += step) {
    const length = Math.min(step, window.size - place);
    await window.holds(place, length);
    const base = place - window.from;
    const bytes = window.bytes.subarray(base, base + length);
    for (let i = bytes.length - 1; i >= 0; i -= 1) {
      if (bytes[i] === 0) continue;
      end = place + i + 1;
      break;
    }
    if (slice.over) await slice.turn();
  }
  if (end === undefined) return { end, laterFrame: undefined };
  for (let place = aligned(from); place + FRAME_HEAD <= end; place += step) {
    const length = Math.min(step + FRAME_HEAD, window.size - place);
    await window.holds(place, length);
    const view = viewOf(window.bytes);
    for (let i = 0; i < step && i + FRAME_HEAD <= length; i += 8) {
      const at = place - window.from + i;
      if (view.getUint32(at, true) !== FRAME_MAGIC) continue;
      const head = readFrameHead(window.bytes, at, salt, place + i);
      if (head !== undefined && head.commit > commit + 1) return { end, laterFrame: place + i };
    }
    if (slice.over) await slice.turn();
  }
  return { end, laterFrame: undefined };
}
