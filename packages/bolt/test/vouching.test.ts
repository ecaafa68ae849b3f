import { describe, expect, test } from 'vitest';
import type { Bolt, OpenOptions, WriteTransaction } from '../src/index.ts';
import { BoltError } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { crc32cOf } from '@varve/base/crc32c';
import { digestOf } from './digest.ts';
import { contentsOf, openImage, PageVersions } from './page-versions.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';

const PAGE = 512;
const PATH = '/disk/w.db';
const options: OpenOptions = { pageSize: PAGE };
const key = (i: number): string => `k${String(i).padStart(4, '0')}`;

/** Rewrites every page: each of the 60 keys of three buckets, one of them nested. */
function rewrite(tx: WriteTransaction, value: number): void {
  const outer = tx.createBucketIfMissing('outer');
  for (const bucket of [tx.createBucketIfMissing('tree'), outer, outer.createBucketIfMissing('inner')])
    for (let i = 0; i < 60; i++) bucket.put(key(i), Buffer.alloc(40 + (value % 7), value));
}

/** Writes to a file of these bytes with other options; the bytes of each state from then on. */
async function goOn(
  bytes: Buffer,
  more: OpenOptions,
  bodies: readonly ((tx: WriteTransaction) => void)[],
): Promise<{ readonly images: Buffer[]; readonly digests: string[] }> {
  const disk = SimulatedDisk.holding(new Map([[PATH, Buffer.from(bytes)]]));
  await using bolt = await openBoltOn(disk, PATH, more);
  const images: Buffer[] = [];
  const digests: string[] = [];
  for (const body of bodies) {
    await bolt.write(body);
    images.push(disk.files().get(PATH) as Buffer);
    digests.push(digestOf(bolt));
  }
  expect((await bolt.check()).problems).toEqual([]);
  return { images, digests };
}

/** Puts each page of the older images into the newest one; how many were told, and how many were taken for good. */
async function tryOlder(images: readonly Buffer[], digest: string): Promise<{ told: number; silent: number }> {
  const last = images.at(-1) as Buffer;
  const seen = { told: 0, silent: 0 };
  for (const older of images.slice(0, -1)) {
    for (let at = 2 * PAGE; at + PAGE <= older.length; at += PAGE) {
      if (older.subarray(at, at + PAGE).equals(last.subarray(at, at + PAGE))) continue;
      const image = Buffer.from(last);
      older.copy(image, at, at, at + PAGE);
      const got = await contentsOf(image, { readOnly: true });
      if (got instanceof BoltError) seen.told++;
      else if (got !== digest) seen.silent++;
    }
  }
  return seen;
}

/** The file as the release before would have written it: seals of 8 bytes, no stamps, a shorter extension of the metas. */
function asEarlierRelease(bytes: Buffer): Buffer {
  const file = Buffer.from(bytes);
  for (const meta of [0, 1]) {
    const page = file.subarray(meta * PAGE, (meta + 1) * PAGE);
    page.writeUInt32LE(0x63765f76, 80);
    page.fill(0, 104, 116);
    page.writeUInt32LE(crc32cOf(page, 16, 104), 104);
  }
  for (let id = 2; (id + 1) * PAGE <= file.length;) {
    const pages = file.readUInt32LE(id * PAGE + 12) + 1;
    const run = file.subarray(id * PAGE, (id + pages) * PAGE);
    const flags = run.readUInt16LE(8);
    const stamps = flags === 1 ? run.readUInt16LE(10) : flags === 2 ? bucketsOf(run) : 0;
    const sealed = (run.readUInt32LE(run.length - 4) ^ crc32cOf(run, 0, run.length - 4)) === 0x7374616d;
    if (sealed) {
      run.fill(0, run.length - 12 - 4 * stamps, run.length - 8);
      run.writeUInt32LE(crc32cOf(run, 0, run.length - 4), run.length - 4);
    }
    id += sealed ? pages : 1;
  }
  return file;
}

function bucketsOf(leaf: Buffer): number {
  let buckets = 0;
  for (let i = 0; i < leaf.readUInt16LE(10); i++) buckets += leaf.readUInt32LE(16 + 16 * i);
  return buckets;
}

const rewrites = (from: number, count: number): ((tx: WriteTransaction) => void)[] =>
  Array.from({ length: count }, (_, i) => (tx) => rewrite(tx, from + i));

describe('XA7: files that are not all ours', () => {
  test('XA7: of an earlier release: nothing refused; vouched for as soon as pages are rewritten', async () => {
    const versions = await PageVersions.of(rewrites(0, 6), options);
    const earlier = asEarlierRelease(versions.last.bytes);
    {
      await using bolt = await openImage(earlier);
      expect([digestOf(bolt), bolt.warnings, bolt.sealedSince]).toEqual([versions.last.digest, [], 1]);
      expect(await bolt.check()).toMatchObject({ problems: [], remarks: [], unsealedRuns: 0 });
    }
    const damaged = Buffer.from(earlier);
    const used = damaged.lastIndexOf(Buffer.alloc(30, 5));
    damaged[used] = 6;
    expect(await contentsOf(damaged, { readOnly: true })).toMatchObject({ code: 'BOLT_CORRUPT', rule: 'checksum' });

    const one = await goOn(earlier, {}, [(tx) => tx.bucket('tree')?.put(key(50), 'one page and those above it')]);
    expect(one.digests).toHaveLength(1);
    const { images, digests } = await goOn(earlier, {}, rewrites(10, 8));
    const seen = await tryOlder([earlier, ...images], digests.at(-1) as string);
    expect(seen.silent).toBe(0);
    expect(seen.told).toBeGreaterThan(100);
  });

  test('XA7: written without checksums in between: nothing refused; vouched for again once rewritten', async () => {
    const versions = await PageVersions.of(rewrites(0, 4), options);
    const without = await goOn(versions.last.bytes, { pageChecksums: false }, [
      (tx) => tx.bucket('tree')?.put(key(7), 'other'),
      (tx) => tx.bucket('outer')?.bucket('inner')?.put(key(7), 'other'),
    ]);
    const mixed = await goOn(without.images.at(-1) as Buffer, {}, [(tx) => tx.bucket('tree')?.put(key(60), 'third')]);
    const { images, digests } = await goOn(mixed.images[0] as Buffer, {}, rewrites(20, 8));
    const all = [...versions.states.map(({ bytes }) => bytes), ...without.images, ...mixed.images, ...images];
    const seen = await tryOlder(all, digests.at(-1) as string);
    expect(seen.silent).toBe(0);
    expect(seen.told).toBeGreaterThan(100);
  });

  test('XA7: writers with and without checksums by turns, each finds what the others wrote', async () => {
    const random = seeded(4);
    const pick = (limit: number): number => Math.floor(random() * limit);
    for (let round = 0; round < 12; round++) {
      let bytes = (await PageVersions.of([(tx) => rewrite(tx, round)], options)).last.bytes;
      for (let turn = 0; turn < 6; turn++) {
        const more: OpenOptions = {
          pageChecksums: pick(2) === 0,
          freelist: (['persisted', 'scanned', 'deferred'] as const)[pick(3)],
        };
        const bodies = Array.from({ length: 3 }, () => (tx: WriteTransaction): void => {
          const top = tx.createBucketIfMissing(['tree', 'outer'][pick(2)] as string);
          const bucket = pick(2) === 0 ? top : top.createBucketIfMissing('inner');
          for (let i = pick(80); i > 0; i--) {
            if (pick(3) === 0) bucket.delete(key(pick(300)));
            else bucket.put(key(pick(300)), Buffer.alloc(pick(90), turn));
          }
          if (pick(8) === 0) top.deleteBucket('inner');
        });
        const { images, digests } = await goOn(bytes, more, bodies);
        bytes = images.at(-1) as Buffer;
        expect(await contentsOf(bytes, { readOnly: true })).toBe(digests.at(-1));
      }
    }
  });

  test('XA7: a page of an attempt that a crash has undone, its transaction of the same number', async () => {
    const { last } = await PageVersions.of(rewrites(0, 4), options);
    const [undone, done] = [await goOn(last.bytes, {}, rewrites(7, 1)), await goOn(last.bytes, {}, rewrites(14, 1))];
    const seen = await tryOlder([undone.images[0] as Buffer, done.images[0] as Buffer], done.digests[0] as string);
    expect(seen.silent).toBe(0);
    expect(seen.told).toBeGreaterThan(10);
  });

  test('XA7: a flipped bit in what a meta page says of checksums is told', async () => {
    const { last } = await PageVersions.of(rewrites(0, 3), options);
    for (let at = 80; at < 116; at++) {
      const image = Buffer.from(last.bytes);
      for (const meta of [0, 1]) image[meta * PAGE + at] = (image[meta * PAGE + at] as number) ^ 4;
      await using bolt = await openImage(image);
      expect(digestOf(bolt)).toBe(last.digest);
      expect(bolt.warnings, `byte ${at}`).toMatchObject([{ rule: 'meta' }]);
    }
  });
});

describe('XA7: pages that nobody vouches for: every walk advances, or ends with damage', () => {
  const walks: readonly [string, (bolt: Bolt) => void][] = [
    ['seeking behind each key', (bolt) => bySeeking(bolt)],
    ['forward', (bolt) => byStepsOn(bolt)],
    ['backward', (bolt) => byStepsBack(bolt)],
  ];
  test.each(walks)('XA7: %s, in files without checksums with one older page', async (_, walk) => {
    const random = seeded(8);
    const bodies = Array.from({ length: 12 }, (_body, i) => (tx: WriteTransaction): void => {
      const tree = tx.createBucketIfMissing('tree');
      // Keys wander, so that older pages hold keys of another range.
      for (let j = 0; j < 40; j++) tree.put(key((i * 30 + j * 2) % 200), Buffer.alloc(30, i));
      for (let j = 0; j < 25; j++) tree.delete(key(Math.floor(random() * 200)));
    });
    const versions = await PageVersions.of(bodies, { ...options, pageChecksums: false });
    let damaged = 0;
    for (const state of versions.states.slice(0, -1)) {
      for (const page of versions.changed(state)) {
        try {
          await using bolt = await openImage(versions.withOlder(state, page), { readOnly: true });
          walk(bolt);
        } catch (error) {
          if (!(error instanceof BoltError)) throw error;
          expect(error.code).toBe('BOLT_CORRUPT');
          damaged++;
        }
      }
    }
    expect(damaged).toBeGreaterThan(0);
  });

  function bySeeking(bolt: Bolt): void {
    using tx = bolt.read();
    const cursor = tx.bucket('tree')?.cursor();
    let after = Buffer.alloc(0);
    while (cursor?.seek(after) === true) {
      if (Buffer.compare(cursor.key, after) < 0) throw new Error('seek answered below its start');
      after = Buffer.concat([cursor.key, Buffer.alloc(1)]);
    }
  }

  function byStepsOn(bolt: Bolt): void {
    using tx = bolt.read();
    let before: Uint8Array | undefined;
    for (const { key: at } of tx.bucket('tree')?.entries() ?? []) {
      if (before !== undefined && Buffer.compare(at, before) <= 0) throw new Error('next did not advance');
      before = at;
    }
  }

  function byStepsBack(bolt: Bolt): void {
    using tx = bolt.read();
    const cursor = tx.bucket('tree')?.cursor();
    let before: Uint8Array | undefined;
    for (let found = cursor?.last(); found === true; found = cursor?.prev()) {
      const at = cursor?.key as Uint8Array;
      if (before !== undefined && Buffer.compare(at, before) >= 0) throw new Error('prev did not go back');
      before = at;
    }
  }
});
