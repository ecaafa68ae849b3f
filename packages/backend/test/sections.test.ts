import { describe, expect, test } from 'vitest';
import { buckets } from '../src/index.ts';
import type { BatchTx, Bucket, ReadTx } from '../src/index.ts';
import { b, create, engines, opened, read, s, scan, write } from './helpers.ts';

const { test: t, key: k } = buckets;

describe.each(engines)('sections on %s', (_, make) => {
  test('B1 a section reads its own put; so does everybody after it, and after the commit', async () => {
    await using backend = await opened(make);
    backend.batchTx((tx) => {
      tx.createBucket(t);
      tx.put(t, b('foo'), b('bar'));
      expect(s(tx.get(t, b('foo')))).toBe('bar');
    });
    expect(read(backend, t, 'foo')).toBe('bar');
    await backend.forceCommit();
    expect(read(backend, t, 'foo')).toBe('bar');
    expect(backend.batchTx((tx) => s(tx.get(t, b('foo'))))).toBe('bar');
  });

  test('B2 nobody sees a section that still runs; everybody does afterwards, before any commit', async () => {
    await using backend = await opened(make);
    create(backend, t);
    await backend.forceCommit();
    const { commits } = backend;
    using before = backend.concurrentReadTx();
    backend.batchTx((tx) => {
      tx.put(t, b('foo'), b('bar'));
      expect(read(backend, t, 'foo')).toBeUndefined();
      expect(before.get(t, b('foo'))).toBeUndefined();
      expect(() => backend.concurrentReadTx()).toThrow(expect.objectContaining({ code: 'BACKEND_NESTED' }));
      expect(read(backend, t, 'foo')).toBeUndefined();
    });
    expect(read(backend, t, 'foo')).toBe('bar');
    using after = backend.concurrentReadTx();
    expect(s(after.get(t, b('foo')))).toBe('bar');
    expect(backend.commits).toBe(commits);
  });

  test('B2 a read inside a section sees none of its changes, whatever they are', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    write(backend, t, { a: '1', b: '1' });
    write(backend, k, { a: '1', b: '1' });
    for (const commit of [false, true]) {
      if (commit) await backend.forceCommit();
      expect(() =>
        backend.batchTx((tx) => {
          const inside = (): (string | undefined)[] =>
            [t, k].flatMap((bucket) => ['a', 'b', 'c'].map((key) => read(backend, bucket, key)));
          const want = ['1', '1', undefined, '1', '1', undefined];
          for (const bucket of [t, k]) {
            tx.put(bucket, b('c'), b('2'));
            tx.delete(bucket, b('b'));
            expect(inside()).toEqual(want);
            tx.deleteBucket(bucket);
            tx.createBucket(bucket);
            tx.put(bucket, b('c'), b('3'));
            expect(inside()).toEqual(want);
          }
          throw new Error('undone');
        }),
      ).toThrow('undone');
      expect(await scan(backend, t)).toEqual(['a=1', 'b=1']);
      expect(await scan(backend, k)).toEqual(['a=1', 'b=1']);
    }
  });

  test('B11 a bucket that was never created: writes refused, reads empty', async () => {
    await using backend = await opened(make);
    const refused = expect.objectContaining({ code: 'BACKEND_NO_BUCKET' });
    for (const bucket of [t, k]) {
      expect(() => backend.batchTx((tx) => tx.put(bucket, b('a'), b('b')))).toThrow(refused);
      expect(() => backend.batchTx((tx) => tx.delete(bucket, b('a')))).toThrow(refused);
      expect(backend.batchTx((tx) => tx.get(bucket, b('a')))).toBeUndefined();
      expect(read(backend, bucket, 'a')).toBeUndefined();
      expect(await scan(backend, bucket)).toEqual([]);
    }
  });

  test('B12 creating again keeps the rows; removing what is not there is fine, and is no change', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { foo: 'bar' });
    await backend.forceCommit();
    const { commits } = backend;
    backend.batchTx((tx) => {
      tx.createBucket(t);
      tx.deleteBucket(buckets.lease);
    });
    await backend.forceCommit();
    expect(backend.commits).toBe(commits);
    write(backend, t, { missing: undefined });
    expect(await scan(backend, t)).toEqual(['foo=bar']);
  });

  test('B13 a deleted row is gone for all readers at once, without a commit (BD2)', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    for (const bucket of [t, k]) {
      write(backend, bucket, { foo: 'bar', goo: 'baz' });
      await backend.forceCommit();
      write(backend, bucket, { foo: undefined });
      expect(read(backend, bucket, 'foo')).toBeUndefined();
      expect(backend.batchTx((tx) => tx.get(bucket, b('foo')))).toBeUndefined();
      expect(await scan(backend, bucket)).toEqual(['goo=baz']);
      await backend.forceCommit();
      expect(await scan(backend, bucket)).toEqual(['goo=baz']);
    }
  });

  test('B14 a removed bucket is empty for all readers at once and must be created again', async () => {
    await using backend = await opened(make);
    for (const bucket of [t, k]) {
      create(backend, bucket);
      write(backend, bucket, { foo: '1', foo1: '1' });
      await backend.forceCommit();
      backend.batchTx((tx) => tx.deleteBucket(bucket));
      expect(read(backend, bucket, 'foo')).toBeUndefined();
      expect(await scan(backend, bucket)).toEqual([]);
      const refused = expect.objectContaining({ code: 'BACKEND_NO_BUCKET' });
      expect(() => write(backend, bucket, { foo: '2' })).toThrow(refused);
      create(backend, bucket);
      write(backend, bucket, { foo: '3' });
      expect(await scan(backend, bucket)).toEqual(['foo=3']);
      await backend.forceCommit();
      expect(await scan(backend, bucket)).toEqual(['foo=3']);
    }
  });

  test('B15 BD1 a key put and deleted in one section is never seen', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    for (const bucket of [t, k]) {
      backend.batchTx((tx) => {
        tx.put(bucket, b('foo'), b('bar'));
        tx.delete(bucket, b('foo'));
        expect(tx.get(bucket, b('foo'))).toBeUndefined();
        expect(read(backend, bucket, 'foo')).toBeUndefined();
      });
      expect(read(backend, bucket, 'foo')).toBeUndefined();
      expect(await scan(backend, bucket)).toEqual([]);
      await backend.forceCommit();
      expect(await scan(backend, bucket)).toEqual([]);
    }
  });

  test('B16 B17 the last put of a key wins, then what the next section says', async () => {
    await using backend = await opened(make);
    create(backend, t);
    backend.batchTx((tx) => {
      for (const [key, value] of [
        ['foo', '2'],
        ['foo', '0'],
        ['foo1', '10'],
        ['foo', '1'],
        ['foo1', '11'],
      ] as const) {
        tx.put(t, b(key), b(value));
      }
    });
    expect(await scan(backend, t)).toEqual(['foo=1', 'foo1=11']);
    write(backend, t, { foo: '3', foo1: undefined });
    expect(read(backend, t, 'foo')).toBe('3');
    expect(read(backend, t, 'foo1')).toBeUndefined();
    expect(await scan(backend, t)).toEqual(['foo=3']);
  });

  test('B18 duplicates within a section: the newest, also right after a commit (BQ4, BD7)', async () => {
    for (const committed of [false, true]) {
      await using backend = await opened(make);
      create(backend, t);
      write(backend, t, { a: '1' });
      if (committed) await backend.forceCommit();
      backend.batchTx((tx) => {
        tx.put(t, b('b'), b('1'));
        tx.put(t, b('b'), b('2'));
      });
      expect(read(backend, t, 'b')).toBe('2');
      expect(await scan(backend, t)).toEqual(['a=1', 'b=2']);
      backend.batchTx((tx) => {
        for (let i = 0; i < 40; i += 1) tx.put(t, b(`k${i % 5}`), b(`${i}`));
      });
      expect(await scan(backend, t)).toEqual(['a=1', 'b=2', 'k0=35', 'k1=36', 'k2=37', 'k3=38', 'k4=39']);
    }
  });

  test('B19 rows put in any order come in order', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { foo5: '5', foo2: '2', foo1: '1', foo3: '3', foo: 'bar', foo4: '4' });
    expect(read(backend, t, 'foo')).toBe('bar');
    expect(await scan(backend, t)).toEqual(['foo=bar', 'foo1=1', 'foo2=2', 'foo3=3', 'foo4=4', 'foo5=5']);
  });

  test('B21 an overwritten row is seen once, in its new form', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { foo: '1' });
    await backend.forceCommit();
    write(backend, t, { foo: '2' });
    expect(read(backend, t, 'foo')).toBe('2');
    expect(await scan(backend, t)).toEqual(['foo=2']);
  });

  test('B26 an append-only bucket takes ascending keys only, over commits and deletes', async () => {
    await using backend = await opened(make);
    create(backend, k);
    const refused = expect.objectContaining({ code: 'BACKEND_KEY_ORDER' });
    write(backend, k, { key2: '' });
    expect(() => write(backend, k, { key1: '' })).toThrow(refused);
    expect(() => write(backend, k, { key2: '' })).toThrow(refused);
    await backend.forceCommit();
    expect(() => write(backend, k, { key1: '' })).toThrow(refused);
    write(backend, k, { key2: undefined });
    expect(() => write(backend, k, { key2: '' })).toThrow(refused);
    write(backend, k, { key3: '' });
    backend.batchTx((tx) => {
      tx.deleteBucket(k);
      tx.createBucket(k);
      tx.put(k, b('key0'), b('')); // a new bucket starts anew
    });
    expect(await scan(backend, k)).toEqual(['key0=']);
    await backend.forceCommit();
    write(backend, k, { key1: '' });
    expect(await scan(backend, k)).toEqual(['key0=', 'key1=']);
    backend.batchTx((tx) => tx.deleteBucket(k));
    await backend.forceCommit();
    create(backend, k);
    write(backend, k, { a: '' });
    expect(await scan(backend, k)).toEqual(['a=']);
  });

  test('B30 M42 sections do not overlap: one inside another is BACKEND_NESTED and leaves the outer one as it is', async () => {
    await using backend = await opened(make);
    create(backend, t);
    backend.batchTx((tx) => {
      tx.put(t, b('a'), b('1'));
      expect(() => write(backend, t, { b: '2' })).toThrow(expect.objectContaining({ code: 'BACKEND_NESTED' }));
      tx.put(t, b('c'), b('3'));
    });
    expect(await scan(backend, t)).toEqual(['a=1', 'c=3']);
  });

  test('R1 D3 law 3 a section that throws leaves no trace, at whatever call it throws', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    write(backend, t, { a: '1', z: '1' });
    write(backend, k, { a: '1' });
    const steps: ((tx: BatchTx) => void)[] = [
      (tx) => tx.put(t, b('a'), b('2')),
      (tx) => tx.put(t, b('b'), b('2')),
      (tx) => tx.delete(t, b('z')),
      (tx) => tx.put(k, b('b'), b('2')),
      (tx) => tx.delete(k, b('a')),
      (tx) => tx.delete(k, b('b')),
      (tx) => tx.createBucket(buckets.lease),
      (tx) => tx.put(buckets.lease, b('l'), b('2')),
      (tx) => tx.deleteBucket(t),
      (tx) => tx.createBucket(t),
      (tx) => tx.put(t, b('a'), b('3')),
      (tx) => tx.deleteBucket(k),
    ];
    for (let n = 0; n <= steps.length; n += 1) {
      for (const layer of ['pending', 'committed']) {
        if (layer === 'committed') await backend.forceCommit();
        const { commits } = backend;
        const thrown = new Error('thrown');
        expect(() =>
          backend.batchTx((tx) => {
            for (const step of steps.slice(0, n)) step(tx);
            throw thrown;
          }),
        ).toThrow(thrown);
        expect(await scan(backend, t)).toEqual(['a=1', 'z=1']);
        expect(await scan(backend, k)).toEqual(['a=1']);
        expect(() => write(backend, buckets.lease, { a: '' })).toThrow(
          expect.objectContaining({ code: 'BACKEND_NO_BUCKET' }),
        );
        if (layer === 'pending') continue;
        await backend.forceCommit();
        expect(backend.commits).toBe(commits);
      }
      write(backend, t, { a: '1' });
    }
    write(backend, k, { b: '2' });
    expect(await scan(backend, k)).toEqual(['a=1', 'b=2']);
  });

  test('R1 law 3 a section that throws does not settle what kind of bucket a name stands for', async () => {
    await using backend = await opened(make);
    const thrown = new Error('thrown');
    const tried: Bucket = { id: 200, name: 'tried', appendOnly: true };
    const wanted: Bucket = { ...tried, appendOnly: false };
    expect(() =>
      backend.batchTx((tx) => {
        tx.createBucket(tried);
        tx.put(tried, b('b'), b('1'));
        throw thrown;
      }),
    ).toThrow(thrown);
    create(backend, wanted);
    write(backend, wanted, { b: '1' });
    write(backend, wanted, { a: '2' });
    await backend.forceCommit();
    expect(await scan(backend, wanted)).toEqual(['a=2', 'b=1']);
    expect(() => create(backend, tried)).toThrow(TypeError);
  });

  test('R2 a body that returns a promise is refused and undone, and its own failure is nobody else’s', async () => {
    await using backend = await opened(make);
    create(backend, t);
    expect(() =>
      backend.batchTx(async (tx) => {
        tx.put(t, b('a'), b('1'));
        await Promise.resolve();
        tx.put(t, b('b'), b('1')); // dead by now: rejects
      }),
    ).toThrow(TypeError);
    await new Promise(setImmediate);
    expect(await scan(backend, t)).toEqual([]);
    write(backend, t, { c: '1' });
    expect(await scan(backend, t)).toEqual(['c=1']);
  });

  test('R2 a transaction is dead once its body has returned', async () => {
    await using backend = await opened(make);
    create(backend, t);
    let section!: BatchTx;
    let reader!: ReadTx;
    backend.batchTx((tx) => void (section = tx));
    backend.readTx((tx) => void (reader = tx));
    const ended = expect.objectContaining({ code: 'BACKEND_CLOSED' });
    expect(() => section.get(t, b('a'))).toThrow(ended);
    expect(() => section.put(t, b('a'), b('1'))).toThrow(ended);
    expect(() => section.delete(t, b('a'))).toThrow(ended);
    expect(() => section.createBucket(k)).toThrow(ended);
    expect(() => section.deleteBucket(t)).toThrow(ended);
    expect(() => reader.get(t, b('a'))).toThrow(ended);
    backend.batchTx(() => expect(() => section.put(t, b('a'), b('1'))).toThrow(ended));
  });

  test('R3 wrong arguments change nothing and name the field', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    const wrong = 'text' as unknown as Uint8Array;
    const unnamed = { id: 99, name: 5, appendOnly: false } as unknown as Bucket;
    expect(() => backend.batchTx((tx) => tx.createBucket(unnamed))).toThrow(TypeError);
    for (const bucket of [t, k]) {
      expect(() => backend.batchTx((tx) => tx.put(bucket, new Uint8Array(0), b('')))).toThrow(RangeError);
      expect(() => backend.batchTx((tx) => tx.delete(bucket, new Uint8Array(0)))).toThrow(RangeError);
      expect(() => backend.batchTx((tx) => tx.put(bucket, wrong, b('')))).toThrow(/key/);
      expect(() => backend.batchTx((tx) => tx.put(bucket, b('a'), wrong))).toThrow(/value/);
      expect(() => backend.batchTx((tx) => tx.delete(bucket, wrong))).toThrow(TypeError);
      expect(() => backend.batchTx((tx) => tx.get(bucket, wrong))).toThrow(/key/);
      expect(() => backend.readTx((tx) => tx.get(bucket, wrong))).toThrow(/key/);
      using state = backend.concurrentReadTx();
      expect(() => state.get(bucket, wrong)).toThrow(/key/);
      expect(await scan(backend, bucket)).toEqual([]);
    }
    for (const name of ['', 'ü', 'line\nbreak']) {
      expect(() => create(backend, { id: 1, name, appendOnly: false })).toThrow(RangeError);
    }
    const other: Bucket = { id: 1, name: 'key', appendOnly: false };
    expect(() => write(backend, other, { a: '' })).toThrow(TypeError);
  });

  test('R4 rows of all sizes are kept whole', async () => {
    await using backend = await opened(make);
    create(backend, t);
    const sizes = [0, 1, 63, 64, 65, 131_071, 131_072, 131_073, 1 << 20, 3 << 20];
    const rows = sizes.map((size, i) => ({
      key: new Uint8Array(Math.min(32_768, Math.max(1, size / 3))).fill(i + 1),
      value: new Uint8Array(size).fill(i),
    }));
    for (const { key, value } of rows) backend.batchTx((tx) => tx.put(t, key, value));
    for (const committed of [false, true]) {
      if (committed) await backend.forceCommit();
      for (const { key, value } of rows) {
        const found = backend.readTx((tx) => tx.get(t, key))!;
        expect(Buffer.compare(found, value)).toBe(0);
      }
    }
  });

  test('R4 a row that no BoltDB file can hold is refused in its section, not by the commit that would end the writer', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    for (const bucket of [t, k]) {
      expect(() => backend.batchTx((tx) => tx.put(bucket, new Uint8Array(32_769), b('')))).toThrow(RangeError);
      expect(() => backend.batchTx((tx) => tx.delete(bucket, new Uint8Array(32_769)))).toThrow(RangeError);
      expect(() => backend.batchTx((tx) => tx.put(bucket, b('a'), new Uint8Array(2 ** 31 - 1)))).toThrow(RangeError);
      backend.batchTx((tx) => tx.put(bucket, new Uint8Array(32_768), b('longest')));
    }
    await backend.forceCommit();
  });

  test('R7 B33 the caller may change its arrays after a put; what was read stays as it is', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    const [key, value] = [b('key'), b('value'.repeat(50))];
    for (const bucket of [t, k]) backend.batchTx((tx) => tx.put(bucket, key, value));
    key.fill(0);
    value.fill(0);
    const held: (Uint8Array | undefined)[] = [];
    for (const bucket of [t, k]) held.push(backend.readTx((tx) => tx.get(bucket, b('key'))));
    await backend.forceCommit();
    for (const bucket of [t, k]) held.push(backend.readTx((tx) => tx.get(bucket, b('key'))));
    write(backend, t, { key: 'other' });
    write(backend, k, { key: undefined });
    await backend.defrag();
    expect(held.map(s)).toEqual(Array.from({ length: 4 }, () => 'value'.repeat(50)));
  });

  test('R19 names and keys that objects inherit are ordinary', async () => {
    await using backend = await opened(make);
    const odd = ['__proto__', 'constructor'].map((name, i): Bucket => ({ id: 200 + i, name, appendOnly: i === 1 }));
    create(backend, ...odd);
    for (const bucket of odd) {
      backend.batchTx((tx) => tx.put(bucket, b('__proto__'), b('1')));
      expect(await scan(backend, bucket)).toEqual(['__proto__=1']);
    }
    await backend.forceCommit();
    for (const bucket of odd) expect(read(backend, bucket, '__proto__')).toBe('1');
  });
});
