/**
 * CRC-32C (Castagnoli, RFC 3720 B.4), eight bytes a step.
 *
 * etcd's hashes are made of it; `zlib.crc32` is the other polynomial. Native modules win only above some KiB.
 */

/** `tables[n * 256 + b]`: what byte `b` does to the sum when `n` more bytes of the step follow it. */
const tables = makeTables();

function makeTables(): Uint32Array {
  const made = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
    made[byte] = sum;
  }
  for (let i = 256; i < made.length; i += 1) {
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
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array');
  return crc32cOf(bytes, 0, bytes.length, seed);
}

/** From so many bytes on, reading four at once through a view, a third faster, makes up for making one. */
const worthAView = 1024;

/** `crc32c` of `bytes.subarray(start, end)`, without making the view. */
export function crc32cOf(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const table = tables;
  let sum = ~seed;
  let i = start;
  if (end - start >= worthAView) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (const whole = end - 7; i < whole; i += 8) {
      const low = sum ^ view.getInt32(i, true);
      const high = view.getInt32(i + 4, true);
      sum =
        table[1792 + (low & 0xff)]! ^
        table[1536 + ((low >>> 8) & 0xff)]! ^
        table[1280 + ((low >>> 16) & 0xff)]! ^
        table[1024 + (low >>> 24)]! ^
        table[768 + (high & 0xff)]! ^
        table[512 + ((high >>> 8) & 0xff)]! ^
        table[256 + ((high >>> 16) & 0xff)]! ^
        table[high >>> 24]!;
    }
  }
  for (const whole = end - 7; i < whole; i += 8) {
    const low = sum ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    sum =
      table[1792 + (low & 0xff)]! ^
      table[1536 + ((low >>> 8) & 0xff)]! ^
      table[1280 + ((low >>> 16) & 0xff)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + bytes[i + 4]!]! ^
      table[512 + bytes[i + 5]!]! ^
      table[256 + bytes[i + 6]!]! ^
      table[bytes[i + 7]!]!;
  }
  for (; i < end; i += 1) sum = (sum >>> 8) ^ table[(sum ^ bytes[i]!) & 0xff]!;
  return ~sum >>> 0;
}
