/** B6: what is wrong is refused by a typed error before anything changes, on every entry of the package. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buckets, crc32c, openBackend, putCost, quotaOf } from '../src/index.ts';
import { importSnapshot } from '../src/open/import-snapshot.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { temporaryPath } from './file-support.ts';
import { b, byHand, create, opened } from './helpers.ts';

const { test: t } = buckets;

test('XB6: openBackend', async () => {
  const wrong: readonly (readonly [options: unknown, error: typeof TypeError | typeof RangeError])[] = [
    [null, TypeError],
    [5, TypeError],
    [[], TypeError],
    [new AbortController().signal, TypeError],
    [{ batchlimit: 5 }, TypeError],
    [{ batchLimit: Number.NaN }, RangeError],
    [{ batchLimit: -1 }, RangeError],
    [{ batchLimit: 1.5 }, RangeError],
    [{ batchLimit: '10' }, TypeError],
    [{ batchIntervalMs: Number.NaN }, RangeError],
    [{ batchIntervalMs: -1 }, RangeError],
    [{ batchIntervalMs: Infinity }, RangeError],
    [{ batchIntervalMs: '10' }, TypeError],
    [{ preCommit: 'yes' }, TypeError],
  ];
  for (const [options, error] of wrong) {
    await expect(openBackend(memoryEngine(), options as never), JSON.stringify(options)).rejects.toThrow(error);
  }
});

test('XB6: levelEngine refuses names that nobody knows, and makes nothing', async () => {
  const path = temporaryPath();
  for (const options of [{ cachesize: 5 }, [], new Map(), new AbortController().signal] as never[]) {
    await expect(levelEngine(path, options)).rejects.toThrow(TypeError);
  }
  expect(existsSync(path)).toBe(false);
});

test('XB6: transactions, scans, snapshot, hash', async () => {
  await using backend = await opened();
  create(backend, t);
  using tx = backend.concurrentReadTx();
  const signal = { aborted: false } as AbortSignal;
  for (const options of [{ signal }, { start: 'a' }, { end: 5 }, null, 5] as never[]) {
    expect(() => tx.scan(t, options)).toThrow(TypeError);
  }
  for (const chunkSize of [0, -1, 1.5, Number.NaN]) {
    expect(() => tx.scan(t, { chunkSize })).toThrow(RangeError);
  }
  expect(() => tx.scan(t, { chunkSize: '7' as never })).toThrow(TypeError);
  for (const options of [{ signal }, null, 5] as never[]) {
    await expect(backend.snapshot(options)).rejects.toThrow(TypeError);
  }
  await expect(backend.hash('yes' as never)).rejects.toThrow(TypeError);
  for (const bucket of [undefined, null, 'test', 5] as never[]) {
    expect(() => backend.batchTx((section) => section.put(bucket, b('a'), b('1')))).toThrow(TypeError);
    expect(() => backend.batchTx((section) => section.delete(bucket, b('a')))).toThrow(TypeError);
    expect(() => backend.batchTx((section) => section.createBucket(bucket))).toThrow(TypeError);
  }
  for (const body of [undefined, 'x'] as never[]) {
    expect(() => backend.batchTx(body)).toThrow(TypeError);
    expect(() => backend.readTx(body)).toThrow(TypeError);
  }
});

test('XB6: importSnapshot, quotas, checksums', async () => {
  await using backend = await openBackend(memoryEngine(), byHand);
  for (const options of [{ skipHashCheck: 'no' }, { signal: {} }, { onProgress: 5 }, null] as never[]) {
    await expect(importSnapshot('/nowhere', backend, options)).rejects.toThrow(TypeError);
  }
  for (const path of [undefined, 5] as never[]) await expect(importSnapshot(path, backend)).rejects.toThrow(TypeError);
  expect(() => quotaOf(backend, '5' as never)).toThrow(TypeError);
  expect(() => quotaOf(backend, Number.NaN)).toThrow(RangeError);
  expect(() => putCost('5' as never, 1)).toThrow(TypeError);
  expect(() => putCost(1, Number.NaN)).toThrow(RangeError);
  expect(() => putCost(-1, 1)).toThrow(RangeError);
  expect(() => crc32c('text' as never)).toThrow(TypeError);
});
