/**
 * The CRC-32C of two runs of bytes in a row, from that of each: whoever needs the sum of the same bytes twice goes through them once.
 *
 * CRJ1  What so many bytes make of the sum before them is a linear map, the same for all bytes. There are tables for each power of two,
 *       made when first asked for: a record takes a few steps of four look-ups each.
 */
import { crc32c } from './crc32c.ts';

const zero = new Uint8Array(1);
/** `maps[n]`: what 2^n bytes make of each byte of a sum, by its place. */
const maps: Int32Array[] = [];

/**
 * `crc32c(b, first)`, where `second` is `crc32c(b)` and b has so many bytes.
 * @param bytes below 2^31
 * @returns an unsigned 32-bit number
 */
export function joinCrc32c(first: number, second: number, bytes: number): number {
  let sum = first | 0;
  for (let n = 0, rest = bytes; rest !== 0; n++, rest >>>= 1) {
    if ((rest & 1) !== 0) sum = mapped(maps[n] ?? makeMap(n), sum);
  }
  return (sum ^ second) >>> 0;
}

function mapped(map: Int32Array, sum: number): number {
  return (
    map[sum & 0xff]! ^ map[256 + ((sum >>> 8) & 0xff)]! ^ map[512 + ((sum >>> 16) & 0xff)]! ^ map[768 + (sum >>> 24)]!
  );
}

function makeMap(n: number): Int32Array {
  const half = n === 0 ? undefined : (maps[n - 1] ?? makeMap(n - 1));
  const made = new Int32Array(1024);
  for (let i = 0; i < made.length; i++) {
    const byte = i & 0xff;
    const low = byte & -byte;
    if (byte !== low) {
      made[i] = made[i - low]! ^ made[i - byte + low]!; // it is linear
    } else {
      const sum = byte << (8 * (i >>> 8));
      made[i] = half === undefined ? crc32c(zero, sum >>> 0) ^ crc32c(zero) : mapped(half, mapped(half, sum));
    }
  }
  maps[n] = made;
  return made;
}
