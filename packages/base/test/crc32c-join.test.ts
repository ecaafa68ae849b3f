/** The sum of two runs of bytes from the sum of each. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../src/crc32c.ts';
import { joinCrc32c } from '../src/crc32c-join.ts';

test('CRJ1 the joined sum is that of both runs in a row', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 700 }), fc.nat(), (a, b, seed) => {
      const first = crc32c(a, seed >>> 0);
      expect(joinCrc32c(first, crc32c(b), b.length)).toBe(crc32c(b, first));
    }),
  );
});

test.each([0, 1, 255, 256, 65_535, 65_536, 1_000_003, 4 << 20])('CRJ1 over %i bytes', (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 167) >>> 3);
  for (const first of [0, 1, 0x8000_0000, 0xffff_ffff]) {
    expect(joinCrc32c(first, crc32c(bytes), length)).toBe(crc32c(bytes, first));
  }
});
