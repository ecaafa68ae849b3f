import { expect, test } from 'vitest';
import { viewOf } from '../src/format/bytes.ts';
import { Page } from '../src/format/page.ts';
import { PageCache } from '../src/pages/page-cache.ts';
import { seeded } from './simulated-disk.ts';

/** An empty leaf of `pages` pages of 512 bytes. */
function leaf(id: number, pages: number): Page {
  const bytes = Buffer.alloc(pages * 512);
  bytes.writeUInt32LE(id, 0);
  bytes.writeUInt16LE(2, 8);
  return new Page(bytes, 0, viewOf(bytes)).parse(id, bytes.length, id);
}

test('F100 the page cache holds no more bytes than its budget, and never an old page', () => {
  const random = seeded(3);
  const cache = new PageCache(20_000, 512);
  const newest = new Map<number, Page>();
  let kept = 0;
  for (let i = 0; i < 20_000; i++) {
    const id = Math.floor(random() * 64);
    if (random() < 0.2) {
      cache.delete(id);
      newest.delete(id);
    } else if (random() < 0.5) {
      const page = leaf(id, random() < 0.1 ? 30 : 1);
      cache.set(id, page);
      newest.set(id, page);
    }
    const found = cache.get(id);
    if (found !== undefined) {
      kept++;
      expect(found).toBe(newest.get(id));
    }
    expect(cache.bytes).toBeLessThanOrEqual(20_000);
  }
  expect(kept).toBeGreaterThan(3000);
  for (let id = 0; id < 64; id++) cache.delete(id);
  expect(cache.bytes).toBe(0);
});

test('F100 a page larger than half of the budget is not kept, nor what it replaces', () => {
  const cache = new PageCache(2 * (4 * 512 + 400), 512);
  cache.set(1, leaf(1, 4));
  expect(cache.get(1)?.id).toBe(1);
  cache.set(1, leaf(1, 5));
  expect([cache.get(1), cache.bytes]).toEqual([undefined, 0]);
});
