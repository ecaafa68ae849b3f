/**
 * A commit as a frame: heads are written into the room before each row's key, rows are applied to a draft, and what lies together is
 * one piece to be written. The one place that knows how the Backend gives changes.
 *
 * LGBF1  Values are not copied: pieces are views of the blocks that the store encoded into. Only pieces of less than 4 KiB are
 *     gathered, where a call with many buffers would cost more than their copy.
 * LGBF2  Nothing is shown: the draft becomes the state when the frame is durable.
 */
import type { Blocks } from '@varve/base/block';
import { Slice, type Turns } from '@varve/base/pace';
import type { Changes, Room } from '../../../contract/engine.ts';
import { packChanges } from '../../../contract/packed-changes.ts';
import type { LiveFile } from '../files/live-file.ts';
import {
  APPEND_ONLY,
  CREATE_BUCKET,
  DELETE,
  DELETE_BUCKET,
  FRAME_HEAD,
  FRAME_TAIL,
  firstSum,
  PUT,
  ROW_HEAD,
  writeFrameHead,
  writeFrameTail,
  writeRowHead,
} from '../format/frame.ts';
import { aligned, sumWord } from '../format/seed.ts';
import { Probe } from '../rows/probe.ts';
import type { Draft } from '../state/state.ts';
import { Pieces } from './pieces.ts';

/** What the Backend is to leave around each row. */
export const rowRoom: Room = Object.freeze({ before: ROW_HEAD, after: 0 });

export interface Frame {
  readonly pieces: Pieces;
  /** Where it begins in the file. */
  readonly place: number;
  /** Where it ends, padding not counted. */
  readonly end: number;
  /** Rows that it deletes, and buckets. */
  readonly deletes: number;
}

/** What the frames of a store share, one at a time. */
export interface FrameMemory {
  /** As `Pieces` wants them. */
  readonly blocks: Blocks;
  /** A word a row, as long as the largest frame so far wanted it. */
  sums: Uint32Array;
}

/** More sums are not kept from one frame to the next. */
const MOST_SUMS = 1 << 16;
/** Rows between two looks at the clock. */
const STRIDE = 128;
const probe = new Probe();
const name = Buffer.from.bind(Buffer);

/** @throws BackendError `BACKEND_KEY_ORDER`; nothing is written then */
export async function buildFrame(
  clock: Turns,
  changes: Changes,
  draft: Draft,
  file: LiveFile,
  commit: number,
  memory: FrameMemory,
): Promise<Frame> {
  const rows = packChanges(changes, rowRoom);
  const place = aligned(file.end);
  const pieces = new Pieces(place, memory.blocks);
  const headAt = pieces.room(FRAME_HEAD);
  const head = memory.blocks.block;
  const slice = new Slice(clock);
  const sums = memory.sums.length < rows.length ? new Uint32Array(rows.length) : memory.sums;
  memory.sums = sums.length <= MOST_SUMS ? sums : memory.sums;
  let count = 0;
  let deletes = 0;
  let at = place + FRAME_HEAD;
  for (let i = 0; i < rows.length; i += 1) {
    if (i % STRIDE === STRIDE - 1 && slice.over) await slice.turn();
    const bucket = rows.bucket(i);
    const type = rows.type(i);
    if (type === 'createBucket' || type === 'deleteBucket') {
      const isNew = type === 'createBucket' && !draft.has(bucket.name);
      const number = type === 'createBucket' ? draft.createBucket(bucket) : draft.deleteBucket(bucket.name);
      if (number === undefined || (type === 'createBucket' && !isNew)) continue;
      const named = name(bucket.name, 'latin1');
      const block = new Uint8Array(ROW_HEAD + named.length);
      block.set(named, ROW_HEAD);
      if (type === 'deleteBucket') deletes += 1;
      const op = type === 'createBucket' ? CREATE_BUCKET : DELETE_BUCKET;
      const flags = type === 'createBucket' && bucket.appendOnly ? APPEND_ONLY : 0;
      const row = { op, flags, bucket: number, keyLength: named.length };
      sums[count++] = writeRowHead(block, 0, block.length, row, file.salt, at);
      pieces.add(block, 0, block.length);
      at += block.length;
      continue;
    }
    const target = draft.writable(bucket.name);
    if (target === undefined) continue; // the Backend has checked that it exists (ENG5)
    const block = rows.block(i);
    const start = rows.start(i);
    const keyEnd = rows.keyEnd(i);
    const end = rows.end(i);
    const isPut = type === 'put';
    if (target.appendOnly) {
      probe.set(block, start, keyEnd);
      if (isPut) target.rows.put(probe, end - keyEnd, file, target.number, at);
      else target.rows.delete(probe);
    } else if (isPut) {
      target.rows.put(rows.key(i), rows.value(i));
    } else {
      target.rows.delete(rows.key(i));
    }
    if (!isPut) deletes += 1;
    const row = { op: isPut ? PUT : DELETE, flags: 0, bucket: target.number, keyLength: keyEnd - start };
    sums[count++] = writeRowHead(block, start - ROW_HEAD, end, row, file.salt, at);
    pieces.add(block, start - ROW_HEAD, end);
    at += end - start + ROW_HEAD;
  }
  const length = at + FRAME_TAIL - place;
  const headSum = writeFrameHead(head, headAt, file.salt, place, { rows: count, length, commit });
  let sum = firstSum(file.salt, place, headSum);
  for (let i = 0; i < count; i += 1) sum = sumWord(sums[i]!, sum);
  const tailAt = pieces.room(FRAME_TAIL);
  writeFrameTail(memory.blocks.block, tailAt, sum);
  return { pieces, place, end: at + FRAME_TAIL, deletes };
}
