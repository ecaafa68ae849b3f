/**
 * CRC-32C (Castagnoli, reflected 0x82F63B78, initial and final xor all ones), eight bytes a step.
 *
 * Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005.
 */

const TABLES: Uint32Array = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    tables[byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[byte] as number;
    for (let table = 1; table < 8; table++) {
      crc = (crc >>> 8) ^ (tables[crc & 0xff] as number);
      tables[table * 256 + byte] = crc >>> 0;
    }
  }
  return tables;
}

/** The sum over `bytes[start, end)`, continuing from an earlier sum. Unsigned. */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
  const t = TABLES;
  let crc = ~before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t[1792 + (crc & 0xff)] as number) ^
      (t[1536 + ((crc >>> 8) & 0xff)] as number) ^
      (t[1280 + ((crc >>> 16) & 0xff)] as number) ^
      (t[1024 + (crc >>> 24)] as number) ^
      (t[768 + (bytes[at + 4] as number)] as number) ^
      (t[512 + (bytes[at + 5] as number)] as number) ^
      (t[256 + (bytes[at + 6] as number)] as number) ^
      (t[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}
