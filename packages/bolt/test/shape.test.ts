import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const PATH = '/disk/t.db';
const small = () => openBoltOn(new SimulatedDisk(), PATH, { pageSize: 512 });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

describe('shape', () => {
  test.each(['asc', 'desc', 'shuffle'])(
    'F66 F69 F72 10000 inserts %s, then deletions down to nothing',
    async (order) => {
      const random = seeded(3);
      const indexes = Array.from({ length: 10_000 }, (_, i) => i);
      if (order === 'desc') indexes.reverse();
      if (order === 'shuffle') indexes.sort(() => random() - 0.5);
      await using bolt = await openBoltOn(new SimulatedDisk(), PATH, { pageSize: 1024 });
      for (let at = 0; at < indexes.length; at += 2500) {
        await bolt.write((tx) => {
          for (const i of indexes.slice(at, at + 2500))
            tx.createBucketIfMissing('b').put(String(i).padStart(6, '0'), `${i}`);
        });
      }
      expect((await bolt.check()).problems).toEqual([]);
      using tx = bolt.read();
      let next = 0;
      for (const { value } of tx.bucket('b')?.entries() ?? []) expect(text(value)).toBe(`${next++}`);
      expect(next).toBe(10_000);
      for (let at = 0; at < indexes.length; at += 2500) {
        await bolt.write((write) => {
          for (const i of indexes.slice(at, at + 2500))
            expect(write.bucket('b')?.delete(String(i).padStart(6, '0'))).toBe(true);
        });
        expect((await bolt.check()).problems).toEqual([]);
      }
      expect(await bolt.stats()).toMatchObject({ keys: 0, inlineBuckets: 1, leafPages: 1 });
    },
  );

  test('F73 written pages hold nothing of other buffers', async () => {
    const path = scratch.file();
    await using bolt = await openBolt(path);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 50; i++) Buffer.allocUnsafe(4000).fill('SECRET');
      await bolt.write((tx) => {
        for (let i = 0; i < 200; i++) tx.createBucketIfMissing('b').put(`k${i * round}`, 'x'.repeat(i));
      });
    }
    expect(readFileSync(path).includes('SECRET')).toBe(false);
  });

  test('F101 R7 bytes given are copied, bytes returned are the caller’s', async () => {
    await using bolt = await small();
    const key = Buffer.from('key');
    const value = Buffer.from('value');
    await bolt.write((tx) => {
      tx.createBucket('b').put(key, value);
      key.fill(0);
      value.fill(0);
    });
    using tx = bolt.read();
    const first = tx.bucket('b')?.get('key');
    first?.fill(1);
    const cursor = tx.bucket('b')?.cursor();
    cursor?.first();
    cursor?.key.fill(1);
    expect(text(tx.bucket('b')?.get('key'))).toBe('value');
    using borrowed = bolt.read({ borrow: true });
    const view = borrowed.bucket('b')?.get('key');
    await bolt.write((write) => write.bucket('b')?.put('key', 'other'));
    expect(text(view)).toBe('value');
  });
});
