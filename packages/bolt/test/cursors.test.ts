import { describe, expect, test } from 'vitest';
import { openBoltOn } from './open-on.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const PATH = '/disk/t.db';
const small = () => openBoltOn(new SimulatedDisk(), PATH, { pageSize: 512 });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

describe('cursors', () => {
  test('F57 F65 every key and every gap, both ways, through several levels', async () => {
    await using bolt = await small();
    const keys = Array.from({ length: 4000 }, (_, i) => i * 2 + 1);
    const key = (i: number): Buffer => Buffer.from([i >> 8, i & 0xff, 200]);
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      for (const i of keys) bucket.put(key(i), `${i}`);
    });
    expect((await bolt.stats()).depth).toBeGreaterThan(2);
    using tx = bolt.read();
    const cursor = tx.bucket('b')?.cursor();
    if (cursor === undefined) throw new Error('no bucket');
    for (let i = 0; i < 8000; i++) {
      expect(cursor.seek(key(i))).toBe(true);
      const want = i % 2 === 1 ? i : i + 1;
      expect(text(cursor.value)).toBe(`${want}`);
      if (i % 100 !== 0) continue;
      if (want > 1) expect([cursor.prev(), text(cursor.value), cursor.next()]).toEqual([true, `${want - 2}`, true]);
      if (want < 7999) expect([cursor.next(), text(cursor.value)]).toEqual([true, `${want + 2}`]);
    }
    expect([cursor.seek(key(8001)), cursor.next(), cursor.prev(), text(cursor.value)]).toEqual([
      false,
      false,
      true,
      '7999',
    ]);
    expect([cursor.next(), text(cursor.value), cursor.prev(), text(cursor.value)]).toEqual([
      false,
      '7999',
      true,
      '7997',
    ]);
    expect([cursor.first(), cursor.prev(), cursor.next(), text(cursor.value)]).toEqual([true, false, true, '3']);
  });

  test('an empty bucket has no entries, and an unplaced cursor no key', async () => {
    await using bolt = await small();
    await bolt.write((tx) => tx.createBucket('b'));
    using tx = bolt.read();
    const cursor = tx.bucket('b')?.cursor();
    expect([cursor?.first(), cursor?.last(), cursor?.next(), cursor?.prev(), cursor?.seek('a')]).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(() => cursor?.key).toThrow(expect.objectContaining({ code: 'BOLT_ENDED' }) as Error);
  });

  test('deleting while scanning skips nothing and sees nothing twice', async () => {
    await using bolt = await small();
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      for (let i = 0; i < 1000; i++) bucket.put(String(i).padStart(4, '0'), 'x'.repeat(30));
    });
    const seen = await bolt.write((tx) => {
      const bucket = tx.bucket('b');
      const cursor = bucket?.cursor();
      const keys: string[] = [];
      for (let found = cursor?.first(); found === true; found = cursor?.next()) {
        const key = text(cursor?.key) ?? '';
        keys.push(key);
        bucket?.delete(key);
        if (key === '0500') bucket?.put('0500a', 'new');
      }
      return keys;
    });
    expect(seen).toHaveLength(1001);
    expect(seen).toEqual(seen.toSorted());
    expect((await bolt.check()).problems).toEqual([]);
  });

  test('F70 a key between a separator and the raised first key of its child', async () => {
    await using bolt = await small();
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      for (let i = 0; i < 200; i++) bucket.put(String(i * 2).padStart(4, '0'), 'x'.repeat(40));
      for (let i = 0; i < 200; i += 7) bucket.delete(String(i * 2).padStart(4, '0'));
      const cursor = bucket.cursor();
      for (let i = 0; i < 390; i++) {
        const want = Array.from({ length: 200 }, (_, n) => n).find((n) => n * 2 >= i && n % 7 !== 0);
        expect(cursor.seek(String(i).padStart(4, '0'))).toBe(true);
        expect(text(cursor.key)).toBe(String((want ?? 0) * 2).padStart(4, '0'));
      }
    });
  });
});
