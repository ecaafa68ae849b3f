/**
 * CRC-32C (Castagnoli, RFC 3720 B.4), eight or sixteen bytes a step.
 *
 * CRC1  Whoever has enough bytes to make a view of them gets sixteen bytes a step with sixteen tables; others get eight, by words
 *       where they have a view at hand, which costs 80 ns to make: of some hundred bytes that is the fastest, with half the tables.
 *
 * etcd's hashes are made of it; `zlib.crc32` is the other polynomial. Native modules win only above some KiB.
 * Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005.
 */

const step = 16;

/** `tables[n * 256 + b]`: what byte `b` does to the sum when `n` more bytes of the step follow it. */
const tables: Int32Array = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(step * 256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
    made[byte] = sum;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256]!;
    made[i] = (before >>> 8) ^ made[before & 0xff]!;
  }
  return made;
}

/**
 * The checksum of `bytes`, or of what came before followed by `bytes`: `crc32c(b, crc32c(a))` is the checksum of a
 * and b in a row.
 * @param seed a checksum this function gave out; 0 for nothing before
 * @returns an unsigned 32-bit number
 * @throws TypeError for what is no Uint8Array
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array');
  return crc32cOf(bytes, 0, bytes.length, seed);
}

/** From so many bytes on a view is worth making. */
const worthAView = 1024;

/**
 * `crc32c` of `bytes.subarray(start, end)`, without making it.
 * @param words a view of the same bytes, from `bytes[0]` on
 */
export function crc32cOf(bytes: Uint8Array, start: number, end: number, seed = 0, words?: DataView): number {
  if (end - start >= worthAView) {
    return sixteens(bytes, start, end, seed, words ?? new DataView(bytes.buffer, bytes.byteOffset));
  }
  return words === undefined ? eights(bytes, start, end, seed) : wordwise(bytes, start, end, seed, words);
}

function sixteens(bytes: Uint8Array, start: number, end: number, seed: number, words: DataView): number {
  const table = tables;
  let sum = ~seed;
  let at = start;
  for (const whole = end - step; at <= whole; at += step) {
    const a = sum ^ words.getInt32(at, true);
    const b = words.getInt32(at + 4, true);
    const c = words.getInt32(at + 8, true);
    const d = words.getInt32(at + 12, true);
    sum = word(table, a, 3072) ^ word(table, b, 2048) ^ word(table, c, 1024) ^ word(table, d, 0);
  }
  for (; at < end; at++) sum = (sum >>> 8) ^ table[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}

/** What the four bytes of a word contribute, by the four tables from `from` on, the last byte first. */
function word(table: Int32Array, bits: number, from: number): number {
  return (
    table[from + 768 + (bits & 0xff)]! ^
    table[from + 512 + ((bits >>> 8) & 0xff)]! ^
    table[from + 256 + ((bits >>> 16) & 0xff)]! ^
    table[from + (bits >>> 24)]!
  );
}

function wordwise(bytes: Uint8Array, start: number, end: number, seed: number, words: DataView): number {
  const table = tables;
  let sum = ~seed;
  let at = start;
  for (const whole = end - 7; at < whole; at += 8) {
    const a = sum ^ words.getInt32(at, true);
    const b = words.getInt32(at + 4, true);
    sum = word(table, a, 1024) ^ word(table, b, 0);
  }
  for (; at < end; at++) sum = (sum >>> 8) ^ table[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}

function eights(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const table = tables;
  let sum = ~seed;
  let at = start;
  for (const whole = end - 7; at < whole; at += 8) {
    const low = sum ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    sum =
      table[1792 + (low & 0xff)]! ^
      table[1536 + ((low >>> 8) & 0xff)]! ^
      table[1280 + ((low >>> 16) & 0xff)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^
      table[512 + bytes[at + 5]!]! ^
      table[256 + bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!;
  }
  for (; at < end; at++) sum = (sum >>> 8) ^ table[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}
