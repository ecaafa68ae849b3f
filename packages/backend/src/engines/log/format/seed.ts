/**
 * Where a checksum begins: at the place of what it covers.
 *
 * LGSD1  Two places of one file below 4 GiB never have the same seed, so a copy of bytes at another place of its file never passes
 *     there; in another file, which has another salt, by chance of one in 2^32.
 */
import { crc32cOf } from '@varve/base/crc32c';

export const TWO_32: number = 2 ** 32;

/** @param offset below 2^53 */
export function seedOf(salt: number, offset: number): number {
  const high = offset < TWO_32 ? 0 : Math.imul(Math.floor(offset / TWO_32), 0x9e3779b1);
  return (salt ^ offset ^ high) >>> 0;
}

const word = new Uint8Array(4);
const wordView = new DataView(word.buffer);

/** The checksum of what came before, followed by a number of 32 bits. */
export function sumWord(value: number, seed: number): number {
  wordView.setUint32(0, value, true);
  return crc32cOf(word, 0, 4, seed);
}

/** A whole number below 2^53, as eight bytes, the least first. */
export function setWide(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

/** `Infinity` where it is not below 2^53: no number of ours. */
export function getWide(view: DataView, at: number): number {
  const value = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : Infinity;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The next place at or behind `offset` where a frame may begin. */
export function aligned(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}
