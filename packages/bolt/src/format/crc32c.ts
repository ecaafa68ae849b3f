/**
 * CRC-32C (Castagnoli, reflected 0x82F63B78, initial and final xor all ones), sixteen bytes a step.
 *
 * Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005. Four words
 * and sixteen tables (16 KiB, half of the first-level cache) were 1.6 times faster than eight bytes and eight tables.
 */

import { viewOf } from './bytes.ts';

const STEP = 16;
const TABLES: Int32Array = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    tables[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[byte] as number;
    for (let table = 1; table < STEP; table++) {
      crc = (crc >>> 8) ^ (tables[crc & 0xff] as number);
      tables[table * 256 + byte] = crc;
    }
  }
  return tables;
}

/** The sum over `bytes[start, end)`, continuing from an earlier sum. Unsigned. `words` is a view of the same bytes. */
export function crc32c(
  bytes: Uint8Array,
  start: number,
  end: number,
  before = 0,
  words: DataView = viewOf(bytes),
): number {
  let crc = ~before;
  let at = start;
  if (end - start >= STEP) {
    for (const last = end - STEP; at <= last; at += STEP) {
      const a = crc ^ words.getInt32(at, true);
      const b = words.getInt32(at + 4, true);
      const c = words.getInt32(at + 8, true);
      const d = words.getInt32(at + 12, true);
      crc = word(a, 3072) ^ word(b, 2048) ^ word(c, 1024) ^ word(d, 0);
    }
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (TABLES[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}

/** What the four bytes of a word contribute, by the four tables from `table` on, the last byte first. */
function word(bits: number, table: number): number {
  return (
    (TABLES[table + 768 + (bits & 0xff)] as number) ^
    (TABLES[table + 512 + ((bits >>> 8) & 0xff)] as number) ^
    (TABLES[table + 256 + ((bits >>> 16) & 0xff)] as number) ^
    (TABLES[table + (bits >>> 24)] as number)
  );
}
