/** Importing and opening BoltDB files that a stranger made to do harm (XE2, XE3, XE4). */
import { truncateSync, writeFileSync } from 'node:fs';
import { openBolt } from '@varve/bolt';
import { expect, onTestFinished, test } from 'vitest';
import { fileEngine } from '../src/engines/file/index.ts';
import { storeMark } from '../src/engines/file/recognise.ts';
import { openBackend } from '../src/index.ts';
import { importSnapshot } from '../src/open/import-snapshot.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { temporaryPath } from './file-support.ts';
import { byHand } from './helpers.ts';
import { bucketEntry, hostileFile, leafRun } from './hostile-file.ts';

const targets = [
  ['memory', () => memoryEngine()],
  ['file', () => fileEngine(temporaryPath())],
  ['level', () => levelEngine(temporaryPath())],
] as const;

function file(...runs: readonly Buffer[]): string {
  const path = temporaryPath();
  writeFileSync(path, hostileFile(runs));
  return path;
}

const name = (index: number): string => `bucket${String(index).padStart(5, '0')}`;

/** Names of buckets that are all one tree, on the pages 2 and on, and that tree behind them. */
function shared(buckets: number): string {
  const named = (root: number): Buffer =>
    leafRun(
      2,
      Array.from({ length: buckets }, (_, i) => bucketEntry(name(i), root)),
    );
  const root = 2 + named(0).length / 4096;
  const rows = Array.from({ length: 20 }, (_, i) => ({ key: name(i), value: Buffer.alloc(150, i) }));
  return file(named(root), leafRun(root, rows));
}

test.each(targets)(
  'XE3: thousands of buckets that are one tree are not imported thousands of times: into %s',
  async (_, make) => {
    const backend = await openBackend(await make(), byHand);
    onTestFinished(() => backend.close());
    await expect(importSnapshot(shared(5000), backend, { skipHashCheck: true })).rejects.toMatchObject({
      code: 'BACKEND_CORRUPT',
      message: expect.stringMatching(/page \d+: is used twice/) as string,
    });
    expect(backend.buckets()).toEqual([]);
  },
);

test.each(targets)('XE2: values that overlap are not imported: into %s', async (_, make) => {
  const backend = await openBackend(await make(), byHand);
  onTestFinished(() => backend.close());
  const claims = [16 + 16 * 100, 8, 2000] as const;
  const same = { key: '', value: Buffer.alloc(20), claims };
  const leaf = leafRun(
    3,
    Array.from({ length: 100 }, () => same),
  );
  const path = file(leafRun(2, [bucketEntry('key', 3)]), leaf);
  await expect(importSnapshot(path, backend, { skipHashCheck: true })).rejects.toMatchObject({
    code: 'BACKEND_CORRUPT',
  });
  expect(backend.buckets()).toEqual([]);
});

test('XE3: one bucket alone, and buckets of their own pages, are imported as before', async () => {
  const path = temporaryPath();
  const bolt = await openBolt(path);
  await bolt.write((tx) => {
    tx.root.setSequence(storeMark);
    for (let i = 0; i < 300; i += 1) {
      const bucket = tx.createBucket(name(i));
      for (let row = 0; row < (i % 3) * 40; row += 1) bucket.put(name(row), Buffer.alloc(100, row));
    }
  });
  await bolt.close();
  const backend = await openBackend(memoryEngine(), byHand);
  onTestFinished(() => backend.close());
  expect(await importSnapshot(path, backend, { skipHashCheck: true })).toMatchObject({ buckets: 300, rows: 12_000 });
});

test('XE4: a free list of holes is no reason to wait: opened for reading its size is asked for, for writing it is refused', async () => {
  const pages = 65_536;
  const list = Buffer.alloc(4096);
  list.writeBigUInt64LE(3n, 0);
  list.writeUInt16LE(16, 8);
  list.writeUInt16LE(0xffff, 10);
  list.writeUInt32LE(pages - 1, 12);
  list.writeBigUInt64LE(BigInt(pages * 512 - 3), 16);
  const path = temporaryPath();
  writeFileSync(path, hostileFile([leafRun(2, []), list], pages + 100_000, 3n));
  truncateSync(path, (pages + 100_000) * 4096);
  const before = process.cpuUsage();
  const reader = await fileEngine(path, { readOnly: true });
  expect(reader.sizeInUse).toBeGreaterThan(0);
  await reader.close();
  await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  expect(process.cpuUsage(before).user).toBeLessThan(14_000_000); // microseconds; was 28 s
});

test('XE3: sixty thousand buckets that are one tree are opened, and the event loop turns meanwhile', async () => {
  const names = [...Array.from({ length: 60_000 }, (_, i) => name(i)), 'key'];
  const named = (root: number): Buffer =>
    leafRun(
      2,
      names.map((bucket) => bucketEntry(bucket, root)),
    );
  const root = 2 + named(0).length / 4096;
  const path = file(
    named(root),
    leafRun(root, [
      { key: 'a', value: Buffer.alloc(1) },
      { key: 'b', value: Buffer.alloc(1) },
    ]),
  );
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  const before = process.cpuUsage();
  const backend = await openBackend(await fileEngine(path, { readOnly: true }), byHand);
  clearInterval(turning);
  expect(process.cpuUsage(before).user).toBeLessThan(30_000_000); // microseconds; was minutes: forty scans a bucket
  expect(turns).toBeGreaterThan(10);
  expect(backend.buckets()).toHaveLength(60_001);
  await backend.close();
});
