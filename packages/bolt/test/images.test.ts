import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { Bolt, BoltImage, BuildRow } from '../src/index.ts';
import { buildBolt, openBolt } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { digestOf } from './digest.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

async function bytesOf(image: BoltImage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of image) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function opened(bytes: Uint8Array, readOnly = true): Promise<Bolt> {
  return openBolt(scratch.file(bytes), { readOnly });
}

async function filled(rounds: number, pageSize = 1024): Promise<Bolt> {
  const bolt = await openBoltOn(new SimulatedDisk(), '/disk/c.db', { pageSize });
  for (let i = 0; i < rounds; i++) await bolt.write((tx) => fill(tx.createBucketIfMissing('b'), i));
  return bolt;
}

function fill(bucket: { put(key: string, value: string): void }, round: number): void {
  for (let i = 0; i < 20; i++) bucket.put(`k${(round * 11 + i * 3) % 200}`, String(round).repeat(30));
}

describe('copies', () => {
  test('F78 F79 a copy while a writer goes on: exact size, that state, clean', async () => {
    await using bolt = await filled(30);
    const want = digestOf(bolt);
    const { txid } = bolt;
    const image = bolt.copy({ chunkBytes: 1000 });
    const chunks: Uint8Array[] = [];
    let round = 100;
    for await (const chunk of image) {
      chunks.push(chunk);
      await bolt.write((tx) => fill(tx.createBucketIfMissing('b'), round++));
    }
    const bytes = Buffer.concat(chunks);
    expect(bytes.length).toBe(image.size);
    await using copy = await opened(bytes, false);
    expect([copy.txid, image.txid, digestOf(copy)]).toEqual([txid, txid, want]);
    expect((await copy.check()).problems).toEqual([]);
    expect(bolt.openReads).toBe(0);
    // F79: the other meta page names the same state, so losing either loses nothing.
    for (const page of [0, 1]) {
      const damaged = Buffer.from(bytes);
      damaged.fill(0, page * 1024, page * 1024 + 80);
      await using one = await opened(damaged, false);
      expect([digestOf(one), one.warnings.length, (await one.check()).problems]).toEqual([want, 1, []]);
      await one.write((tx) => tx.createBucket('goes on'));
      expect((await one.check()).problems).toEqual([]);
    }
  });

  test('F80 two copies of one state have equal contents', async () => {
    await using bolt = await filled(10);
    const [one, two] = [bolt.copy(), bolt.copy()];
    const first = await bytesOf(one);
    await bolt.write((tx) => fill(tx.createBucketIfMissing('b'), 50));
    const second = await bytesOf(two);
    await using a = await opened(first);
    await using b = await opened(second);
    expect(digestOf(a)).toBe(digestOf(b));
  });

  test('R11 R14 R50 a copy that is left, aborted or disposed pins nothing', async () => {
    await using bolt = await filled(10);
    for await (const _ of bolt.copy({ chunkBytes: 1024 })) break;
    const controller = new AbortController();
    const aborted = bolt.copy({ signal: controller.signal, chunkBytes: 1024 });
    await expect(
      (async () => {
        for await (const _ of aborted) controller.abort(new Error('enough'));
      })(),
    ).rejects.toThrow('enough');
    {
      await using _never = bolt.copy();
    }
    expect(bolt.openReads).toBe(0);
  });
});

function rows(count: number, size: number): BuildRow[] {
  const random = seeded(count);
  const all: BuildRow[] = [];
  for (const bucket of ['alpha', 'beta', 'key']) {
    for (let i = 0; i < (bucket === 'alpha' ? 3 : count); i++) {
      const value = Buffer.alloc(random() < 0.01 ? size * 40 : Math.floor(random() * size), i);
      all.push({ bucket, key: Buffer.from(`${bucket}${String(i).padStart(8, '0')}`), value });
    }
  }
  return all;
}

function* inChunks<T>(all: readonly T[], size: number): IterableIterator<T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

describe('files built from rows', () => {
  test.each([
    [512, 0, 10],
    [512, 1, 10],
    [512, 3000, 40],
    [512, 400, 700],
    [1024, 2000, 300],
    [4096, 5000, 300],
    [4096, 20_000, 8],
    [65_536, 3000, 200],
  ])(
    'pages of %i, %i rows a bucket of up to %i bytes: size known, contents equal, clean, writable',
    async (pageSize, count, size) => {
      const all = rows(count, size);
      const image = await buildBolt(
        {
          rows: () => inChunks(all, 100),
          lengths: () =>
            inChunks(
              all.map(({ bucket, key, value }) => ({ bucket, keyLength: key.length, valueLength: value.length })),
              77,
            ),
          buckets: ['aaa', 'beta', 'empty', 'zzz'],
        },
        { pageSize, txid: 77 },
      );
      const bytes = await bytesOf(image);
      expect(bytes.length).toBe(image.size);
      await using bolt = await opened(bytes, false);
      expect([bolt.txid, bolt.warnings, bolt.size, bolt.sizeInUse]).toEqual([77, [], image.size, image.size]);
      expect(await bolt.check()).toMatchObject({ problems: [], remarks: [], unsealedRuns: 0 });
      {
        using tx = bolt.read({ borrow: true });
        const names = [...tx.root.entries()].map(({ key }) => Buffer.from(key).toString());
        const filledNames = count > 0 ? ['alpha', 'beta', 'key'] : ['alpha', 'beta'];
        expect(names).toEqual([...new Set(['aaa', 'beta', 'empty', 'zzz', ...filledNames])].toSorted());
        let at = 0;
        for (const name of filledNames) {
          for (const { key, value } of tx.bucket(name)?.entries() ?? []) {
            const want = all[at++];
            if (
              want === undefined ||
              Buffer.compare(key, want.key) !== 0 ||
              Buffer.compare(value ?? key, want.value) !== 0
            )
              throw new Error(`row ${at}`);
          }
        }
        expect(at).toBe(all.length);
      }
      await bolt.write((tx) => {
        for (const name of ['alpha', 'beta', 'zzz'])
          for (let i = 0; i < 300; i++) tx.bucket(name)?.put(`${name}x${i * 7}`, 'new');
        for (let i = 0; i < count; i += 3) tx.bucket('beta')?.delete(`beta${String(i).padStart(8, '0')}`);
      });
      expect((await bolt.check()).problems).toEqual([]);
    },
  );

  test('rows that are not in order, or not the same twice, are refused', async () => {
    const row = (bucket: string, key: string): BuildRow => ({ bucket, key: Buffer.from(key), value: Buffer.from('v') });
    await expect(buildBolt({ rows: () => [[row('b', 'k'), row('a', 'k')]] })).rejects.toMatchObject({
      code: 'BOLT_ROWS',
    });
    const unordered = await buildBolt({ rows: () => [[row('a', 'k2'), row('a', 'k1')]] });
    await expect(bytesOf(unordered)).rejects.toMatchObject({ code: 'BOLT_ROWS' });
    for (const key of ['', 'k'.repeat(32_769)]) {
      await expect(buildBolt({ rows: () => [[row('a', key)]] })).rejects.toMatchObject({ code: 'BOLT_ROWS' });
      const lengths = { bucket: 'a', keyLength: key.length, valueLength: 1 };
      const measured = buildBolt({ rows: () => [[row('a', 'k')]], lengths: () => [[lengths]] });
      await expect(measured).rejects.toMatchObject({ code: 'BOLT_ROWS' });
    }
    let pass = 0;
    const growing = await buildBolt({
      rows: () => {
        pass++;
        return [Array.from({ length: pass * 500 }, (_, i) => row('a', String(i).padStart(9, '0')))];
      },
    });
    await expect(bytesOf(growing)).rejects.toMatchObject({ code: 'BOLT_ROWS' });
  });
});

describe('compact', () => {
  test('F82 R125 a target that exists is left alone', async () => {
    await using bolt = await openBolt(scratch.file());
    const target = scratch.file(Buffer.from('precious'));
    await expect(bolt.copyTo(target)).rejects.toMatchObject({ code: 'BOLT_EXISTS' });
    writeFileSync(target, 'precious');
  });
});
