/**
 * What stands behind the frames of a closed file, at the next multiple of eight: where its rows lie.
 *
 *    0  4  "FOOT"     4  4  CRC of the rest, begun at (salt, place)     8  8  length, all of it     16  4  runs   20  4  0
 *   24  .. runs (`run-table.ts`)
 *
 * LGFT1  It only saves reading the file. One that is missing or bad is made up for by a scan.
 */
import { Slice, STEP_MS, type Turns } from '@varve/base/pace';
import { crc32cOf } from '@varve/base/crc32c';
import type { LiveFile } from '../files/live-file.ts';
import type { LogFile } from '../files/log-files.ts';
import type { Run } from '../rows/run.ts';
import { readRuns, writeRuns, type KnownRun } from './run-table.ts';
import { aligned, getWide, seedOf, setWide, viewOf } from './seed.ts';

const FOOTER_HEAD = 24;
export const FOOTER_MAGIC = 0x544f4f46;
/**
 * Bytes between two looks at the clock, which cost nothing to speak of beside that. Few, because an opening is the first that sums much: code that
 * is compiled in the middle of a long first call knows nothing of how such a call ends, and is thrown away at each end.
 */
const STEP = 1 << 14;

/** @returns pieces to be written at `aligned(file.end)` */
export async function writeFooter(clock: Turns, file: LiveFile, runs: readonly KnownRun[]): Promise<Uint8Array[]> {
  const head = new Uint8Array(FOOTER_HEAD);
  const view = viewOf(head);
  const pieces = [head, ...writeRuns(runs)];
  view.setUint32(0, FOOTER_MAGIC, true);
  setWide(
    view,
    8,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  view.setUint32(16, runs.length, true);
  const slice = new Slice(clock, { lengthMs: STEP_MS });
  let sum = crc32cOf(head, 8, FOOTER_HEAD, seedOf(file.salt, aligned(file.end)));
  for (const piece of pieces.slice(1)) sum = await sumOf(piece, sum, slice);
  view.setUint32(4, sum, true);
  return pieces;
}

/** A checksum in slices. */
export async function sumOf(bytes: Uint8Array, seed: number, slice: Slice): Promise<number> {
  let sum = seed;
  for (let at = 0; at < bytes.length; at += STEP) {
    sum = crc32cOf(bytes, at, Math.min(at + STEP, bytes.length), sum);
    if (slice.over) await slice.turn();
  }
  return sum;
}

export type FooterFound =
  | { readonly kind: 'whole'; readonly runs: readonly Run[]; readonly bytes: number }
  | { readonly kind: 'missing' | 'bad' };

/** Rejects with the system's error. */
export async function readFooter(handle: LogFile, file: LiveFile, slice: Slice): Promise<FooterFound> {
  const place = aligned(file.end);
  const size = handle.size();
  const head = new Uint8Array(FOOTER_HEAD);
  if ((await handle.readLater(head, place)) < FOOTER_HEAD) return { kind: 'missing' };
  const view = viewOf(head);
  if (head.every((byte) => byte === 0)) return { kind: 'missing' };
  const length = getWide(view, 8);
  if (view.getUint32(0, true) !== FOOTER_MAGIC || length < FOOTER_HEAD || place + length > size) return { kind: 'bad' };
  const bytes = new Uint8Array(length - FOOTER_HEAD);
  if ((await handle.readLater(bytes, place + FOOTER_HEAD)) < bytes.length) return { kind: 'bad' };
  const sum = await sumOf(bytes, crc32cOf(head, 8, FOOTER_HEAD, seedOf(file.salt, place)), slice);
  if (sum !== view.getUint32(4, true)) return { kind: 'bad' };
  const runs = readRuns(bytes, file);
  if (runs === undefined || runs.length !== view.getUint32(16, true)) return { kind: 'bad' };
  return { kind: 'whole', runs, bytes: place + length - file.end };
}
