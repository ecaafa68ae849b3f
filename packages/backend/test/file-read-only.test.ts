/** A file that is opened for reading only: who may have it, what it refuses, and that nothing is touched (R30, R35, R56). */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { openBolt } from '@varve/bolt';
import { describe, expect, test } from 'vitest';
import { buckets } from '../src/contract/bucket.ts';
import type { Engine } from '../src/contract/engine.ts';
import { fileEngine } from '../src/engines/file/index.ts';
import { openBackend } from '../src/index.ts';
import { importSnapshot } from '../src/open/import-snapshot.ts';
import { b, byHand, s, scan } from './helpers.ts';
import {
  child,
  create,
  everything,
  firstLine,
  heldByFlock,
  killed,
  made,
  open,
  photograph,
  put,
  temporaryPath,
  text,
  unprivileged,
  vector,
} from './file-support.ts';

const readOnly = { readOnly: true } as const;

describe('who may have it', () => {
  test('any number of readers side by side, in this process and in others; no writer beside them, no reader beside a writer', async () => {
    const path = await made();
    const before = photograph(dirname(path));
    const one = await open(path, readOnly);
    const two = await open(path, readOnly);
    const three = child('share', path);
    expect(await firstLine(three)).toBe('held');
    expect([text(one, 'a'), text(two, 'a')]).toEqual(['1', '1']);
    await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED', path });
    expect(await firstLine(child('hold', path))).toBe('BACKEND_LOCKED');
    await one.close();
    await two.close();
    await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await killed(three);
    expect(photograph(dirname(path))).toEqual(before);

    const writer = await open(path);
    await expect(fileEngine(path, readOnly)).rejects.toMatchObject({ code: 'BACKEND_LOCKED', path });
    expect(await firstLine(child('share', path))).toBe('BACKEND_LOCKED');
    const waiting = open(path, { readOnly: true, lockTimeoutMs: 20_000 });
    await writer.commit([put('b', '2')]);
    await writer.close();
    expect(text(await waiting, 'b')).toBe('2');
  });

  test('R59: a program that holds it with flock(2) keeps a reader out as well', async () => {
    const path = await made();
    await heldByFlock(path);
    await expect(fileEngine(path, readOnly)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
  });
});

describe('what is at the path', () => {
  test('R36: nothing, an empty file, somebody else’s: refused as ever, and nothing is made or changed', async () => {
    const path = temporaryPath();
    const folder = dirname(path);
    const absent = [path, join(folder, 'not', 'there', 'store.db')];
    for (const missing of absent) {
      const refused = fileEngine(missing, readOnly);
      await expect(refused).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path: missing });
    }
    expect(fs.readdirSync(folder)).toEqual([]);
    fs.writeFileSync(path, '');
    fs.copyFileSync(vector('bolt-mixed'), `${path}-other`);
    const before = photograph(folder);
    for (const foreign of [path, `${path}-other`]) {
      await expect(fileEngine(foreign, readOnly)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
    }
    expect(photograph(folder)).toEqual(before);
  });

  test('R35: file, folder and all, that may not be written: reading works, and nothing is touched', async () => {
    const path = await made();
    const folder = dirname(path);
    // What an opener for writing would remove, and what it would leave.
    fs.copyFileSync(path, `${path}.varve-0b7c5a86-3c56-4b8b-9d38-4e8f6f6a1c11.tmp`);
    fs.chmodSync(path, 0o444);
    fs.chmodSync(folder, 0o555);
    const before = photograph(folder);
    await unprivileged(async () => {
      await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY', cause: { code: 'EACCES' } });
      const engine = await fileEngine(path, readOnly);
      expect(await everything(engine)).toEqual(['key/61=31']);
      await engine.close();
    });
    fs.chmodSync(folder, 0o700);
    expect(photograph(folder)).toEqual(before);
  });

  test('R30: on a full disk a file opens and can be read, for reading only or not; writing is refused or fails', async () => {
    const path = await made();
    const before = photograph(dirname(path));
    const seen = { seen: 1, seenAfter: 1 };
    const reader: unknown = JSON.parse(await firstLine(child('full', path, 'readOnly')));
    expect(reader).toMatchObject({ ...seen, failure: ['BACKEND_READ_ONLY', 'BOLT_READ_ONLY'] });
    expect(photograph(dirname(path))).toEqual(before);
    const writer: unknown = JSON.parse(await firstLine(child('full', path, 'writable')));
    expect(writer).toMatchObject({ ...seen, failure: ['BACKEND_FAILED', 'EFBIG'] });
    expect(text(await open(path), 'a')).toBe('1');
  });

  test('R56: with a newest meta page that is damaged it shows the commit before, warned; the file stays as it is', async () => {
    for (const name of ['meta-newest-checksum', 'meta-newest-zeroed', 'meta-torn']) {
      const path = temporaryPath();
      const engine = await open(path);
      await engine.commit([create(), put('a', '1')]);
      await engine.commit([put('a', '2')]);
      await engine.close();
      const bad = fs.readFileSync(path);
      const newer = bad.readBigUInt64LE(16 + 48) > bad.readBigUInt64LE(4096 + 16 + 48) ? 0 : 4096;
      if (name === 'meta-newest-zeroed') bad.fill(0, newer, newer + 4096);
      else if (name === 'meta-torn') bad.fill(0xff, newer + 48, newer + 4096);
      else bad[newer + 73]! ^= 1;
      fs.writeFileSync(path, bad);
      const before = photograph(dirname(path));
      const reader = await open(path, readOnly);
      expect(reader.warnings, name).toEqual([expect.stringMatching(/last transaction may be missing/)]);
      expect(text(reader, 'a'), name).toBe('1');
      await reader.close();
      expect(photograph(dirname(path)), name).toEqual(before);
    }
  });

  test('R55, R57: damage is BACKEND_CORRUPT here as well, when it is met', async () => {
    const path = await made();
    const bad = fs.readFileSync(path);
    for (const page of [0, 1]) bad.fill(0, page * 4096 + 40, page * 4096 + 80);
    fs.writeFileSync(path, bad);
    await expect(fileEngine(path, readOnly)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
    const flipped = temporaryPath();
    const engine = await open(flipped);
    await engine.commit([create(), ...Array.from({ length: 500 }, (_, i) => put(`k${i}`, 'v'.repeat(50)))]);
    await engine.close();
    const page = fs.readFileSync(flipped);
    page[page.indexOf('vvvv')]! ^= 4;
    fs.writeFileSync(flipped, page);
    const before = photograph(dirname(flipped));
    const reader = await open(flipped, readOnly);
    await expect(everything(reader)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
    await reader.close();
    expect(photograph(dirname(flipped))).toEqual(before);
  });
});

describe('what it does', () => {
  async function history(): Promise<string> {
    const path = temporaryPath();
    const engine = await open(path);
    await engine.commit([create(), create(buckets.meta), ...Array.from({ length: 500 }, (_, i) => put(`k${i}`, 'v'))]);
    await engine.commit([put('k0', 'newest')]);
    await engine.close();
    return path;
  }

  test('an engine: reads, pins, scans and copies; commit and compact are BACKEND_READ_ONLY', async () => {
    const path = await history();
    const before = photograph(dirname(path));
    const copies = temporaryPath();
    const engine = await open(path, readOnly);
    expect(engine.readOnly).toBe(true);
    expect(text(engine, 'k0')).toBe('newest');
    using pin = engine.pin();
    expect((await everything(pin)).length).toBe(500);
    for (const write of [engine.commit([put('x', 'y')]), engine.commit([]), engine.compact()]) {
      await expect(write).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY', path });
    }
    for await (const chunk of await engine.snapshot!()) fs.appendFileSync(copies, chunk);
    expect(await everything(await open(copies))).toEqual(await everything(engine));
    expect(engine.sizeInUse).toBeLessThanOrEqual(engine.size);
    await Promise.all([engine.close(), engine.close()]);
    await expect(engine.commit([])).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('a Backend: every write is BACKEND_READ_ONLY before its body runs; the rest works, and the hook never runs', async () => {
    const path = await history();
    const before = photograph(dirname(path));
    const hooked: unknown[] = [];
    const backend = await openBackend(await fileEngine(path, readOnly), {
      ...byHand,
      preCommit: (tx) => void hooked.push(tx),
    });
    expect(backend.readOnly).toBe(true);
    expect(backend.admitting).toBe(false);
    const refusal = expect.objectContaining({ name: 'BackendError', code: 'BACKEND_READ_ONLY' }) as Error;
    const ran: string[] = [];
    expect(() => backend.batchTx(() => ran.push('body'))).toThrow(refusal);
    await expect(backend.admit()).rejects.toEqual(refusal);
    await expect(backend.defrag()).rejects.toEqual(refusal);
    await backend.forceCommit();
    expect([ran, hooked, backend.commits]).toEqual([[], [], 0]);

    expect(backend.readTx((tx) => s(tx.get(buckets.key, b('k0'))))).toBe('newest');
    expect(await scan(backend, buckets.key)).toHaveLength(500);
    const snapshot = temporaryPath();
    for await (const chunk of await backend.snapshot()) fs.appendFileSync(snapshot, chunk);
    await using copied = await openBackend(await fileEngine(temporaryPath()), byHand);
    await importSnapshot(snapshot, copied, { skipHashCheck: true });
    expect(await copied.hash()).toBe(await backend.hash());
    await expect(importSnapshot(snapshot, backend)).rejects.toEqual(refusal);
    expect(copied.readOnly).toBe(false);
    await backend.close();
    expect(() => backend.batchTx(() => 0)).toThrow(expect.objectContaining({ code: 'BACKEND_CLOSED' }) as Error);
    expect(photograph(dirname(path))).toEqual(before);
    expect(hooked).toEqual([]);
  });

  test('decisions/0015: a file of etcd is read as it is, with a free list or without', async () => {
    for (const name of ['etcd-history.raw', 'etcd-killed.raw']) {
      const path = vector(name);
      const before = photograph(dirname(path));
      const engine: Engine = await open(path, readOnly);
      expect(engine.buckets()).toContain('key');
      expect(engine.sizeInUse).toBeLessThanOrEqual(engine.size);
      await engine.close();
      expect(photograph(dirname(path))).toEqual(before);
      await using bolt = await openBolt(path, readOnly);
      expect((await bolt.check()).problems).toEqual([]);
    }
  });
});
