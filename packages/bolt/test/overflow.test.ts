/** Nesting and page runs: which page of a bucket has how many continuations, in files of bbolt and in ours. */
import { afterAll, describe, expect, test } from 'vitest';
import { chooseMeta } from '../src/open/choose-meta.ts';
import type { ReadBucket } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { nodeFiles } from '@varve/base/node/files';
import { PageFile } from '../src/pages/page-file.ts';
import { withoutPauses } from '../src/tools/pieces.ts';
import { NO_STAMP } from '../src/format/seal.ts';
import { listFile } from './list-file.ts';
import { replay } from './recipe.ts';
import type { ListedBucket } from './vectors.ts';
import { Scratch, vectorListing } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** A file of bbolt, and the same history written by us. */
async function bothOf(name: string): Promise<readonly string[]> {
  const ours = scratch.file();
  await replay(name, ours);
  return [scratch.vector(name), ours];
}

function listedBucket(root: ListedBucket, name: string): ListedBucket {
  const [, value] = root.entries.find(([key]) => key === Buffer.from(name).toString('hex')) ?? [];
  if (typeof value !== 'object' || !('bucket' in value)) throw new Error(`no bucket ${name}`);
  return value.bucket;
}

/** What the root page of a top-level bucket is. */
async function rootPage(
  path: string,
  bucket: string,
): Promise<{ readonly leaf: boolean; readonly overflow: number; readonly count: number }> {
  const page = Number(listedBucket((await listFile(path)).root, bucket).rootPage);
  const file = await nodeFiles.open(path, 'read');
  try {
    const { active } = chooseMeta(file, path);
    const { leaf, overflow, count } = withoutPauses(
      new PageFile(file, active.pageSize, 0).inspectInSteps(page, active, NO_STAMP, 0),
    ).page;
    return { leaf, overflow, count };
  } finally {
    await file.close();
  }
}

describe('F51 buckets five deep, pairs and buckets mixed', () => {
  const shape = (bucket: ReadBucket): readonly unknown[] =>
    [...bucket.entries()].map(({ key, value }) => {
      const name = Buffer.from(key).toString();
      const nested = value === undefined ? bucket.bucket(key) : undefined;
      return nested === undefined ? [name, value?.length] : [name, nested.sequence, shape(nested)];
    });

  test('read from a file of bbolt, and written by us', async () => {
    for (const path of await bothOf('bolt-nested')) {
      expect((await listFile(path)).maxDepth).toBe(5);
      await using bolt = await openBolt(path);
      {
        using tx = bolt.read();
        const top = tx.bucket('root-a');
        expect(top?.sequence).toBe(2n ** 64n - 1n);
        const l5 = ['l5', 5n, [['deep', 9]]];
        const beta = ['beta', 2n, [['l3', 0n, [['l4', 0n, [l5]]]]]];
        expect(shape(top as ReadBucket)).toEqual([['alpha', 1], beta, ['gamma', 0]]);
        const mixed = tx.bucket('root-b');
        expect(mixed?.get('key-00200-bucket')).toBeUndefined();
        expect(mixed?.bucket('key-00200-bucket')?.get('inside')?.length).toBe(22);
        expect(mixed?.bucket('key-00200')).toBeUndefined();
      }
      await bolt.write((tx) => {
        tx.bucket('root-a')?.bucket('beta')?.bucket('l3')?.bucket('l4')?.bucket('l5')?.put('deeper', 'too');
      });
      using tx = bolt.read();
      const l5 = tx.bucket('root-a')?.bucket('beta')?.bucket('l3')?.bucket('l4')?.bucket('l5');
      expect([l5?.sequence, [...(l5?.entries() ?? [])].length]).toEqual([5n, 2]);
      expect((await bolt.check()).problems).toEqual([]);
    }
  });
});

describe('F60 values around one page and two', () => {
  test('bbolt fills a page to its last byte', async () => {
    const path = scratch.vector('bolt-overflow');
    const overflow: number[] = [];
    for (const name of ['v4062', 'v4063', 'v4064', 'v8159', 'v8160'])
      overflow.push((await rootPage(path, name)).overflow);
    expect(overflow).toEqual([0, 0, 1, 1, 2]);
  });

  test.each([
    [false, 0],
    [true, 12],
  ])('so do we, with pageChecksums %s but for %i bytes', async (pageChecksums, seal) => {
    const path = scratch.file();
    const lengths = [4062, 4063, 4064, 8159, 8160].map((length) => length - seal);
    {
      await using bolt = await openBolt(path, { pageChecksums });
      await bolt.write((tx) => {
        for (const length of lengths) tx.createBucket(`v${length}`).put('k', Buffer.alloc(length, 7));
      });
      using tx = bolt.read();
      for (const length of lengths) expect(tx.bucket(`v${length}`)?.get('k')?.length).toBe(length);
      expect((await bolt.check()).problems).toEqual([]);
    }
    const overflow: number[] = [];
    for (const length of lengths) overflow.push((await rootPage(path, `v${length}`)).overflow);
    expect(overflow).toEqual([0, 0, 1, 1, 2]);
  });
});

test('F63 branches with overflow: keys of 5000 and 32768 bytes, found and walked both ways', async () => {
  const want = listedBucket(vectorListing('bolt-overflow').root, 'longkeys').entries.map(([key]) => key);
  expect(new Set(want.map((key) => key.length / 2))).toEqual(new Set([5000, 32_768]));
  for (const path of await bothOf('bolt-overflow')) {
    const root = await rootPage(path, 'longkeys');
    expect(root.leaf).toBe(false);
    expect(root.overflow).toBeGreaterThan(0);
    await using bolt = await openBolt(path, { readOnly: true });
    using tx = bolt.read();
    const bucket = tx.bucket('longkeys') as ReadBucket;
    const keys = [...bucket.entries()].map(({ key }) => Buffer.from(key).toString('hex'));
    expect(keys).toEqual(want);
    const cursor = bucket.cursor();
    const backward: string[] = [];
    for (let found = cursor.last(); found; found = cursor.prev())
      backward.push(Buffer.from(cursor.key).toString('hex'));
    expect(backward.toReversed()).toEqual(want);
    for (const key of want) {
      const bytes = Buffer.from(key, 'hex');
      expect(bucket.get(bytes)).toBeDefined();
      expect(cursor.seek(bytes) && Buffer.from(cursor.key).equals(bytes)).toBe(true);
    }
    expect((await bolt.check()).problems).toEqual([]);
  }
});

describe('F64 a node of exactly one page and more than four entries', () => {
  // 16 bytes of header, and five times 16 + 1 + 799.
  const exact = ['1', '2', '3', '4', '5'];
  const value = Buffer.alloc(799, 3);

  test.each([
    ['whole, where no room is kept for a checksum', false, { leaf: true, overflow: 0, count: 5 }],
    ['split, where there is', true, { leaf: false, overflow: 0, count: 2 }],
  ])('is legal %s', async (_, pageChecksums, root) => {
    expect(16 + exact.length * (16 + 1 + value.length)).toBe(4096);
    const path = scratch.file();
    {
      await using bolt = await openBolt(path, { pageChecksums });
      await bolt.write((tx) => {
        const bucket = tx.createBucket('exact');
        for (const key of exact) bucket.put(key, value);
      });
    }
    expect(await rootPage(path, 'exact')).toEqual(root);
    await using bolt = await openBolt(path);
    expect((await bolt.check()).problems).toEqual([]);
    await bolt.write((tx) => void tx.bucket('exact')?.delete('3'));
    using tx = bolt.read();
    expect([...(tx.bucket('exact')?.entries() ?? [])].map(({ key }) => Buffer.from(key).toString())).toEqual(
      exact.filter((key) => key !== '3'),
    );
    expect((await bolt.check()).problems).toEqual([]);
  });
});
