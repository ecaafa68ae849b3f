/** Filling a backend from a BoltDB file or an etcd snapshot (R50, R124, R128, decisions/0016). */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openBolt } from '@varve/bolt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileEngine } from '../src/engines/file/index.ts';
import { type Backend, buckets, type Engine, openBackend } from '../src/index.ts';
import { type ImportProgress, importSnapshot } from '../src/open/import-snapshot.ts';
import { deferred } from '../src/conformance/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { temporaryPath, vector } from './file-support.ts';
import { b, byHand, create, write } from './helpers.ts';

const CHILD = join(import.meta.dirname, 'import-child.mjs');

const targets: readonly (readonly [name: string, make: () => Engine | Promise<Engine>])[] = [
  ['memory', memoryEngine],
  ['slow memory', () => deferred(memoryEngine(), 3)],
  ['file', () => fileEngine(temporaryPath())],
  ['level', () => levelEngine(temporaryPath())],
];

async function opened(make: () => Engine | Promise<Engine> = memoryEngine): Promise<Backend> {
  const backend = await openBackend(await make(), byHand);
  onTestFinished(() => backend.close().catch(() => undefined));
  return backend;
}

function listedHash(name: string): number {
  const path = resolve(import.meta.dirname, '../../../tools/vectors/bolt', `${name}.json.gz`);
  const listing = JSON.parse(gunzipSync(fs.readFileSync(path)).toString()) as { crc32cOfBucketsAndPairs: number };
  return listing.crc32cOfBucketsAndPairs;
}

/** Everything the backend holds, as the snapshot file that etcd's tools take. */
async function saved(backend: Backend): Promise<string> {
  const path = temporaryPath();
  await using snapshot = await backend.snapshot();
  const hash = createHash('sha256');
  for await (const chunk of snapshot) {
    fs.appendFileSync(path, chunk);
    hash.update(chunk);
  }
  fs.appendFileSync(path, hash.digest());
  return path;
}

async function filled(rows: number, size = 500): Promise<Backend> {
  const backend = await opened();
  create(backend, buckets.key, buckets.lease, buckets.meta);
  write(backend, buckets.meta, { a: '1' });
  for (let from = 0; from < rows; from += 1000) {
    backend.batchTx((tx) => {
      for (let i = from; i < Math.min(rows, from + 1000); i += 1) {
        tx.put(buckets.key, b(String(i).padStart(8, '0')), new Uint8Array(size).fill(i));
      }
    });
    await backend.admit();
  }
  return backend;
}

describe.each(targets)('into %s', (_, make) => {
  test.each(['etcd-history.snapshot', 'etcd-auth.snapshot', 'etcd-empty.snapshot'])(
    'law 6: %s comes in whole: etcd counts the same hash over every bucket and row',
    async (name) => {
      const backend = await opened(make);
      const result = await importSnapshot(vector(name), backend);
      expect(await backend.hash()).toBe(listedHash(name));
      expect(result.buckets).toBeGreaterThan(5);
      expect(backend.commits).toBeGreaterThan(0);
    },
  );

  test('a copy of a database file needs skipHashCheck', async () => {
    const backend = await opened(make);
    const path = vector('etcd-history.raw');
    await expect(importSnapshot(path, backend)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT', path });
    await importSnapshot(path, backend, { skipHashCheck: true });
    expect(await backend.hash()).toBe(listedHash('etcd-history.raw'));
  });

  test('R124: what an ended import wrote is gone again, so that the next one can begin', async () => {
    const path = await saved(await filled(8000));
    const backend = await opened(make);
    for (const phase of ['verifying', 'writing']) {
      const controller = new AbortController();
      const reason = new Error(phase);
      const onProgress = (progress: ImportProgress): void => {
        if (progress.phase === phase && (phase === 'verifying' || progress.rows > 4000)) controller.abort(reason);
      };
      const ended = importSnapshot(path, backend, { signal: controller.signal, onProgress });
      expect(await ended.catch((error: unknown) => error)).toBe(reason);
      expect(await backend.hash()).toBe(0);
    }
    const mine = new Error('mine');
    const throwing = (progress: ImportProgress): void => {
      if (progress.rows > 4000) throw mine;
    };
    expect(await importSnapshot(path, backend, { onProgress: throwing }).catch((error: unknown) => error)).toBe(mine);
    const result = await importSnapshot(path, backend);
    expect(result).toMatchObject({ buckets: 3, rows: 8001 });
  });
});

test('decisions/0016, law 6: from LevelDB to a file, to memory, to LevelDB, the hash stays the same', async () => {
  let backend = await opened(() => levelEngine(temporaryPath()));
  await importSnapshot(await saved(await filled(3000)), backend);
  backend.batchTx((tx) => {
    tx.createBucket(buckets.test);
    for (let i = 0; i < 2000; i += 2) tx.delete(buckets.key, b(String(i).padStart(8, '0')));
    tx.put(buckets.key, b('99999999'), new Uint8Array(300_000).fill(1));
    tx.put(buckets.lease, b('empty'), new Uint8Array(0));
    tx.deleteBucket(buckets.meta);
  });
  await backend.forceCommit();
  const hash = await backend.hash();
  for (const make of [() => fileEngine(temporaryPath()), memoryEngine, () => levelEngine(temporaryPath())]) {
    const next = await opened(make);
    expect(await importSnapshot(await saved(backend), next)).toMatchObject({ buckets: 3, rows: 2002 });
    expect(await next.hash()).toBe(hash);
    backend = next;
  }
});

describe.each([
  ['file', fileEngine],
  ['level', levelEngine],
] as const)('R21, R50: a process that is killed while it imports into a %s', (kind, engine) => {
  test('leaves the whole, or what the next opening makes empty again and says so; the next import works', async () => {
    const source = await filled(20_000, 100);
    const path = await saved(source);
    let partN = 0;
    for (const rows of [1, 5000, 12_000, 19_500]) {
      const target = temporaryPath();
      const child = spawn(process.execPath, [CHILD, kind, path, target, String(rows)], { stdio: 'inherit' });
      expect((await once(child, 'exit'))[1]).toBe('SIGKILL');

      const raw = await engine(target);
      const left = raw.buckets();
      expect(left.length === 0 || left.includes('varve_unfinished_import')).toBe(true);
      const isPart = left.includes('key') && raw.get(buckets.key, b('00000000')) !== undefined;
      if (isPart) partN += 1;
      await raw.close();
      if (isPart && kind === 'file') {
        const refused = openBackend(await fileEngine(target, { readOnly: true }), byHand);
        await expect(refused).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
        const again = importSnapshot(target, await opened(), { skipHashCheck: true });
        await expect(again).rejects.toMatchObject({ code: 'BACKEND_CORRUPT', path: target });
      }

      const emptied = await openBackend(await engine(target), byHand);
      expect(emptied.warnings).toEqual(left.length === 0 ? [] : [expect.stringMatching(/cut short.*empty/)]);
      expect([emptied.buckets(), await emptied.hash()]).toEqual([[], 0]);
      await importSnapshot(path, emptied);
      await emptied.close();
      await using whole = await openBackend(await engine(target), byHand);
      expect(whole.warnings).toEqual([]);
      expect(await whole.hash()).toBe(await source.hash());
    }
    expect(partN).toBeGreaterThan(1);
  });
});

test('IS3: a target that fails or closes on the way is emptied by its next opening', async () => {
  const path = await saved(await filled(8000));
  const file = temporaryPath();
  const backend = await openBackend(await fileEngine(file), byHand);
  const onProgress = async ({ rows }: ImportProgress): Promise<void> => {
    if (rows > 4000) await backend.close();
  };
  const ended = importSnapshot(path, backend, { onProgress: (progress) => void onProgress(progress) });
  await expect(ended).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
  await backend.close();
  await using again = await openBackend(await fileEngine(file), byHand);
  expect(again.warnings).toEqual([expect.stringMatching(/cut short/)]);
  expect(again.buckets()).toEqual([]);
});

describe('what is refused', () => {
  const bad: readonly (readonly [what: string, make: () => Promise<string> | string, code: string])[] = [
    ['a snapshot with a wrong hash', () => vector('damaged/snapshot-hash-wrong'), 'BACKEND_CORRUPT'],
    ['a snapshot without its hash', () => vector('damaged/snapshot-hash-missing'), 'BACKEND_CORRUPT'],
    ['a snapshot that was cut short', () => vector('damaged/snapshot-truncated'), 'BACKEND_CORRUPT'],
    ['a flipped bit', flipped, 'BACKEND_CORRUPT'],
    ['text', () => text('Dear diary,\n'.repeat(1000)), 'BACKEND_FOREIGN'],
    ['nothing', () => temporaryPath(), 'BACKEND_NOT_FOUND'],
    ['an empty file', () => text(''), 'BACKEND_FOREIGN'],
    ['a folder', () => join(temporaryPath(), '..'), 'BACKEND_FOREIGN'],
    ['another format version', () => vector('damaged/meta-both-version'), 'BACKEND_VERSION'],
  ];
  test.each(bad)('R50, R128: %s, before anything is written', async (_, make, code) => {
    const backend = await opened();
    await expect(importSnapshot(await make(), backend)).rejects.toMatchObject({ code });
    expect([await backend.hash(), backend.commits]).toEqual([0, 0]);
  });

  test('a file that somebody has open for writing is BACKEND_LOCKED', async () => {
    const path = vector('etcd-history.raw');
    await using _held = await openBolt(path);
    const backend = await opened();
    await expect(importSnapshot(path, backend, { skipHashCheck: true })).rejects.toMatchObject({
      code: 'BACKEND_LOCKED',
    });
  });

  test('a BoltDB file of buckets in buckets is BACKEND_FOREIGN, and leaves the target empty', async () => {
    const backend = await opened();
    const refused = importSnapshot(vector('bolt-nested'), backend, { skipHashCheck: true });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
    expect(await backend.hash()).toBe(0);
  });

  test('R57: damage that nobody looked for is BACKEND_CORRUPT when it is met, and leaves the target empty', async () => {
    const path = await flipped();
    const backend = await opened();
    const refused = importSnapshot(path, backend, { skipHashCheck: true });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_CORRUPT', path });
    expect(await backend.hash()).toBe(0);
  });

  const occupied: readonly (readonly [what: string, fill: (backend: Backend) => void])[] = [
    ['a row', (backend) => (create(backend, buckets.test), write(backend, buckets.test, { a: '1' }))],
    ['an empty bucket', (backend) => create(backend, buckets.test)],
  ];
  test.each(occupied)(
    'a target with %s, committed or not, is BACKEND_NOT_EMPTY and stays as it is',
    async (_, fill) => {
      const backend = await opened();
      fill(backend);
      const path = vector('etcd-history.snapshot');
      await expect(importSnapshot(path, backend)).rejects.toMatchObject({ code: 'BACKEND_NOT_EMPTY' });
      expect(backend.commits).toBe(0);
      await backend.forceCommit();
      const hash = await backend.hash();
      expect(hash).not.toBe(0);
      await expect(importSnapshot(path, backend)).rejects.toMatchObject({ code: 'BACKEND_NOT_EMPTY' });
      expect(await backend.hash()).toBe(hash);
    },
  );

  test('R3: a path that is none, and an aborted signal', async () => {
    const backend = await opened();
    await expect(importSnapshot('', backend)).rejects.toBeInstanceOf(RangeError);
    await expect(importSnapshot(7 as unknown as string, backend)).rejects.toBeInstanceOf(TypeError);
    const none = importSnapshot('x', backend, null as unknown as object);
    await expect(none).rejects.toThrow(new TypeError('options must be an object'));
    const reason = new Error('enough');
    const aborted = importSnapshot('x', backend, { signal: AbortSignal.abort(reason) });
    expect(await aborted.catch((error: unknown) => error)).toBe(reason);
  });

  test('a target that is closed, or closes meanwhile, is BACKEND_CLOSED', async () => {
    const path = await saved(await filled(20_000, 100));
    const backend = await opened();
    const onProgress = ({ rows }: ImportProgress): void => {
      if (rows > 2000) void backend.close();
    };
    await expect(importSnapshot(path, backend, { onProgress })).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
    await expect(importSnapshot(path, backend)).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
  });
});

test('progress: the file is verified, then written, and neither goes back', async () => {
  const path = await saved(await filled(20_000, 200));
  const steps: ImportProgress[] = [];
  const { bytes, rows } = await importSnapshot(path, await opened(), { onProgress: (step) => steps.push(step) });
  expect(steps.map(({ phase }) => phase)).toEqual(steps.map(({ phase }) => phase).toSorted());
  for (const phase of ['verifying', 'writing']) {
    const values = steps.filter((step) => step.phase === phase);
    expect(values.length).toBeGreaterThan(3);
    expect(values.map((step) => step.bytes)).toEqual(values.map((step) => step.bytes).toSorted((x, y) => x - y));
    expect(values.every((step) => step.bytes <= step.totalBytes)).toBe(true);
  }
  expect(steps.at(-1)).toMatchObject({ bytes, rows });
});

function text(content: string): string {
  const path = temporaryPath();
  fs.writeFileSync(path, content);
  return path;
}

/** A snapshot with one bit of a row changed. */
async function flipped(): Promise<string> {
  const path = await saved(await filled(3000));
  const file = fs.readFileSync(path);
  const at = Math.floor(file.length / 2);
  file[at] = (file[at] as number) ^ 1;
  fs.writeFileSync(path, file);
  return path;
}
