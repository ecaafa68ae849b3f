import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { statSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { ReadBucket } from '../src/index.ts';
import { BoltError, openBolt } from '../src/index.ts';
import { listFile } from './list-file.ts';
import type { ListedBucket, Listing } from './vectors.ts';
import { readJson, Scratch, vectorListing, vectorNames } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const COMPARED = [
  'size',
  'pageSize',
  'metas',
  'activeMeta',
  'freelist',
  'pageCounts',
  'contentSha256',
  'keyCount',
  'bucketCount',
  'maxDepth',
  'crc32cOfBucketsAndPairs',
  'root',
] as const;

function same(got: Listing, want: Listing): void {
  for (const field of COMPARED) if (field in want) expect(got[field], field).toEqual(want[field]);
  if (want.pages !== undefined) expect(got.pages).toEqual(want.pages);
}

const INTACT = vectorNames();
const HUGE = 'bolt-freelist-64k';

describe('intact files', () => {
  test.each(INTACT)('F4 F7 F91 %s is described exactly as listed', async (name) => {
    same(await listFile(scratch.vector(name)), vectorListing(name));
  });

  test.each(INTACT)('F5 F31 %s passes the check, and reading changes nothing', async (name) => {
    const path = scratch.vector(name);
    const before = { bytes: readFileSync(path), mtime: statSync(path).mtimeMs };
    await using bolt = await openBolt(path, { readOnly: true });
    expect((await bolt.check()).problems).toEqual([]);
    expect(bolt.warnings).toEqual([]);
    expect(readFileSync(path).equals(before.bytes)).toBe(true);
    expect(statSync(path).mtimeMs).toBe(before.mtime);
  });

  test.each(INTACT)('F4 every listed pair of %s is found by get', async (name) => {
    await using bolt = await openBolt(scratch.vector(name), { readOnly: true });
    using tx = bolt.read();
    compare(tx.root, vectorListing(name).root);
  });

  test('F23 F24 the free list is read whole', async () => {
    for (const name of [HUGE, 'bolt-freelist-frag']) {
      await using bolt = await openBolt(scratch.vector(name), { readOnly: true });
      const { freelist, pageSize } = vectorListing(name);
      expect(bolt.size - bolt.sizeInUse).toBe(freelist.count * pageSize);
    }
  });

  test('F92 the size is that of all pages below the high-water mark', async () => {
    for (const name of INTACT.filter((name) => name.startsWith('etcd'))) {
      await using bolt = await openBolt(scratch.vector(name), { readOnly: true });
      const [status = ''] = vectorListing(name).tools['etcdctl snapshot status -w json']?.output ?? [];
      expect(bolt.size).toBe((JSON.parse(status) as { totalSize: number }).totalSize);
    }
  });
});

function compare(bucket: ReadBucket, want: ListedBucket): void {
  assert.equal(bucket.sequence, BigInt(want.sequence));
  for (const [hex, value] of want.entries) {
    const key = Buffer.from(hex, 'hex');
    if (typeof value !== 'string' && 'bucket' in value) {
      assert.equal(bucket.get(key), undefined);
      compare(bucket.bucket(key) as ReadBucket, value.bucket);
      continue;
    }
    const got = bucket.get(key);
    assert.equal(bucket.bucket(key), undefined);
    assert.ok(got, `${hex} is missing`);
    if (typeof value === 'string') assert.equal(Buffer.from(got).toString('hex'), value);
    else assert.deepEqual([got.length, createHash('sha256').update(got).digest('hex')], [value.len, value.sha256]);
  }
}

const CRASHES = [4, 5].flatMap((txid) => vectorNames(`crash/commit-${txid}`));

describe('files that a crash left', () => {
  test.each(CRASHES.filter((name) => !name.includes('/7-')))(
    'F44 %s opens as the state before or after',
    async (name) => {
      const path = scratch.vector(name);
      const txid = Number(/commit-(\d)/.exec(name)?.[1]);
      const want = vectorListing(`crash/state-${name.includes('/6-') ? txid : txid - 1}`);
      const got = await listFile(path);
      expect(got.contentSha256).toBe(want.contentSha256);
      same(got, vectorListing(name));
      await using bolt = await openBolt(path, { readOnly: true });
      expect((await bolt.check()).problems).toEqual([]);
    },
  );

  test.each(CRASHES.filter((name) => !name.includes('/7-')))(
    'F46 F10 the next commit after %s leaves a clean file',
    async (name) => {
      const path = scratch.vector(name);
      {
        await using bolt = await openBolt(path);
        const { txid } = bolt;
        await bolt.write((tx) => tx.createBucketIfMissing('c').put('after', 'crash'));
        expect(bolt.txid).toBe(txid + 1);
        expect((await bolt.check()).problems).toEqual([]);
      }
      await using again = await openBolt(path);
      expect(again.warnings).toEqual([]);
      using tx = again.read();
      expect(Buffer.from(tx.bucket('c')?.get('after') ?? '').toString()).toBe('crash');
    },
  );

  test.each(CRASHES.filter((name) => name.includes('/7-')))(
    'F45 %s: the check reports problems and ends',
    async (name) => {
      await using bolt = await openBolt(scratch.vector(name), { readOnly: true });
      expect((await bolt.check()).problems.length).toBeGreaterThan(0);
    },
  );
});

interface Expected {
  readonly open: string;
  readonly contents: string;
  readonly check: string;
}

const { kinds } = readJson('damaged/EXPECTED.json') as { kinds: Record<string, Expected> };
const CLASSES: Readonly<Record<string, string>> = {
  invalid: 'BOLT_INVALID',
  version: 'BOLT_VERSION',
  checksum: 'BOLT_CHECKSUM',
  'too-small': 'BOLT_TOO_SMALL',
  truncated: 'BOLT_TRUNCATED',
  freelist: 'BOLT_FREELIST',
  corrupt: 'BOLT_CORRUPT',
};

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof BoltError) return error.code;
    throw error;
  }
}

async function openAndClose(path: string, readOnly: boolean): Promise<void> {
  await (await openBolt(path, { readOnly })).close();
}

describe('damaged files', () => {
  test('every kind is here', () => {
    expect(vectorNames('damaged').filter((name) => !name.includes('snapshot')).length).toBe(Object.keys(kinds).length);
  });

  test.each(Object.entries(kinds))('F8 to F22, F83 to F89 %s', async (kind, want) => {
    const path = scratch.vector(`damaged/${kind}`);
    const before = readFileSync(path);
    const listing = vectorListing(`damaged/${kind}`);
    const reading = await codeOf(() => openAndClose(path, true));
    const writing = await codeOf(() => openAndClose(scratch.vector(`damaged/${kind}`), false));
    const failure = CLASSES[want.open.replace(/^.*fail:/, '')];
    if (want.open.startsWith('fail') && failure !== 'BOLT_FREELIST') {
      expect([reading, writing]).toEqual([failure, failure]);
      return;
    }
    if (kind === 'empty-file') {
      expect([reading, writing]).toEqual(['BOLT_INVALID', undefined]);
      return;
    }
    if (kind === 'meta-root-out-of-range') {
      expect(reading).toBe('BOLT_CORRUPT');
      return;
    }
    expect(reading).toBe(undefined);
    if (failure === 'BOLT_FREELIST') expect(writing).toBe('BOLT_FREELIST');
    await readable(path, want, listing);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test.each([
    'freelist-has-used-page',
    'freelist-duplicate',
    'freelist-meta-page',
    'freelist-past-high-water',
    'freelist-count-too-large',
    'freelist-type',
  ])('F89 %s is refused for writing, byte for byte unchanged', async (kind) => {
    const path = scratch.vector(`damaged/${kind}`);
    const before = readFileSync(path);
    expect(await codeOf(() => openAndClose(path, false))).toMatch(/BOLT_(FREELIST|CORRUPT)/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('F27 an unsorted free list is accepted and written sorted', async () => {
    const path = scratch.vector('damaged/freelist-unsorted');
    {
      await using bolt = await openBolt(path);
      await bolt.write((tx) => tx.createBucket('new'));
    }
    expect((await listFile(path)).freelist.synced).toBe(true);
    await using bolt = await openBolt(path);
    expect((await bolt.check()).problems).toEqual([]);
  });

  test.each(vectorNames('damaged').filter((name) => name.includes('snapshot')))(
    '%s ends with a typed error or opens',
    async (name) => {
      const path = scratch.vector(name);
      const code = await codeOf(() => openAndClose(path, true));
      expect(code).toBe(name.endsWith('truncated') ? 'BOLT_TRUNCATED' : undefined);
    },
  );
});

async function readable(path: string, want: Expected, listing: Listing): Promise<void> {
  await using bolt = await openBolt(path, { readOnly: true });
  const { problems, remarks } = await bolt.check();
  if (want.check === 'problems') expect(problems.length).toBeGreaterThan(0);
  else expect(problems).toEqual([]);
  if (want.check === 'meta-warning') {
    expect(bolt.warnings.length).toBeGreaterThan(0);
    expect(remarks.some(({ rule }) => rule === 'meta')).toBe(true);
  }
  if (want.contents === 'unspecified') {
    using tx = bolt.read();
    // Bounded: either it ends, or it says where the damage is.
    try {
      for (const { key } of tx.root.entries()) for (const _ of tx.bucket(key)?.entries() ?? []);
    } catch (error) {
      expect((error as BoltError).code).toBe('BOLT_CORRUPT');
    }
    return;
  }
  const got = await listFile(path);
  expect(got.contentSha256).toBe(listing.contentSha256 ?? vectorListing('bolt-damage-base').contentSha256);
}
