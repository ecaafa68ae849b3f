import { expect, test } from 'vitest';
import { Slab } from '../src/pending/slab.ts';

test('SL1 SL2 SL3 copies are the caller’s bytes, apart from each other, and small ones keep no block alive', () => {
  const slab = new Slab();
  const copies: [Uint8Array, number, number][] = [];
  for (let i = 0; i < 3_000; i += 1) {
    const length = [0, 1, 17, 64, 65, 300, 4_096, 131_072, 131_073][i % 9]!;
    const given = Buffer.alloc(length, i);
    copies.push([slab.copy(given), i & 255, length]);
    given.fill(0);
  }
  for (const [copy, fill, length] of copies) {
    expect(copy.constructor).toBe(Uint8Array);
    expect(copy.length).toBe(length);
    if (length <= 64 || length > 131_072) expect(copy.buffer.byteLength).toBe(length);
    if (length > 0) expect(copy.every((byte) => byte === fill)).toBe(true);
  }
});
