/** A store over a file that is open for reading only (R30, R35): everything that reads, nothing that writes. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  file,
  get,
  level,
  memory,
  missing,
  open,
  put,
  type EmbeddedKv,
  type Engine,
  type Location,
} from '../src/index.ts';
import { codeOf, collect, failure, temporaryFolder } from './helpers.ts';

/** Name, time, length and bytes of all that lies there. */
function photograph(path: string): unknown[] {
  return fs.readdirSync(path).map((name) => {
    const found = fs.statSync(`${path}/${name}`);
    return [name, found.mtimeMs, found.mode, fs.readFileSync(`${path}/${name}`).toString('base64')];
  });
}

const reader = (path: string): Promise<EmbeddedKv> => open(file(path, { readOnly: true }));

/** Revisions 2 to 21 of `key`, and 22 of another, compacted at 5. */
async function history(): Promise<string> {
  const path = temporaryFolder('store.db');
  await using kv = await open(file(path));
  for (let i = 2; i <= 21; i++) await kv.put('key', `v${i}`);
  await kv.put('other/', 'end');
  await kv.compact(5, { physical: true });
  return path;
}

describe('a store for reading only', () => {
  test('R35: reads, ranges of the past, histories, watches, hashes and copies are what they were; nothing is touched', async () => {
    const path = await history();
    const before = photograph(dirname(path));
    const backup = temporaryFolder('copy.db');
    const writable = await open(file(path));
    const hash = await writable.hashByRev();
    await writable.close();
    const unchanged = photograph(dirname(path));
    expect(unchanged).toEqual(before);
    await using kv = await reader(path);
    await using second = await reader(path);
    for (const store of [kv, second]) {
      expect(store.revision).toBe(22);
      expect((await store.get('key'))?.value).toBe('v21');
      expect((await store.at(7).get('key'))?.value).toBe('v7');
      expect(await codeOf(() => store.at(4).get('key'))).toBe('MVCC_COMPACTED');
      expect((await collect(store.list({}))).map((entry) => entry.key)).toEqual(['key', 'other/']);
      expect(await store.at(9).count({})).toBe(1);
      expect((await store.page({ prefix: 'other/' })).entries).toHaveLength(1);
    }
    expect(await collect(kv.history('key', { from: 20 }))).toHaveLength(2);
    const seen = await collect(kv.watch({}, { from: 6 }), 17);
    expect(seen.map((event) => event.revision)).toEqual(Array.from({ length: 17 }, (_, i) => 6 + i));
    const controller = new AbortController();
    const later = failure(() => collect(kv.watch({}, { from: 23, signal: controller.signal })));
    controller.abort(new Error('enough'));
    expect((await later).message).toBe('enough');
    expect((await kv.transaction((tx) => tx.get('key'))).value?.value).toBe('v21');
    expect(await kv.hashByRev()).toEqual(hash);
    expect(kv.stats()).toMatchObject({ readOnly: true, durable: true, commits: 0, warnings: [] });
    await kv.settled();
    await kv.commit();
    expect((await kv.namespace('other').get('/'))?.value).toBe('end');
    await kv.backup(backup);
    await kv.close();
    await second.close();
    expect(photograph(dirname(path))).toEqual(before);
    fs.truncateSync(backup, fs.statSync(backup).size - 32);
    await using copy = await reader(backup);
    expect(await copy.hashByRev()).toEqual(hash);
  });

  test('R35: whatever writes is BACKEND_READ_ONLY, and no body runs', async () => {
    const path = await history();
    const before = photograph(dirname(path));
    const kv = await reader(path);
    const ran: string[] = [];
    const writes: readonly (() => unknown)[] = [
      () => kv.put('key', 'x'),
      () => kv.put('key', 'x', { previous: true }),
      () => kv.delete('key'),
      () => kv.delete('absent'),
      () => kv.txn({ then: [put('key', 'x')] }),
      () => kv.txn({ if: [missing('key')], then: [put('key', 'x')], else: [get('key')] }),
      () => kv.transaction((tx) => tx.put('key', 'x')),
      () => kv.write(() => ran.push('body')),
      () => kv.compact(20),
      () => kv.defrag(),
      () => kv.namespace('other').put('/', 'x'),
    ];
    for (const write of writes) expect(await codeOf(write), String(write)).toBe('BACKEND_READ_ONLY');
    expect(ran).toEqual([]);
    expect([kv.revision, (await kv.status()).compactRevision]).toEqual([22, 5]);
    expect(await codeOf(() => kv.put('', 'x'))).toBe('KV_INVALID');
    await kv.close();
    expect(await codeOf(() => kv.put('key', 'x'))).toBe('KV_CLOSED');
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('a file of no buckets is a store of nothing, at revision 1', async () => {
    const path = temporaryFolder('store.db');
    await (await file(path)).close();
    const before = photograph(dirname(path));
    await using kv = await reader(path);
    expect([kv.revision, await kv.count({}), await kv.get('a')]).toEqual([1, 0, undefined]);
    expect((await kv.hashByRev()).revision).toBe(1);
    expect(await codeOf(() => kv.put('a', 'b'))).toBe('BACKEND_READ_ONLY');
    await kv.close();
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('R36: a file that is missing is BACKEND_NOT_FOUND, and stays so', async () => {
    const path = temporaryFolder('store.db');
    expect(await codeOf(() => reader(path))).toBe('BACKEND_NOT_FOUND');
    expect(fs.readdirSync(dirname(path))).toEqual([]);
  });

  test('beside a writer it is BACKEND_LOCKED, and a writer beside it', async () => {
    const path = await history();
    const writer = await open(file(path));
    expect(await codeOf(() => reader(path))).toBe('BACKEND_LOCKED');
    await writer.close();
    await using kv = await reader(path);
    expect(await codeOf(() => open(file(path)))).toBe('BACKEND_LOCKED');
    expect(kv.revision).toBe(22);
  });

  test('the engine is who takes the option, and LevelDB does not', async () => {
    const folder = temporaryFolder();
    const options = { readOnly: true } as object;
    const asked: readonly (readonly [Location, RegExp])[] = [
      [folder, /file\(path, \{ readOnly: true \}\)/],
      [memory(), /file\(path, \{ readOnly: true \}\)/],
    ];
    for (const [location, message] of asked) {
      const refused = await failure(() => open(location, options));
      expect(refused).toMatchObject({ code: 'KV_INVALID', message: expect.stringMatching(message) as unknown });
    }
    const wrong: Promise<Engine> = level(folder, options);
    await expect(open(wrong)).rejects.toBeInstanceOf(TypeError);
    expect(fs.existsSync(folder)).toBe(false);
  });
});
