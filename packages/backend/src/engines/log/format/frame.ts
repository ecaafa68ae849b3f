/**
 * One commit as it lies in a segment: a frame of rows. A frame begins at a multiple of eight.
 *
 *   head   0 4 "FRM1"   4 4 rows   8 8 length, from head to tail   16 8 commit   24 4 0   28 4 CRC of the 28 before
 *   row    0 4 CRC of the rest of it   4 1 op   5 1 flags   6 2 key length   8 4 bucket   12 4 value length   16 key, value
 *   tail   0 4 "END1"   4 4 CRC of the head's CRC and then of each row's, in order
 *
 * LGFR1  Every checksum begins at (salt, place): of the head at the frame's place, of a row at the row's, of the tail at the frame's
 *     (`seed.ts`). So a frame or row that lies at another place than the one it was written for is none.
 * LGFR2  The tail sums the sums: a row cannot be moved, dropped or doubled, and no byte is summed twice.
 * LGFR3  The first half of a row, its head, is 16 bytes: it lies in the room that the Backend leaves before each key.
 */
import { crc32cOf } from '@varve/base/crc32c';
import { joinCrc32c } from '@varve/base/crc32c-join';
import { getWide, seedOf, sumWord, TWO_32, viewOf } from './seed.ts';

export const FRAME_HEAD = 32;
export const ROW_HEAD = 16;
export const FRAME_TAIL = 8;
/** Of a row's sum, with which it begins. */
export const SUM_BYTES = 4;
export const FRAME_MAGIC = 0x314d5246;
const TAIL_MAGIC = 0x31444e45;

/** What a row does. Values are stored. */
export const CREATE_BUCKET = 1;
export const DELETE_BUCKET = 2;
export const PUT = 3;
export const DELETE = 4;
/** Of an append-only bucket: all rows that live from the key to the one that is the value, both included. */
export const DELETE_ROWS = 5;
/** Flag of `CREATE_BUCKET`. */
export const APPEND_ONLY = 1;

export interface FrameHead {
  readonly rows: number;
  readonly length: number;
  readonly commit: number;
  readonly sum: number;
}

/** @param at where in `into` it goes @param place where in the file @returns the head's checksum, for the tail */
export function writeFrameHead(
  into: Uint8Array,
  at: number,
  salt: number,
  place: number,
  head: { readonly rows: number; readonly length: number; readonly commit: number },
): number {
  setWord(into, at, FRAME_MAGIC);
  setWord(into, at + 4, head.rows);
  setWideWord(into, at + 8, head.length);
  setWideWord(into, at + 16, head.commit);
  setWord(into, at + 24, 0);
  const sum = crc32cOf(into, at, at + 28, seedOf(salt, place));
  setWord(into, at + 28, sum);
  return sum;
}

/** @param at where in `bytes` it begins @param place where in the file */
export function readFrameHead(bytes: Uint8Array, at: number, salt: number, place: number): FrameHead | undefined {
  if (at + FRAME_HEAD > bytes.length) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(at, true) !== FRAME_MAGIC) return undefined;
  const sum = view.getUint32(at + 28, true);
  if (sum !== crc32cOf(bytes, at, at + 28, seedOf(salt, place))) return undefined;
  return { rows: view.getUint32(at + 4, true), length: getWide(view, at + 8), commit: getWide(view, at + 16), sum };
}

export function writeFrameTail(into: Uint8Array, at: number, sum: number): void {
  setWord(into, at, TAIL_MAGIC);
  setWord(into, at + 4, sum);
}

/** The sum of the sums before the first row. */
export function firstSum(salt: number, place: number, headSum: number): number {
  return sumWord(headSum, seedOf(salt, place));
}

/** The sum of the sums of so many rows, which lie one behind the other as they stand in the rows. */
export function tailSum(salt: number, place: number, headSum: number, sums: Uint8Array, count: number): number {
  return crc32cOf(sums, 0, SUM_BYTES * count, firstSum(salt, place, headSum));
}

export function isFrameTail(bytes: Uint8Array, at: number, sum: number): boolean {
  const view = viewOf(bytes);
  return view.getUint32(at, true) === TAIL_MAGIC && view.getUint32(at + 4, true) === sum;
}

/** Writes the head of a row whose key and value follow it already. @param start of the row in `block`, the head's place */
export function writeRowHead(
  block: Uint8Array,
  start: number,
  end: number,
  row: { readonly op: number; readonly flags: number; readonly bucket: number; readonly keyLength: number },
  salt: number,
  place: number,
): void {
  const valueLength = end - start - ROW_HEAD - row.keyLength;
  block[start + 4] = row.op;
  block[start + 5] = row.flags;
  block[start + 6] = row.keyLength & 0xff;
  block[start + 7] = row.keyLength >>> 8;
  setWord(block, start + 8, row.bucket);
  setWord(block, start + 12, valueLength);
  sealRow(block, start, end, salt, place);
}

/** Apart, so that what is above is small enough to become part of its caller, and the row's numbers no object. */
function sealRow(block: Uint8Array, start: number, end: number, salt: number, place: number): void {
  setWord(block, start, crc32cOf(block, start + SUM_BYTES, end, seedOf(salt, place)));
}

export interface RowHead {
  readonly op: number;
  readonly flags: number;
  readonly bucket: number;
  readonly keyLength: number;
  readonly valueLength: number;
  /** As it stands there. */
  readonly sum: number;
}

/** What the head of a row says, whether true or not. */
export function readRowHead(bytes: Uint8Array, at: number): RowHead {
  return {
    sum: getWord(bytes, at),
    op: bytes[at + 4]!,
    flags: bytes[at + 5]!,
    keyLength: bytes[at + 6]! | (bytes[at + 7]! << 8),
    bucket: getWord(bytes, at + 8),
    valueLength: getWord(bytes, at + 12),
  };
}

/** Whether the bytes from `at` to `end` are the row that was written at this place of the file. @param words as `crc32cOf` wants it */
export function isRow(
  bytes: Uint8Array,
  at: number,
  end: number,
  salt: number,
  place: number,
  words?: DataView,
): boolean {
  return getWord(bytes, at) === crc32cOf(bytes, at + 4, end, seedOf(salt, place), words);
}

/** As `isRow`. @param sum of key and value, one behind the other */
export function isRowOf(sum: number, bytes: Uint8Array, at: number, end: number, salt: number, place: number): boolean {
  const keyAt = at + ROW_HEAD;
  return getWord(bytes, at) === joinCrc32c(crc32cOf(bytes, at + 4, keyAt, seedOf(salt, place)), sum, end - keyAt);
}

/** Whether the head at `at` is that of a put with these lengths. */
export function isPutHead(
  words: DataView,
  at: number,
  bucket: number,
  keyLength: number,
  valueLength: number,
): boolean {
  return (
    (words.getUint32(at + 4, true) & PUT_MASK) === ((keyLength << 16) | PUT) &&
    words.getUint32(at + 8, true) === bucket &&
    words.getUint32(at + 12, true) === valueLength
  );
}

/** All of a head's second word but the flags. */
const PUT_MASK = ~0xff00;

function getWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

/** A whole number below 2^53, as eight bytes, the least first. */
function setWideWord(bytes: Uint8Array, at: number, value: number): void {
  setWord(bytes, at, value % TWO_32);
  setWord(bytes, at + 4, Math.floor(value / TWO_32));
}
