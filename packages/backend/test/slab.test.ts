import { expect, test } from 'vitest';
import { PackedChanges } from '../src/contract/packed-changes.ts';
import { buckets } from '../src/index.ts';
import { Slab } from '../src/pending/slab.ts';

test('SL1 SL2 PKC1 PKC3 copies are the caller’s bytes, apart from each other, and small ones keep no block alive', () => {
  const room = { before: 3, after: 5 };
  const slab = new Slab(room);
  const rows = new PackedChanges(room);
  const wanted: [number, number][] = [];
  for (let i = 0; i < 3_000; i += 1) {
    const length = [0, 1, 17, 64, 65, 300, 4_096, 131_072, 131_073][i % 9]!;
    const key = Buffer.alloc(1 + (i % 70), i);
    const value = Buffer.alloc(length, i + 1);
    slab.copy(key, value);
    rows.pushRow('put', buckets.test, slab.block, slab.start, slab.keyEnd, slab.end);
    wanted.push([i & 255, length]);
    key.fill(0);
    value.fill(0);
    // The room is the engine's, and only the row's.
    slab.block.fill(255, slab.start - room.before, slab.start);
    slab.block.fill(255, slab.end, slab.end + room.after);
  }
  for (const [i, [fill, length]] of wanted.entries()) {
    const [key, value] = [rows.key(i), rows.value(i)];
    expect(key.constructor).toBe(Uint8Array);
    expect(key.length).toBe(1 + (i % 70));
    expect(key.every((byte) => byte === fill)).toBe(true);
    expect(value.length).toBe(length);
    if (length <= 64) expect(value.buffer.byteLength).toBe(length);
    else expect(value.buffer.byteLength).toBeLessThanOrEqual(1 << 20);
    if (length > 0) expect(value.every((byte) => byte === ((fill + 1) & 255))).toBe(true);
  }
});
