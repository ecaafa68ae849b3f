import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, crc32cOf } from '../src/crc32c.ts';

test.each([
  ['', 0],
  ['a', 0xc1d04330],
  ['123456789', 0xe3069283],
  ['\0'.repeat(32), 0x8a9136aa],
  ['\xff'.repeat(32), 0x62a8ab43],
])('RFC 3720 B.4 and the check value: %j', (text, want) => {
  expect(crc32c(Buffer.from(text, 'latin1'))).toBe(want);
});

/** One bit at a time, from the definition. */
function slow(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  }
  return ~sum >>> 0;
}

test('equals the definition; parts in a row equal the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, i, j) => {
      const [from, to] = [Math.min(i, j, bytes.length), Math.min(Math.max(i, j), bytes.length)];
      expect(crc32c(bytes)).toBe(slow(bytes));
      expect(crc32c(bytes.subarray(to), crc32c(bytes.subarray(from, to), crc32c(bytes.subarray(0, from))))).toBe(
        slow(bytes),
      );
      expect(crc32cOf(bytes, from, to)).toBe(slow(bytes.subarray(from, to)));
      const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      expect(crc32cOf(bytes, from, to, 0, words)).toBe(slow(bytes.subarray(from, to)));
    }),
  );
});

test('equals the definition for long arrays, wherever they begin', () => {
  const memory = Buffer.alloc(8192, 'every byte counts, and so does its place').buffer;
  for (const [offset, start, end] of [
    [0, 0, 1024],
    [1, 0, 1023],
    [3, 5, 1029],
    [7, 1, 4000],
    [64, 13, 8000],
  ] as const) {
    const bytes = new Uint8Array(memory, offset);
    expect(crc32cOf(bytes, start, end)).toBe(slow(bytes.subarray(start, end)));
    expect(crc32cOf(bytes, start, end, crc32c(bytes))).toBe(crc32c(Buffer.concat([bytes, bytes.subarray(start, end)])));
  }
});
