import { afterAll, describe, expect, test } from 'vitest';
import type { WriteTransaction } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { listFile } from './list-file.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const PATH = '/disk/t.db';
const small = () => openBoltOn(new SimulatedDisk(), PATH, { pageSize: 512 });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

describe('buckets and pairs', () => {
  test('F53 a bucket and a pair of one name exclude each other', async () => {
    await using bolt = await small();
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      bucket.put('pair', '1');
      bucket.createBucket('bucket');
      expect(() => bucket.createBucket('pair')).toThrow(
        expect.objectContaining({ code: 'BOLT_INCOMPATIBLE' }) as Error,
      );
      expect(() => bucket.createBucket('bucket')).toThrow(
        expect.objectContaining({ code: 'BOLT_BUCKET_EXISTS' }) as Error,
      );
      expect(() => bucket.put('bucket', '1')).toThrow(expect.objectContaining({ code: 'BOLT_INCOMPATIBLE' }) as Error);
      expect(() => bucket.delete('bucket')).toThrow(expect.objectContaining({ code: 'BOLT_INCOMPATIBLE' }) as Error);
      expect(() => bucket.deleteBucket('pair')).toThrow(
        expect.objectContaining({ code: 'BOLT_INCOMPATIBLE' }) as Error,
      );
      expect(() => tx.root.put('k', 'v')).toThrow(expect.objectContaining({ code: 'BOLT_INCOMPATIBLE' }) as Error);
      expect([bucket.get('bucket'), bucket.bucket('pair'), bucket.delete('none'), bucket.deleteBucket('none')]).toEqual(
        [undefined, undefined, false, false],
      );
    });
  });

  test('F53 F54 a pair that is lent is the pair that was put, also when the write goes on, is undone, or replaces it', async () => {
    await using bolt = await small();
    const block = Buffer.from(Array.from({ length: 100 }, (_, i) => `..key${100 + i}value${i}`).join(''));
    const at = (i: number): number => block.indexOf(`key${100 + i}`);
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      for (let i = 0; i < 100; i++) {
        bucket.putLent(block, at(i), at(i) + 6, at(i) + 6 + `value${i}`.length);
        bucket.put(`own${i}`, `${i}`);
        expect(text(bucket.get(`key${100 + i}`))).toBe(`value${i}`);
      }
      bucket.putLent(block, at(3), at(3) + 6, at(3) + 6);
      expect(() => bucket.putLent(block, 5, 5, 9)).toThrow(RangeError);
      expect(() => bucket.putLent(block, 5, 4, 9)).toThrow(RangeError);
      expect(() => bucket.putLent(block, 0, 4, block.length + 1)).toThrow(RangeError);
      expect(() => bucket.putLent(block, Number.NaN, 4, 5)).toThrow(RangeError);
      expect(() => bucket.putLent('text' as never, 0, 1, 2)).toThrow(TypeError);
      expect(() => tx.root.putLent(block, 0, 1, 2)).toThrow(
        expect.objectContaining({ code: 'BOLT_INCOMPATIBLE' }) as Error,
      );
    });
    await expect(
      bolt.write((tx) => {
        tx.bucket('b')?.putLent(Buffer.from('key100other'), 0, 6, 11);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    using tx = bolt.read();
    const found = tx.bucket('b')!;
    for (let i = 0; i < 100; i++) {
      expect(text(found.get(`key${100 + i}`))).toBe(i === 3 ? '' : `value${i}`);
      expect(text(found.get(`own${i}`))).toBe(`${i}`);
    }
  });

  test('F54 an empty value is a value', async () => {
    await using bolt = await small();
    await bolt.write((tx) => tx.createBucket('b').put('k', ''));
    using tx = bolt.read();
    expect(tx.bucket('b')?.get('k')).toEqual(new Uint8Array(0));
    expect(tx.bucket('b')?.get('other')).toBe(undefined);
    expect([...(tx.bucket('b')?.entries() ?? [])]).toEqual([{ key: new Uint8Array([107]), value: new Uint8Array(0) }]);
  });

  test('F55 F56 sequences: 64 bits, wrap, persist alone, roll back', async () => {
    const path = scratch.file();
    {
      await using bolt = await openBolt(path);
      await bolt.write((tx) => {
        for (const name of ['inline', 'tree']) tx.createBucket(name).setSequence(2n ** 64n - 1n);
        for (let i = 0; i < 100; i++) tx.bucket('tree')?.put(`k${i}`, 'x'.repeat(100));
      });
      await bolt.write((tx) => tx.bucket('tree')?.setSequence(2n ** 53n + 1n));
      expect(await bolt.write((tx) => tx.bucket('inline')?.nextSequence())).toBe(0n);
      await expect(
        bolt.write((tx) => {
          tx.bucket('tree')?.nextSequence();
          throw new Error('back');
        }),
      ).rejects.toThrow('back');
      expect((await bolt.check()).problems).toEqual([]);
    }
    await using bolt = await openBolt(path);
    using tx = bolt.read();
    expect([tx.bucket('inline')?.sequence, tx.bucket('tree')?.sequence]).toEqual([0n, 2n ** 53n + 1n]);
  });

  test('F58 R3 R4 limits of keys and arguments', async () => {
    await using bolt = await openBolt(scratch.file());
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      bucket.put(Buffer.alloc(32_768, 1), '');
      bucket.put(Buffer.alloc(1, 2), '');
      expect(() => bucket.put('', 'v')).toThrow(RangeError);
      expect(() => bucket.put(Buffer.alloc(32_769), 'v')).toThrow(RangeError);
      expect(() => bucket.put(5 as unknown as string, 'v')).toThrow(TypeError);
      expect(() => bucket.put('k', undefined as unknown as string)).toThrow('value must be');
      expect(() => tx.createBucket('')).toThrow(RangeError);
      expect(() => bucket.setSequence(-1n)).toThrow(RangeError);
      expect(() => {
        bucket.fillPercent = 2;
      }).toThrow(RangeError);
      expect(bucket.get('')).toBe(undefined);
    });
    using tx = bolt.read();
    expect(tx.bucket('b')?.get(Buffer.alloc(32_768, 1))).toEqual(new Uint8Array(0));
    const cursor = tx.bucket('b')?.cursor();
    expect([cursor?.seek(''), cursor?.key.length]).toEqual([true, 32_768]);
  });

  test('F59 bucket names longer than any key', async () => {
    await using bolt = await openBolt(scratch.file());
    const name = Buffer.alloc(50_000, 7);
    await bolt.write((tx) => tx.createBucket(name).put('k', 'v'));
    using tx = bolt.read();
    expect(text(tx.bucket(name)?.get('k'))).toBe('v');
  });

  test('R19 prototype names are ordinary names', async () => {
    await using bolt = await small();
    await bolt.write((tx) => {
      for (const name of ['__proto__', 'constructor', 'toString']) tx.createBucket(name).put(name, name);
    });
    using tx = bolt.read();
    for (const name of ['__proto__', 'constructor', 'toString']) expect(text(tx.bucket(name)?.get(name))).toBe(name);
  });

  test('F52 F61 F71 deleting frees everything: nested trees, overflow runs, hundreds of buckets', async () => {
    await using bolt = await small();
    const build = (tx: WriteTransaction): void => {
      const outer = tx.createBucket('outer');
      for (let i = 0; i < 300; i++) {
        const nested = outer.createBucket(`n${i}`);
        for (let j = 0; j < 10; j++) nested.put(`k${j}`, 'x'.repeat(i));
      }
      outer.put('large', Buffer.alloc(100_000, 1));
    };
    await bolt.write(build);
    await bolt.write((tx) => tx.bucket('outer')?.put('large', 'small'));
    expect((await bolt.check()).problems).toEqual([]);
    const { size } = bolt;
    await bolt.write((tx) => tx.deleteBucket('outer'));
    expect((await bolt.check()).problems).toEqual([]);
    expect(bolt.sizeInUse / 512).toBeLessThan(size / 512 / 20);
    for (let i = 0; i < 3; i++) await bolt.write((tx) => tx.createBucketIfMissing('other').put('k', String(i)));
    await bolt.write(build);
    expect(bolt.size).toBeLessThan(size * 1.2);
  });

  test('F62 four large entries stay together, five are split 2 and 3', async () => {
    const path = scratch.file();
    await using bolt = await openBolt(path);
    await bolt.write((tx) => {
      for (const count of [4, 5]) {
        const bucket = tx.createBucket(`b${count}`);
        for (let i = 0; i < count; i++) bucket.put(`k${i}`, Buffer.alloc(3000, i));
      }
    });
    const leaves = ((await listFile(path)).pages as [number, string, number, number][]).filter(
      ([, type]) => type === 'leaf',
    );
    expect(leaves.map(([, , count]) => count).toSorted((a, b) => a - b)).toEqual([2, 2, 3, 4]);
  });
});
