/**
 * A commit as a frame: its head, its rows (`frame-rows.ts`), its tail, in pieces to be written.
 *
 * LGBF1  Values are not copied: pieces are views of the blocks that the store encoded into. Only pieces of less than 4 KiB are
 *     gathered, where a call with many buffers would cost more than their copy.
 * LGBF2  Nothing is shown: the draft becomes the state when the frame is durable.
 */
import type { Blocks } from '@varve/base/block';
import { Slice, STEP_MS, type Turns } from '@varve/base/pace';
import type { Changes, Room } from '../../../contract/engine.ts';
import { packChanges } from '../../../contract/packed-changes.ts';
import type { LiveFile } from '../files/live-file.ts';
import {
  FRAME_HEAD,
  FRAME_TAIL,
  ROW_HEAD,
  SUM_BYTES,
  tailSum,
  writeFrameHead,
  writeFrameTail,
} from '../format/frame.ts';
import { aligned } from '../format/seed.ts';
import type { Draft } from '../state/state.ts';
import { FrameRows } from './frame-rows.ts';
import { Pieces } from './pieces.ts';

/** What the Backend is to leave around each row. */
export const rowRoom: Room = Object.freeze({ before: ROW_HEAD, after: 0 });

export interface Frame {
  readonly pieces: Pieces;
  /** Where it begins in the file. */
  readonly place: number;
  /** Where it ends, padding not counted. */
  readonly end: number;
  readonly deleted: Deleted;
}

/** What a commit deletes. */
export interface Deleted {
  /** Rows, and buckets. */
  readonly count: number;
  /** Where the last row of an append-only bucket lies that it deletes; absent where it deletes none. */
  readonly file: LiveFile | undefined;
}

/** What the frames of a store share, one at a time. */
export interface FrameMemory {
  /** As `Pieces` wants them. */
  readonly blocks: Blocks;
  /** Sums of rows, as long as the largest frame so far wanted it. */
  sums: Uint8Array;
}

/** More bytes of sums are not kept from one frame to the next. */
const MOST_SUMS = 1 << 18;
/** Rows between two looks at the clock. */
const STRIDE = 128;

/** @throws BackendError `BACKEND_KEY_ORDER`; nothing is written then */
export async function buildFrame(
  clock: Turns,
  changes: Changes,
  draft: Draft,
  file: LiveFile,
  commit: number,
  memory: FrameMemory,
): Promise<Frame> {
  const packed = packChanges(changes, rowRoom);
  const place = aligned(file.end);
  const pieces = new Pieces(place, memory.blocks);
  const headAt = pieces.room(FRAME_HEAD);
  const head = memory.blocks.block;
  // Short: in the same turn writers fill the next commit.
  const slice = new Slice(clock, { lengthMs: STEP_MS });
  const wanted = SUM_BYTES * packed.length;
  const sums = memory.sums.length < wanted ? new Uint8Array(wanted) : memory.sums;
  memory.sums = sums.length <= MOST_SUMS ? sums : memory.sums;
  const rows = new FrameRows(packed, draft, file, pieces, sums);
  for (let i = 0; i < packed.length; i += 1) {
    if (i % STRIDE === STRIDE - 1 && slice.over) await slice.turn();
    rows.add(i);
  }
  rows.end();
  const { at, count, deletes, deletedIn } = rows;
  const length = at + FRAME_TAIL - place;
  const headSum = writeFrameHead(head, headAt, file.salt, place, { rows: count, length, commit });
  const tailAt = pieces.room(FRAME_TAIL);
  writeFrameTail(memory.blocks.block, tailAt, tailSum(file.salt, place, headSum, sums, count));
  return { pieces, place, end: at + FRAME_TAIL, deleted: { count: deletes, file: deletedIn } };
}
