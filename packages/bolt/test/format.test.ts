import { afterAll, describe, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { crc32cOf } from '@varve/base/crc32c';
import { emptyFile } from '../src/open/create.ts';
import { viewOf } from '../src/format/bytes.ts';
import { decodeListHead, encodeFreelist, freelistBytes, ListReading } from '../src/format/freelist-page.ts';
import { decodeMeta, encodeMeta, fnv1a, NO_SEALS } from '../src/format/meta.ts';
import { withoutPauses } from '../src/tools/pieces.ts';
import { digestOf } from './digest.ts';
import { listFile } from './list-file.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { Scratch, vectorBytes, vectorListing } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const hex = ([low, high]: readonly [number, number]): string =>
  `${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}`;

test.each([
  [1024, 'a405d3b025610722', 'c3009ab930505143'],
  [4096, '07516e114689fdee', '264c351a5179480f'],
  [8192, '59e5bd8f24892ade', '78e084982f7874ff'],
  [16384, '90f347e30dddf37e', 'afee0eec18cd3d9f'],
  [65536, '05c392110dcba3a7', 'e6c8cb0802dc5986'],
])('F2 meta checksums of a new file with pages of %i', (pageSize, zero, one) => {
  const file = emptyFile(pageSize, true, 'u');
  expect(hex(fnv1a(file, 16, 72))).toBe(zero);
  expect(hex(fnv1a(file, pageSize + 16, pageSize + 72))).toBe(one);
});

test('CRC-32C of the check text', () => {
  expect(crc32cOf(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
  const bytes = Buffer.from('a text that is longer than eight bytes');
  expect(crc32cOf(bytes, 9, bytes.length, crc32cOf(bytes, 0, 9))).toBe(crc32cOf(bytes, 0, bytes.length));
});

describe('free list page', () => {
  const ids = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => i + 1000);
  test.each([
    [0, false],
    [509, false],
    [510, false],
    [65_534, false],
    [65_535, true],
    [70_000, true],
  ])('F25 F26 %i ids, long form: %s', (count, long) => {
    const pages = Math.floor(freelistBytes(count) / 4096) + 1;
    const run = Buffer.alloc(pages * 4096);
    encodeFreelist(run, 3, pages, ids(count));
    const head = decodeListHead(run, 3, run.length, run.length);
    if ('rule' in head) throw new Error(head.message);
    const reading = new ListReading(head, 3, 1_000_000, Infinity);
    reading.take(viewOf(run), head.start, head.start + 8 * head.count);
    const got = withoutPauses(reading.contents());
    expect([got.long, got.problems, got.overflow]).toEqual([long, [], pages - 1]);
    expect(got.ids).toEqual(ids(count));
  });
});

describe('R62 page ids and offsets beyond 32 bits', () => {
  test('a meta record', () => {
    const page = Buffer.alloc(4096);
    const meta = {
      pageSize: 4096,
      root: 2 ** 41 + 5,
      sequence: 2n ** 64n - 1n,
      freelist: 2 ** 40 + 1,
      highWater: 2 ** 42,
      txid: 2 ** 45 + 1,
      sealedSince: 2 ** 33,
      sealedUpTo: 2 ** 45 + 1,
      rootStamp: -5,
      listStamp: 2 ** 31 - 1,
    };
    encodeMeta(page, 1, meta);
    expect(decodeMeta(page)).toEqual(meta);
  });

  test('a tree and its free list above 4 GiB', async () => {
    // A file whose first 4 GiB are free: only the pages in use are stored.
    const disk = new SparseDisk();
    await using bolt = await openBoltOn(disk, '/disk/far.db');
    await bolt.write((tx) => {
      const bucket = tx.createBucketIfMissing('b');
      for (let i = 0; i < 500; i++) bucket.put(`k${i}`, 'v'.repeat(50));
    });
    expect(bolt.size).toBeGreaterThan(2 ** 32);
    expect((await bolt.check()).problems).toEqual([]);
    using tx = bolt.read();
    expect(tx.bucket('b')?.get('k499')).toEqual(new Uint8Array(50).fill(118));
  });
});

/** A new file whose trees begin beyond 4 GiB; every page of the gap reads as zeros and is leaked on purpose. */
class SparseDisk extends SimulatedDisk {
  override async open(...args: Parameters<SimulatedDisk['open']>): ReturnType<SimulatedDisk['open']> {
    const far = 2 ** 20 + 7;
    const blocks = new Map<number, Buffer>();
    const small = emptyFile(4096, false, 'u');
    const meta = {
      pageSize: 4096,
      root: far,
      sequence: 0n,
      freelist: undefined,
      highWater: far + 1,
      txid: 1,
      ...NO_SEALS,
    };
    const metas = Buffer.alloc(8192);
    encodeMeta(metas.subarray(0, 4096), 0, { ...meta, txid: 0 });
    encodeMeta(metas.subarray(4096), 1, meta);
    blocks.set(0, metas.subarray(0, 4096)).set(1, metas.subarray(4096));
    const root = Buffer.from(small.subarray(3 * 4096, 4 * 4096));
    root.writeUInt32LE(far, 0);
    blocks.set(far, root);
    void args;
    let length = (far + 1) * 4096;
    return {
      read: (target, offset, bytes, position) => {
        for (let i = 0; i < bytes; i++) {
          const at = position + i;
          target[offset + i] = blocks.get(Math.floor(at / 4096))?.[at % 4096] ?? 0;
        }
        return bytes;
      },
      readLater: () => Promise.reject(new Error('not needed')),
      write: async (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        for (let at = 0; at < bytes.length; at += 4096)
          blocks.set((position + at) / 4096, bytes.subarray(at, at + 4096));
        length = Math.max(length, position + bytes.length);
        return bytes.length;
      },
      truncate: async (to) => {
        length = to;
      },
      sync: () => Promise.resolve(),
      size: () => length,
      identity: () => 'far',
      lock: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    };
  }

  override identity(): string {
    return 'far';
  }
}

describe('meta pages of a written-out copy', () => {
  test('F13 page 0 with an odd transaction is the newer one', async () => {
    await using bolt = await openBolt(scratch.vector('bolt-writeto-odd'));
    expect([bolt.txid, bolt.warnings]).toEqual([3, []]);
  });

  test('F14 the first commit overwrites it: torn anywhere the old contents, completed the new, then two apart', async () => {
    const path = '/disk/odd.db';
    const disk = SimulatedDisk.holding(new Map([[path, vectorBytes('bolt-writeto-odd')]]));
    const bolt = await openBoltOn(disk, path);
    const before = digestOf(bolt);
    const images: SimulatedDisk[] = [];
    const random = seeded(5);
    disk.before = ({ kind }) => {
      if (kind === 'sync') for (let i = 0; i < 100; i++) images.push(disk.crash(random, 8));
      return undefined;
    };
    await bolt.write((tx) => tx.createBucket('new'));
    const after = digestOf(bolt);
    await bolt.close();
    for (const image of images) {
      await using again = await openBoltOn(image, path);
      expect([before, after]).toContain(digestOf(again));
      expect((await again.check()).problems).toEqual([]);
    }
    await using reopened = await openBoltOn(disk, path);
    expect(reopened.txid).toBe(4);
    const { remarks } = await reopened.check();
    expect(remarks.filter(({ rule }) => rule === 'C15')).toEqual([]);
  });
});

describe('free list forms', () => {
  test('F28 pages found by a scan are those of the listing', async () => {
    await using bolt = await openBolt(scratch.vector('bolt-nofreelist'), { freelist: 'scanned' });
    const { pageCounts, pageSize } = vectorListing('bolt-nofreelist');
    expect(bolt.size - bolt.sizeInUse).toBe((pageCounts['free'] ?? 0) * pageSize);
  });

  test('F29 a file without a list gets one in a commit of its own, or stays as it is', async () => {
    const path = scratch.vector('bolt-nofreelist');
    const before = await listFile(path);
    await (await openBolt(path, { freelist: 'scanned' })).close();
    expect(await listFile(path)).toEqual(before);
    await (await openBolt(path)).close();
    const after = await listFile(path);
    expect([after.freelist.synced, after.contentSha256]).toEqual([true, before.contentSha256]);
    expect(Math.max(...after.metas.map(({ txid }) => Number(txid)))).toBe(
      Math.max(...before.metas.map(({ txid }) => Number(txid))) + 1,
    );
  });

  test('F30 from persisted to scanned and back, nothing is lost or leaked', async () => {
    const path = scratch.vector('bolt-mixed');
    for (const freelist of ['scanned', 'persisted', 'scanned', 'persisted'] as const) {
      await using bolt = await openBolt(path, { freelist });
      await bolt.write((tx) => tx.createBucketIfMissing('x').nextSequence());
      expect((await bolt.check()).problems).toEqual([]);
      expect((await listFile(path)).freelist.synced).toBe(freelist === 'persisted');
    }
  });

  test('F32 the list holds what waits for readers, and not its own pages', async () => {
    const path = scratch.file();
    await using bolt = await openBolt(path);
    await bolt.write((tx) => tx.createBucket('b').put('k', 'x'.repeat(2000)));
    using _reader = bolt.read();
    for (let i = 0; i < 5; i++) await bolt.write((tx) => tx.bucket('b')?.put('k', String(i).repeat(2000)));
    expect((await bolt.check()).problems).toEqual([]);
    expect((await listFile(path)).freelist.count).toBe((bolt.size - bolt.sizeInUse) / bolt.pageSize);
  });
});

test('R57 R58 a file that bbolt wrote has no checksums, and the check says so; pages written by us have them', async () => {
  const path = scratch.vector('bolt-mixed');
  await using bolt = await openBolt(path);
  expect((await bolt.check()).remarks).toMatchObject([{ rule: 'checksum' }]);
  await bolt.write((tx) => tx.createBucketIfMissing('ours').put('k', 'v'.repeat(3000)));
  const { sealedRuns, unsealedRuns, problems } = await bolt.check();
  expect(problems).toEqual([]);
  expect(sealedRuns).toBeGreaterThan(0);
  expect(unsealedRuns).toBeGreaterThan(0);
  await bolt.defrag();
  expect(await bolt.check()).toMatchObject({ problems: [], remarks: [], unsealedRuns: 0 });
});

test('R56 a newest meta page damaged later: the state before, whole, with a warning', async () => {
  const path = '/disk/rot.db';
  const disk = new SimulatedDisk();
  const digests: string[] = [];
  const bolt = await openBoltOn(disk, path, { pageSize: 512 });
  for (let i = 0; i < 40; i++) {
    await bolt.write((tx) => {
      const bucket = tx.createBucketIfMissing('b');
      for (let j = 0; j < 10; j++) bucket.put(`k${(i * 13 + j * 7) % 50}`, Buffer.alloc(80, i));
    });
    digests.push(digestOf(bolt));
    if (i < 2) continue;
    const bytes = disk.files().get(path) as Buffer;
    bytes[(bolt.txid % 2) * 512 + 40] = 0x55;
    await using older = await openBoltOn(SimulatedDisk.holding(new Map([[path, bytes]])), path);
    expect(older.warnings).toHaveLength(1);
    expect(digestOf(older)).toBe(digests.at(-2));
    expect((await older.check()).problems).toEqual([]);
  }
  await bolt.close();
});

test('R56 an older state whose pages a lost commit has overwritten is damage, not data', async () => {
  const path = '/disk/lost.db';
  const disk = new SimulatedDisk();
  const write = (round: number) => async (): Promise<void> => {
    await using bolt = await openBoltOn(disk, path, { pageSize: 512 });
    await bolt.write((tx) => {
      const bucket = tx.createBucketIfMissing('b');
      for (let j = 0; j < 40; j++) bucket.put(`k${j}`, Buffer.alloc(80, round));
    });
  };
  for (let round = 0; round < 3; round++) await write(round)();
  const metaOfOld = Buffer.from((disk.files().get(path) as Buffer).subarray(0, 1024));
  for (let round = 3; round < 6; round++) await write(round)();
  const bytes = disk.files().get(path) as Buffer;
  metaOfOld.copy(bytes); // both meta pages are those of three commits ago
  await using bolt = await openBoltOn(SimulatedDisk.holding(new Map([[path, bytes]])), path, { readOnly: true });
  const { problems } = await bolt.check();
  expect(problems.some(({ rule }) => rule === 'checksum')).toBe(true);
});
