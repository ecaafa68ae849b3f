// @ts-check
/**
 * Records as the floor has them: of one length, each found by its number, encoded by hand and with a checksum.
 *
 * FLR1  A record is what any store of this kind has to write of a put: a revision, key, value, and a sum over them. Nothing is kept of it in
 *     memory: no index, no revisions that can be asked for, no events.
 */
import { crc32c } from '@varve/backend';

const KEY = 32;
const HEAD = 32;

/** @param {number} valueBytes */
export function recordBytes(valueBytes) {
  return HEAD + KEY + valueBytes;
}

/**
 * Encodes a record into `block` at `at`.
 * @param {Buffer} block @param {number} at @param {number} revision @param {Uint8Array} key @param {Uint8Array} value
 * @returns {number} where it ends
 */
export function writeRecord(block, at, revision, key, value) {
  const end = at + HEAD + KEY + value.length;
  block.writeUInt32LE(end - at, at + 4);
  block.writeUInt32BE(Math.floor(revision / 2 ** 32), at + 8);
  block.writeUInt32BE(revision >>> 0, at + 12);
  block.fill(0, at + 16, at + HEAD);
  block.set(key, at + HEAD);
  block.set(value, at + HEAD + KEY);
  block.writeUInt32LE(crc32c(block.subarray(at + 4, end)) >>> 0, at);
  return end;
}

/** The value of a record that begins at the start of `bytes`. @param {Uint8Array} bytes */
export function valueIn(bytes) {
  return bytes.subarray(HEAD + KEY);
}

/** Number of a key of the harness: its last digits. @param {Uint8Array} key */
export function numberOf(key) {
  let number = 0;
  for (let i = 20; i < KEY; i += 1) number = number * 10 + (key[i] ?? 48) - 48;
  return number;
}
