import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { WriteTransaction } from '../src/index.ts';
import { openBolt, openBoltOn } from '../src/index.ts';
import { listFile } from './list-file.ts';
import { replay } from './recipe.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { digestOf } from './digest.ts';
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

describe('readers', () => {
  test('F36 R63 an old reader keeps its state through 1000 commits', async () => {
    await using bolt = await small();
    await bolt.write((tx) => {
      for (let i = 0; i < 100; i++) tx.createBucketIfMissing('b').put(`k${i}`, 'old');
    });
    using tx = bolt.read();
    for (let i = 0; i < 1000; i++) await bolt.write((write) => write.bucket('b')?.put(`k${i % 100}`, `${i}`));
    for (const { value } of tx.bucket('b')?.entries() ?? []) expect(text(value)).toBe('old');
    expect(bolt.openReaderN).toBe(1);
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
    expect(bolt.openReaderN).toBe(0);

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

test('law 3: bodies of many changes that throw leave no trace on those that share their commit', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const pick = (limit: number): number => Math.floor(random() * limit);
    await using bolt = await small();
    const model = new Map<string, string>();
    const changes = (value: string): ((tx: WriteTransaction) => void) => {
      const list = Array.from({ length: 50 + pick(1500) }, () => [`k${pick(4000)}`, random() < 0.3] as const);
      return (tx) => {
        const bucket = tx.createBucketIfMissing('b');
        if (value === 'bad') for (let i = 0; i < 400; i++) bucket.put(`z${i + 1000}`, value); // one leaf grows and is cut
        for (const [key, gone] of list) {
          if (gone) bucket.delete(key);
          else bucket.put(key, value);
        }
        const nested = bucket.createBucketIfMissing('nested');
        if (value.startsWith('good')) {
          for (const [key, gone] of list) {
            if (gone) model.delete(key);
            else model.set(key, value);
          }
          nested.put('last', value);
          return;
        }
        for (const [key] of list) nested.put(key, value);
        if (list.length % 2 === 0) bucket.deleteBucket('nested');
        if (list.length % 3 === 0) tx.deleteBucket('b');
        throw new Error('undone');
      };
    };
    for (let round = 0; round < 3; round++) {
      const bodies = Array.from({ length: 8 }, (_, i) => (random() < 0.5 ? 'bad' : `good${round}-${i}`));
      const results = await Promise.allSettled(bodies.map((value) => bolt.write(changes(value))));
      results.forEach(({ status }, i) => expect(status).toBe(bodies[i] === 'bad' ? 'rejected' : 'fulfilled'));
      expect((await bolt.check()).problems).toEqual([]);
      using tx = bolt.read();
      const bucket = tx.bucket('b');
      const pairs = [...(bucket?.entries() ?? [])].filter(({ value }) => value !== undefined);
      const got = pairs.map(({ key, value }) => [text(key), text(value)]);
      expect(got).toEqual([...model].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      expect([...(bucket?.bucket('nested')?.entries() ?? [])].length).toBe(model.size === 0 ? 0 : 1);
    }
  }
});

describe('life', () => {
  test('R1 R2 nested and asynchronous bodies are refused without a trace', async () => {
    await using bolt = await small();
    const before = digestOf(bolt);
    let nested: Promise<unknown> | undefined;
    await bolt.write(() => {
      nested = bolt.write(() => undefined);
    });
    await expect(nested).rejects.toMatchObject({ code: 'BOLT_NESTED' });
    await expect(bolt.write(async (tx) => void tx.createBucket('b'))).rejects.toThrow(TypeError);
    expect(digestOf(bolt)).toBe(before);
    let escaped: WriteTransaction | undefined;
    await bolt.write((tx) => {
      escaped = tx;
    });
    expect(() => escaped?.createBucket('late')).toThrow(expect.objectContaining({ code: 'BOLT_ENDED' }) as Error);
  });

  test('R9 R10 close waits, refuses, is idempotent', async () => {
    const disk = new SimulatedDisk();
    const bolt = await openBoltOn(disk, PATH);
    const tx = bolt.read();
    const running = bolt.write((write) => write.createBucket('b'));
    const waiting = bolt.write((write) => write.createBucket('c'));
    const closing = bolt.close();
    await running;
    await expect(waiting).rejects.toMatchObject({ code: 'BOLT_CLOSED' });
    await Promise.all([closing, bolt.close()]);
    expect(disk.openFiles).toBe(0);
    expect(() => bolt.read()).toThrow(expect.objectContaining({ code: 'BOLT_CLOSED' }) as Error);
    await expect(bolt.write(() => undefined)).rejects.toMatchObject({ code: 'BOLT_CLOSED' });
    await expect(bolt.check()).rejects.toMatchObject({ code: 'BOLT_CLOSED' });
    expect(() => tx.bucket('b')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/BOLT_(ENDED|CLOSED)/) as string }) as Error,
    );
    await using again = await openBoltOn(disk, PATH);
    using after = again.read();
    expect([after.bucket('b') === undefined, after.bucket('c')]).toEqual([false, undefined]);
  });

  test('a write that changes nothing costs no commit', async () => {
    await using bolt = await small();
    const { txid } = bolt;
    expect(await bolt.write((tx) => tx.bucket('none'))).toBe(undefined);
    expect(bolt.txid).toBe(txid);
  });

  test('F46 defragmentation: contents kept, old readers served, writing goes on', async () => {
    const path = scratch.file();
    await replay('bolt-random', path);
    await using bolt = await openBolt(path);
    const before = digestOf(bolt);
    using old = bolt.read();
    const { sizeBefore, sizeAfter } = await bolt.defragment();
    expect(sizeAfter).toBeLessThan(sizeBefore);
    expect([bolt.size, bolt.sizeInUse, digestOf(bolt)]).toEqual([sizeAfter, sizeAfter, before]);
    await bolt.write((tx) => tx.createBucket('new'));
    expect([...old.root.entries()].some(({ key }) => text(key) === 'new')).toBe(false);
    expect((await bolt.check()).problems).toEqual([]);
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(bolt.defragment({ signal: controller.signal })).rejects.toThrow('enough');
    await bolt.write((tx) => tx.createBucket('newer'));
  });
});
