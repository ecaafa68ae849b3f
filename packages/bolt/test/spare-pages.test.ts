/** The memory of pages: what is used again, and what must not be. */
import { afterAll, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import type { Bolt, ReadBucket } from '../src/index.ts';
import { viewOf } from '../src/format/bytes.ts';
import { chooseMeta } from '../src/open/choose-meta.ts';
import { nodeFiles } from '@varve/base/node/files';
import { Page } from '../src/format/page.ts';
import { PageFile } from '../src/pages/page-file.ts';
import { rootTree } from '../src/tree/page-tree.ts';
import type { PageTree } from '../src/tree/page-tree.ts';
import { TreeCursor } from '../src/tree/tree-cursor.ts';
import { PageCache } from '../src/pages/page-cache.ts';
import { seeded } from './simulated-disk.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const KEYS = 4000;
const key = (i: number): string => `key${String(i).padStart(5, '0')}`;
const value = (i: number, round: number): Buffer => Buffer.alloc(60 + (i % 40), (i * 31 + round) & 0xff);

/** Some 500 leaves of 1024 bytes behind a cache of a few pages: nearly each read uses a page again. */
async function churning(): Promise<Bolt> {
  const bolt = await openBolt(scratch.file(), { pageSize: 1024, cacheBytes: 16_384 });
  await rewrite(bolt, 0);
  return bolt;
}

const rewrite = (bolt: Bolt, round: number): Promise<void> =>
  bolt.write((tx) => {
    const bucket = tx.createBucketIfMissing('b');
    for (let i = 0; i < KEYS; i++) bucket.put(key(i), value(i, round));
  });

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const opened = (bolt: Bolt, borrow: boolean): ReadBucket => bolt.read({ borrow }).bucket('b') as ReadBucket;

test('F36 F101 cursors keep their place while reads and commits use every page again', async () => {
  await using bolt = await churning();
  const bucket = opened(bolt, false);
  const random = seeded(11);
  const cursors = Array.from({ length: 20 }, (_, i) => {
    const cursor = bucket.cursor();
    expect(cursor.seek(key(i * 150))).toBe(true);
    return { cursor, at: i * 150 };
  });
  for (let round = 1; round < 200; round++) {
    if (round % 40 === 0) await rewrite(bolt, round);
    for (let reads = 0; reads < 20; reads++) {
      const i = Math.floor(random() * KEYS);
      expect(bucket.get(key(i))).toEqual(new Uint8Array(value(i, 0)));
    }
    for (const place of cursors) {
      const { cursor } = place;
      expect(text(cursor.key)).toBe(key(place.at));
      expect(cursor.value).toEqual(new Uint8Array(value(place.at, 0)));
      const forward = random() < 0.6;
      const found = forward ? cursor.next() : cursor.prev();
      expect(found).toBe(forward ? place.at < KEYS - 1 : place.at > 0);
      if (found) place.at += forward ? 1 : -1;
    }
  }
});

test('F101 borrowed views stay as they were, whatever is read and written afterwards', async () => {
  await using bolt = await churning();
  const borrowed = [...opened(bolt, true).entries()];
  const inline = await openBolt(scratch.file(), { pageSize: 1024, cacheBytes: 16_384 });
  await inline.write((tx) => tx.createBucket('small').put('k', 'kept'));
  const small = inline.read().bucket('small');
  for (let round = 1; round < 6; round++) {
    await rewrite(bolt, round);
    await rewrite(inline, round);
    for (const _ of opened(bolt, false).entries());
    for (const _ of opened(inline, false).entries());
  }
  expect(borrowed.map((entry) => text(entry.key))).toEqual(Array.from({ length: KEYS }, (_, i) => key(i)));
  for (const [i, entry] of borrowed.entries()) expect(entry.value).toEqual(new Uint8Array(value(i, 0)));
  expect(text(small?.get('k') as Uint8Array)).toBe('kept');
  await inline.close();
});

test('a page serves again when the last holder has let go, not before, and never once it was lent', () => {
  const cache = new PageCache(64 * 1024, 512);
  const page = cache.spare.take();
  page.bytes.fill(0).writeUInt16LE(2, 8);
  cache.set(7, page.parse(0, 512, 7));
  page.hold();
  cache.delete(7);
  expect(cache.spare.take()).not.toBe(page);
  page.hold();
  page.letGo();
  expect(cache.spare.take()).not.toBe(page);
  page.letGo();
  expect(cache.spare.take()).toBe(page);
  page.hold();
  page.lend();
  page.letGo();
  expect(cache.spare.take()).not.toBe(page);
});

test('F100 a long scan reads past the cache: what others use stays in it, and its own pages are a few', async () => {
  const path = scratch.file();
  {
    await using bolt = await openBolt(path, { pageSize: 512 });
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      for (let i = 0; i < KEYS; i++) bucket.put(key(i), value(i, 0));
    });
  }
  const file = await nodeFiles.open(path, 'read');
  try {
    const { active } = chooseMeta(file, path);
    const pages = new PageFile(file, 512, 1 << 20);
    const memory = new Set<Buffer>();
    const cursor = new TreeCursor(rootTree(pages, active, false).nested(Buffer.from('b')) as PageTree);
    let rows = 0;
    while (cursor.next()) {
      rows++;
      memory.add(cursor.source);
    }
    expect(rows).toBe(KEYS);
    expect(active.highWater).toBeGreaterThan(800);
    expect(memory.size).toBeLessThan(100);
    expect(pages.cache.bytes).toBeLessThan(100 * 1024);
  } finally {
    await file.close();
  }
});

test('memory of several pages is not kept', () => {
  const cache = new PageCache(1 << 20, 512);
  const bytes = Buffer.alloc(2048);
  bytes.writeUInt16LE(2, 8);
  const run = new Page(bytes, 0, viewOf(bytes)).parse(0, 2048, 9);
  cache.set(9, run);
  cache.delete(9);
  expect(cache.spare.take()).not.toBe(run);
});
