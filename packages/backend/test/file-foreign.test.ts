/** Whose BoltDB file it is: ours and etcd's open, anybody else's is left as it is (XA15, R36, R37, decisions/0015). */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { openBolt, type WriteTransaction } from '@varve/bolt';
import { describe, expect, test } from 'vitest';
import { buckets } from '../src/contract/bucket.ts';
import { fileEngine } from '../src/engines/file/index.ts';
import { openBackend } from '../src/index.ts';
import { importSnapshot } from '../src/open/import-snapshot.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { create, everything, made, open, photograph, put, temporaryPath, text, vector } from './file-support.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const revision = (main: number, kind = ''): Uint8Array =>
  Buffer.concat([bytes(`${main.toString(16).padStart(16, '0')}5f${'0'.repeat(16)}`), Buffer.from(kind)]);
/** `k` = `v`, created and changed at revision 2, version 1. */
const record = bytes('0a016b1002180220012a0176');

/** What a file has, bucket by bucket. */
type Rows = readonly (readonly [key: Uint8Array | string, value: Uint8Array | string])[];

async function fileWith(
  contents: Readonly<Record<string, Rows>>,
  more?: (tx: WriteTransaction) => void,
  seals = true,
): Promise<string> {
  const path = temporaryPath();
  await using bolt = await openBolt(path, { pageChecksums: seals });
  await bolt.write((tx) => {
    for (const [name, rows] of Object.entries(contents)) {
      const bucket = tx.createBucket(name);
      for (const [key, value] of rows) bucket.put(key, value);
    }
    more?.(tx);
  });
  return path;
}

const many: Rows = Array.from({ length: 500 }, (_, i) => [`user-${i}`, '{"name":"somebody"}'] as const);
const foreign: Readonly<
  Record<string, readonly [contents: Readonly<Record<string, Rows>>, more?: (tx: WriteTransaction) => void]>
> = {
  'key with texts': [{ key: many }],
  'key with texts, and an empty meta': [{ key: many, meta: [] }],
  'key with texts of a revision’s length': [{ key: [['12345678_12345678', 'v']] }],
  'key with a revision first and a text last': [
    {
      key: [
        [revision(2), record],
        ['zebra', 'v'],
      ],
    },
  ],
  'key with a text of a lower first byte, then a revision': [
    {
      key: [
        ['\0', 'v'],
        [revision(2), record],
      ],
    },
  ],
  'key with numbers above 2^53': [{ key: [[bytes(`00200000000000005f${'0'.repeat(16)}`), record]] }],
  'key with revisions and no records': [
    {
      key: [
        [revision(2), 'text'],
        [revision(3), 'text, too'],
      ],
    },
  ],
  'key with numbers of 8 bytes': [
    {
      key: [
        [bytes('0000000000000001'), 'v'],
        [bytes('0000000000000002'), 'v'],
      ],
    },
  ],
  'key with buckets in it': [{}, (tx) => void tx.createBucket('key').createBucket('deep')],
  'key with a revision and a bucket behind it': [
    {},
    (tx) => {
      const key = tx.createBucket('key');
      key.put(revision(2), record);
      key.createBucket('zebra');
    },
  ],
  'meta with a version': [{ meta: [['version', '7']] }],
  'meta with a version, and other buckets': [{ meta: [['version', '7']], widgets: many }],
  'meta with buckets in it': [{}, (tx) => void tx.createBucket('meta').createBucket('deep')],
  'meta with a row of etcd’s name and another form': [{ key: [], meta: [['consistent_index', '7']] }],
  'meta with a term that is a text': [{ meta: [['term', 'three months']] }],
  'meta with a row of etcd’s, and other buckets, but no key': [
    { meta: [['term', bytes('0000000000000001')]], widgets: many },
  ],
  'meta with rows of etcd’s, and nothing else': [
    {
      meta: [
        ['term', bytes('0000000000000001')],
        ['vote', bytes('0000000000000001')],
      ],
    },
  ],
  'an empty key, and nothing else': [{ key: [] }],
  'an empty key beside other buckets': [{ key: [], widgets: many }],
  'an empty meta beside other buckets': [{ meta: [], widgets: [] }],
  'empty key and meta beside rows in a bucket of etcd’s name': [{ key: [], meta: [], members: many }],
  'empty key and meta beside all of the members’ buckets and others': [
    { key: [], meta: [], members: many, members_removed: [], cluster: [], widgets: many },
  ],
  neither: [{ widgets: many }],
};

describe('XA15: a BoltDB file of somebody else', () => {
  const cases = Object.entries(foreign).flatMap(([what, [contents, more]]) =>
    [true, false].map(
      (seals) => [what, seals ? 'written by @varve/bolt' : 'without seals', contents, more, seals] as const,
    ),
  );
  test.each(cases)(
    '%s (%s) is BACKEND_FOREIGN, and not one byte of it changes',
    async (_, __, contents, more, seals) => {
      const path = await fileWith(contents, more, seals);
      const before = photograph(dirname(path));
      for (const options of [{}, { create: false }, { readOnly: true }]) {
        await expect(fileEngine(path, options)).rejects.toMatchObject({
          code: 'BACKEND_FOREIGN',
          path,
          message: expect.stringContaining('left as it') as unknown,
        });
      }
      const target = await openBackend(memoryEngine());
      await expect(importSnapshot(path, target, { skipHashCheck: true })).rejects.toMatchObject({
        code: 'BACKEND_FOREIGN',
        path,
      });
      expect(target.buckets()).toEqual([]);
      await target.close();
      expect(photograph(dirname(path))).toEqual(before);
    },
  );
});

describe('decisions/0015: a file of etcd', () => {
  const etcds: readonly string[] = fs
    .readdirSync(new URL('../../../tools/vectors/bolt', import.meta.url))
    .filter((name) => name.startsWith('etcd-') && name.endsWith('.db.gz'))
    .map((name) => name.slice(0, -'.db.gz'.length));

  test.each(etcds)('%s opens, takes a commit, and opens again', async (name) => {
    const path = vector(name);
    const engine = await open(path);
    const rows = await everything(engine);
    await engine.commit([create(buckets.test), put('x', 'y', buckets.test)]);
    await engine.close();
    expect(await everything(await open(path, { readOnly: true }))).toEqual([...rows, 'test/78=79'].toSorted());
  });

  const states: Readonly<Record<string, Readonly<Record<string, Rows>>>> = {
    'no bucket at all': {},
    'meta alone, before the first commit': { meta: [] },
    'key and meta without a row': { key: [], meta: [] },
    '3.4, before any write': {
      key: [],
      meta: [],
      members: [['8e9e05c52164694d', '{}']],
      members_removed: [],
      cluster: [['clusterVersion', '3.4.0']],
      auth: [['authRevision', bytes('0000000000000001')]],
      authUsers: [],
      authRoles: [],
      lease: [],
      alarm: [],
    },
    '3.5, with a term and a configuration': {
      key: [],
      meta: [
        ['confState', '{"voters":[1],"auto_leave":false}'],
        ['consistent_index', bytes('0000000000000004')],
        ['term', bytes('0000000000000002')],
      ],
    },
    '3.6, with a storage version': { key: [[revision(2), record]], meta: [['storageVersion', '3.6.0']] },
    'one of a later version, with buckets and rows that nobody knows': {
      key: [[revision(2), record]],
      meta: [['newRow', 'x']],
      newBucket: many,
      lease: [],
    },
    'a deletion at the end': {
      key: [
        [revision(2), record],
        [revision(3, 't'), bytes('0a016b')],
      ],
      meta: [],
    },
    'a revision raised by etcdutl': {
      key: [
        [revision(2), record],
        [revision(1_000_000), ''],
      ],
      meta: [],
    },
    'all compacted away': {
      key: [],
      meta: [
        ['finishedCompactRev', revision(9)],
        ['scheduledCompactRev', revision(9)],
      ],
      extra: many,
    },
    'a damaged record at one end: it is told by who reads it': {
      key: [
        [revision(2), record],
        [revision(3), '\xff'],
      ],
      meta: [],
    },
    'a record with fields of a later version': {
      key: [[revision(2), bytes('0a016b10021802200138077a017a')]],
      meta: [],
    },
  };
  test.each(Object.entries(states))('%s opens', async (_, contents) => {
    const path = await fileWith(contents, undefined, false);
    expect((await open(path)).buckets()).toEqual(Object.keys(contents).toSorted());
  });
});

describe('a file of ours', () => {
  test('whatever rows it has: after its first commit, a compaction and a copy', async () => {
    const path = await made();
    const engine = await open(path);
    await engine.commit([{ type: 'createBucket', bucket: { id: 0, name: 'widgets', appendOnly: false } }]);
    await engine.compact();
    await engine.close();
    const again = await open(path);
    expect(text(again, 'a')).toBe('1');
    const copy = temporaryPath();
    for await (const chunk of await again.snapshot!()) fs.appendFileSync(copy, chunk);
    expect(text(await open(copy), 'a')).toBe('1');
  });

  test('a snapshot of any engine opens as a file, whatever rows it has', async () => {
    const backend = await openBackend(memoryEngine());
    backend.batchTx((tx) => {
      tx.createBucket(buckets.key);
      tx.put(buckets.key, Buffer.from('a'), Buffer.from('1'));
    });
    await backend.forceCommit();
    const copy = temporaryPath();
    for await (const chunk of await backend.snapshot()) fs.appendFileSync(copy, chunk);
    await backend.close();
    expect(text(await open(copy), 'a')).toBe('1');
  });

  test('a file that @varve/bolt made and nobody wrote to', async () => {
    const path = temporaryPath();
    await (await openBolt(path)).close();
    expect((await open(path)).buckets()).toEqual([]);
  });
});
