import { describe, expect, test } from 'vitest';
import { openBoltOn } from './open-on.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';

const PATH = '/disk/t.db';
const small = () => openBoltOn(new SimulatedDisk(), PATH, { pageSize: 512 });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

describe('readers', () => {
  test('F36 R63 an old reader keeps its state through 1000 commits', async () => {
    await using bolt = await small();
    await bolt.write((tx) => {
      for (let i = 0; i < 100; i++) tx.createBucketIfMissing('b').put(`k${i}`, 'old');
    });
    using tx = bolt.read();
    for (let i = 0; i < 1000; i++) await bolt.write((write) => write.bucket('b')?.put(`k${i % 100}`, `${i}`));
    for (const { value } of tx.bucket('b')?.entries() ?? []) expect(text(value)).toBe('old');
    expect(bolt.openReads).toBe(1);
  });

  test('F37 with one old reader, pages allocated and freed after it are used again', async () => {
    await using bolt = await small();
    await bolt.write((tx) => tx.createBucket('b').put('k', 'x'.repeat(300)));
    using _tx = bolt.read();
    for (let i = 0; i < 1000; i++) await bolt.write((write) => write.bucket('b')?.put('k', String(i).padEnd(300, 'y')));
    expect(bolt.size / 512).toBeLessThan(60);
  });

  test('F38 readers ending in any order release what nobody sees any more', async () => {
    await using bolt = await small();
    const random = seeded(11);
    const readers: { tx: ReturnType<typeof bolt.read>; digest: string }[] = [];
    for (let i = 0; i < 300; i++) {
      await bolt.write((tx) => {
        for (let j = 0; j < 5; j++)
          tx.createBucketIfMissing('b').put(`k${Math.floor(random() * 60)}`, 'v'.repeat(i % 90));
      });
      if (random() < 0.4) readers.push({ tx: bolt.read(), digest: contents(bolt.read()) });
      if (random() < 0.4) readers.splice(Math.floor(random() * readers.length), 1)[0]?.tx.end();
      for (const { tx, digest } of readers) expect(contents(tx, false)).toBe(digest);
    }
    for (const { tx } of readers) tx.end();
    for (let i = 0; i < 4; i++) await bolt.write((tx) => tx.bucket('b')?.put('k', `${i}`));
    const { size } = bolt;
    for (let i = 0; i < 50; i++) await bolt.write((tx) => tx.bucket('b')?.put('k', `${i}`));
    expect(bolt.size).toBe(size);
    expect(bolt.openReads).toBe(0);

    function contents(tx: ReturnType<typeof bolt.read>, end = true): string {
      const all = [...(tx.bucket('b')?.entries() ?? [])].map(({ key, value }) => `${text(key)}=${text(value)}`).join();
      if (end) tx.end();
      return all;
    }
  });

  test('F76 a second write starts from the first one’s state; readers see whole states', async () => {
    await using bolt = await small();
    await Promise.all([
      bolt.write((tx) => tx.createBucket('b').put('n', '1')),
      bolt.write((tx) => tx.bucket('b')?.put('n', `${Number(text(tx.bucket('b')?.get('n'))) + 1}`)),
    ]);
    using tx = bolt.read();
    expect(text(tx.bucket('b')?.get('n'))).toBe('2');
  });

  test('F99 a page that was read for an ended reader does not answer for its successor', async () => {
    await using bolt = await small();
    await bolt.write((tx) => tx.createBucket('b').put('k', 'x'.repeat(300)));
    for (let i = 0; i < 200; i++) {
      {
        using tx = bolt.read();
        tx.bucket('b')?.get('k');
      }
      await bolt.write((tx) => tx.bucket('b')?.put('k', String(i).padEnd(300)));
      using tx = bolt.read();
      expect(text(tx.bucket('b')?.get('k'))?.trim()).toBe(`${i}`);
    }
  });
});
