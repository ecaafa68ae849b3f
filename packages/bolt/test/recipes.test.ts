import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import { listFile } from './list-file.ts';
import { replay } from './recipe.ts';
import type { ListedBucket } from './vectors.ts';
import { recipeNames, Scratch, vectorBytes, vectorListing } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const RECIPES = recipeNames();
const listingOf = (name: string): string => (name === 'bolt-crash' ? 'crash/state-5' : name);

test('F1 F3 without page checksums the smallest files equal those of bbolt', async () => {
  const empty = scratch.file();
  await replay('bolt-empty', empty, { pageChecksums: false });
  expect(readFileSync(empty).equals(vectorBytes('bolt-empty'))).toBe(true);
  const one = scratch.file();
  await replay('bolt-one', one, { pageChecksums: false });
  const used = 6 * 4096;
  expect(readFileSync(one).subarray(0, used).equals(vectorBytes('bolt-one').subarray(0, used))).toBe(true);
});

test('F1 with page checksums nothing else differs', async () => {
  const path = scratch.file();
  await replay('bolt-empty', path);
  const buckets = vectorListing('bolt-empty').bucketCount; // a stamp each
  const [ours, theirs] = [readFileSync(path), vectorBytes('bolt-empty')];
  for (let at = 0; at < theirs.length; at++) {
    const inPage = at % 4096;
    if (at < 8192 ? inPage >= 80 && inPage < 116 : inPage >= 4084 - 4 * buckets) continue;
    expect(ours[at], `byte ${at}`).toBe(theirs[at]);
  }
});

describe('F6 F33 recipes replayed', () => {
  test.each(RECIPES)('%s: contents as listed, check clean after each commit', async (name) => {
    const path = scratch.file();
    const heavy = name === 'bolt-freelist-64k';
    await replay(name, path, {}, async (bolt) => {
      if (!heavy) expect((await bolt.check()).problems).toEqual([]);
    });
    const [got, want] = [await listFile(path), vectorListing(listingOf(name))];
    expect(got.contentSha256).toBe(want.contentSha256);
    expect(got.crc32cOfBucketsAndPairs).toBe(want.crc32cOfBucketsAndPairs);
    await using bolt = await openBolt(path, { readOnly: true });
    const { problems, remarks, unsealedRuns } = await bolt.check();
    expect([problems, remarks, unsealedRuns]).toEqual([[], [], 0]);
  });

  test.each(RECIPES)('F81 %s compacted: the same contents, no free pages', async (name) => {
    const path = scratch.file();
    await replay(name, path, { pageChecksums: name !== 'bolt-nested' });
    const target = scratch.file();
    await using bolt = await openBolt(path, { readOnly: true });
    const { sizeAfter } = await bolt.copyTo(target);
    expect((await listFile(target)).contentSha256).toBe(vectorListing(listingOf(name)).contentSha256);
    await using compacted = await openBolt(target, { readOnly: true });
    expect(compacted.size).toBe(sizeAfter);
    expect(compacted.sizeInUse).toBe(sizeAfter);
    expect((await compacted.check()).problems).toEqual([]);
  });
});

function forms(bucket: ListedBucket): Record<string, boolean> {
  const found: Record<string, boolean> = {};
  for (const [key, value] of bucket.entries) {
    if (typeof value !== 'string' && 'bucket' in value) found[Buffer.from(key, 'hex').toString()] = value.bucket.inline;
  }
  return found;
}

test('F47 to F50 buckets around the inline limit have the form that bbolt gives them', async () => {
  const path = scratch.file();
  await replay('bolt-inline-edge', path);
  expect(forms((await listFile(path)).root)).toEqual(forms(vectorListing('bolt-inline-edge').root));
});

test('F24 more than 65534 free pages are written in the long form and read again', async () => {
  const path = scratch.file();
  await replay('bolt-freelist-64k', path);
  {
    await using bolt = await openBolt(path);
    await bolt.write((tx) => tx.createBucket('one more'));
  }
  const { freelist } = await listFile(path);
  expect(freelist).toMatchObject({ synced: true, countForm: 'u64' });
  expect(freelist.count).toBeGreaterThan(65_535);
});

test('F35 150 overwrites stay within 40 pages', async () => {
  const path = scratch.file();
  await replay('bolt-many-txs', path);
  await using bolt = await openBolt(path, { readOnly: true });
  expect(bolt.size / bolt.pageSize).toBeLessThanOrEqual(40);
});

test('F74 appended keys fill pages at 0.9 fuller than at 0.5', async () => {
  const sizes: number[] = [];
  for (const fillPercent of [0.5, 0.9]) {
    await using bolt = await openBolt(scratch.file());
    await bolt.write((tx) => {
      const bucket = tx.createBucket('b');
      bucket.fillPercent = fillPercent;
      for (let i = 0; i < 2000; i++) bucket.put(String(i).padStart(8, '0'), 'x'.repeat(100));
    });
    sizes.push((await bolt.stats()).leafPages);
  }
  const [half = 0, full = 0] = sizes;
  expect(full).toBeLessThan(half * 0.65);
});
