/**
 * Revisions as keys of the `key` bucket: 8 bytes main, `_`, 8 bytes sub, and `t` behind the one of a deletion.
 *
 * RB1  Byte order of the keys is the order of the revisions.
 * RB2  No BigInt: both halves are at most 2^53 - 1, checked where foreign bytes come in.
 *
 * etcd: server/storage/mvcc/revision.go (spec section 3.1, rows M2 to M5).
 */
import { hexOf } from '@varve/base/hex';
import { MvccError } from './errors.ts';

export const REVISION_LENGTH = 17;
/** A deletion's key is one byte longer. */
export const TOMBSTONE_LENGTH = 18;

const SEPARATOR = 0x5f;
const TOMBSTONE = 0x74;
const TWO_32 = 0x1_0000_0000;
/** First value of the upper 32 bits that does not fit 2^53 - 1 any more, as is any negative int64. */
const TOO_HIGH = 0x20_0000;

/** Writes the key of a put at `at` and returns where it ends. */
export function writePutRevision(target: Uint8Array, at: number, main: number, sub: number): number {
  writeHalf(target, at, main);
  target[at + 8] = SEPARATOR;
  writeHalf(target, at + 9, sub);
  return at + REVISION_LENGTH;
}

/** Writes the key of a deletion at `at` and returns where it ends. */
export function writeTombstoneRevision(target: Uint8Array, at: number, main: number, sub: number): number {
  target[writePutRevision(target, at, main, sub)] = TOMBSTONE;
  return at + TOMBSTONE_LENGTH;
}

function writeHalf(target: Uint8Array, at: number, value: number): void {
  if (value < TWO_32) {
    target[at] = 0;
    target[at + 1] = 0;
    target[at + 2] = 0;
    target[at + 3] = 0;
  } else {
    const high = Math.floor(value / TWO_32);
    target[at] = high >>> 24;
    target[at + 1] = high >>> 16;
    target[at + 2] = high >>> 8;
    target[at + 3] = high;
  }
  const low = value >>> 0;
  target[at + 4] = low >>> 24;
  target[at + 5] = low >>> 16;
  target[at + 6] = low >>> 8;
  target[at + 7] = low;
}

/** Writes the first 17 bytes of `target`; its 18th, where it has one, is the caller's. */
export function writeRevision(target: Uint8Array, main: number, sub: number): void {
  writePutRevision(target, 0, main, sub);
}

/** The key of a put, in an array of its own. */
export function revisionBytes(main: number, sub: number): Uint8Array {
  const bytes = new Uint8Array(REVISION_LENGTH);
  writeRevision(bytes, main, sub);
  return bytes;
}

/** The key of a deletion, in an array of its own. */
export function tombstoneBytes(main: number, sub: number): Uint8Array {
  const bytes = new Uint8Array(TOMBSTONE_LENGTH);
  writeRevision(bytes, main, sub);
  bytes[REVISION_LENGTH] = TOMBSTONE;
  return bytes;
}

function high(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Without a multiplication where there is nothing to multiply: its result is a number in memory of its own, for good. */
function joined(upper: number, lower: number): number {
  return upper === 0 ? lower : upper * TWO_32 + lower;
}

/** The main of a key that `checkRevisionBytes` has passed. */
export function readMain(bytes: Uint8Array): number {
  return joined(high(bytes, 0), high(bytes, 4));
}

/** The sub of a key that `checkRevisionBytes` has passed. */
export function readSub(bytes: Uint8Array): number {
  return joined(high(bytes, 9), high(bytes, 13));
}

/** Whether the key is that of a deletion; an 18th byte other than `t` means nothing. */
export function isTombstone(bytes: Uint8Array): boolean {
  return bytes.length === TOMBSTONE_LENGTH && bytes[REVISION_LENGTH] === TOMBSTONE;
}

/** @throws MvccError `MVCC_CORRUPT` for anything but 17 or 18 bytes with a separator and two halves below 2^53 */
export function checkRevisionBytes(bytes: Uint8Array): void {
  if (
    (bytes.length === REVISION_LENGTH || bytes.length === TOMBSTONE_LENGTH) &&
    bytes[8] === SEPARATOR &&
    high(bytes, 0) < TOO_HIGH &&
    high(bytes, 9) < TOO_HIGH
  ) {
    return;
  }
  const shown = hexOf(bytes.subarray(0, 32));
  throw new MvccError('MVCC_CORRUPT', `not a revision: ${shown} (${bytes.length} bytes)`);
}
