/** Paths of the file engine and of imports: links, other files in the name, special files, rights (XA4 to XA6, XB5, XB6, XC, XE1). */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fileEngine, type FileOptions } from '../src/engines/file/index.ts';
import { openBackend } from '../src/index.ts';
import { type ImportOptions, type ImportProgress, importSnapshot } from '../src/open/import-snapshot.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { made, open, photograph, put, temporaryPath, text, unprivileged, vector } from './file-support.ts';

const home = process.cwd();
afterEach(() => process.chdir(home));

describe('XA4: the name has gone to another file', () => {
  test('a compaction refuses, and what was acknowledged in the newer file is still there', async () => {
    const path = await made();
    const backup = await made();
    const backend = await openBackend(await fileEngine(path));
    fs.renameSync(backup, path);
    const newer = await fileEngine(path);
    await newer.commit([put('b', 'acknowledged')]);
    await expect(backend.defrag()).rejects.toMatchObject({ code: 'BACKEND_FAILED', path });
    await backend.close();
    await newer.close();
    expect(text(await open(path), 'b')).toBe('acknowledged');
  });
});

describe('XA5: another working directory while it opens', () => {
  test('a store, and an import', async () => {
    const path = await made();
    const snapshot = vector('etcd-history.snapshot');
    const target = await openBackend(memoryEngine());
    process.chdir(dirname(path));
    const opening = open(basename(path));
    process.chdir(dirname(snapshot));
    const importing = importSnapshot(basename(snapshot), target);
    process.chdir(home);
    expect(text(await opening, 'a')).toBe('1');
    expect((await importing).rows).toBeGreaterThan(10);
    await target.close();
  });
});

describe('XA6: links', () => {
  test('a link to nothing: its target becomes the store, and is what is locked and replaced', async () => {
    const target = temporaryPath();
    const link = temporaryPath();
    fs.symlinkSync(target, link);
    for (const options of [{ create: false }, { readOnly: true }]) {
      await expect(fileEngine(link, options)).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path: link });
    }
    await made(link);
    const engine = await open(link);
    await expect(fileEngine(target)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await engine.compact();
    await engine.commit([put('b', '2')]);
    await engine.close();
    expect([fs.lstatSync(link).isSymbolicLink(), fs.lstatSync(target).isFile()]).toEqual([true, true]);
    expect(text(await open(target), 'b')).toBe('2');
  });

  test('a link into a folder that is missing is BACKEND_NOT_FOUND; the folder is not made', async () => {
    const link = temporaryPath();
    const folder = join(dirname(link), 'not');
    fs.symlinkSync(join(folder, 'there.db'), link);
    await expect(fileEngine(link)).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path: link });
    expect(fs.existsSync(folder)).toBe(false);
  });

  test('hard links: a compaction is BACKEND_NOT_REPLACEABLE, and the store goes on', async () => {
    const path = await made();
    fs.linkSync(path, `${path}-hard`);
    const backend = await openBackend(await fileEngine(path));
    await expect(backend.defrag()).rejects.toMatchObject({ code: 'BACKEND_NOT_REPLACEABLE', path });
    backend.batchTx((tx) => tx.put({ id: 1, name: 'key', appendOnly: true }, Buffer.from('b'), Buffer.from('2')));
    await backend.forceCommit();
    await backend.close();
    expect(text(await open(`${path}-hard`), 'b')).toBe('2');
  });
});

describe('XB5, XE1: what is no regular file', () => {
  const kinds: readonly (readonly [what: string, make: (path: string) => void])[] = [
    ['a FIFO', (path) => void spawnSync('mkfifo', [path])],
    ['a link to a FIFO', (path) => (spawnSync('mkfifo', [`${path}-x`]), fs.symlinkSync(`${path}-x`, path))],
    ['a link to /dev/zero', (path) => fs.symlinkSync('/dev/zero', path)],
    ['a folder', (path) => fs.mkdirSync(path)],
  ];
  test.each(kinds)('%s is BACKEND_FOREIGN, and opening it waits for nobody', async (_, make) => {
    const path = temporaryPath();
    make(path);
    const before = photograph(dirname(path));
    const target = await openBackend(memoryEngine());
    // More than the pool has threads.
    for (let attempt = 0; attempt < 5; attempt++) {
      for (const options of [{}, { readOnly: true }, { create: false }]) {
        await expect(fileEngine(path, options)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN', path });
      }
      await expect(importSnapshot(path, target)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN', path });
    }
    await target.close();
    expect(photograph(dirname(path))).toEqual(before);
  });
});

test('XA4: an import whose file loses its name meanwhile trusts no hash of another file', async () => {
  const path = vector('etcd-history.snapshot');
  const other = vector('etcd-auth.snapshot');
  const target = await openBackend(memoryEngine());
  const { realpath } = fs.promises;
  let looks = 0;
  // The first look is the import's, which remembers the file; the second belongs to its opening.
  const between = vi.spyOn(fs.promises, 'realpath').mockImplementation(async (...args) => {
    looks += 1;
    if (looks === 2) fs.renameSync(other, path);
    return realpath(...args);
  });
  const outcome = await importSnapshot(path, target).catch((error: unknown) => error);
  between.mockRestore();
  expect(outcome).toMatchObject({ code: 'BACKEND_FAILED', message: expect.stringContaining('replaced') as unknown });
  expect(target.buckets()).toEqual([]);
  await target.close();
});

describe('XC5: rights', () => {
  test('a file that may not be read is BACKEND_UNREADABLE, for a store, a reader and an import', async () => {
    const path = await made();
    fs.chmodSync(dirname(path), 0o755);
    fs.chmodSync(path, 0);
    const target = await openBackend(memoryEngine());
    await unprivileged(async () => {
      const attempts = [
        () => fileEngine(path),
        () => fileEngine(path, { readOnly: true }),
        () => importSnapshot(path, target),
      ];
      for (const attempt of attempts) {
        await expect(attempt()).rejects.toMatchObject({ code: 'BACKEND_UNREADABLE', path, cause: { code: 'EACCES' } });
      }
    });
    await target.close();
  });

  test('R126: a compaction keeps owner, group and mode', async () => {
    const path = await made();
    fs.chmodSync(path, 0o640);
    if (process.geteuid?.() === 0) fs.chownSync(path, 1234, 2345);
    const before = fs.statSync(path);
    const engine = await open(path);
    await engine.compact();
    const after = fs.statSync(path);
    expect(after.ino).not.toBe(before.ino);
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);
  });

  test('names of 255 bytes', async () => {
    const path = join(dirname(temporaryPath()), 'n'.repeat(255));
    const engine = await open(path);
    await engine.compact();
    await engine.close();
    expect(fs.readdirSync(dirname(path))).toEqual([basename(path)]);
  });
});

describe('XB6: options', () => {
  const wrongOpenings: Readonly<Record<keyof FileOptions, readonly unknown[]>> = {
    create: [null, 0, 'no'],
    readOnly: [null, 0, 'no'],
    cacheBytes: [null, -1, 1.5, Number.NaN, '1', 1n],
    lockTimeoutMs: [null, -1, Number.NaN, '1', 1n],
    world: [null, {}, 'world'],
  };
  const wrongImports: Readonly<Record<keyof ImportOptions, readonly unknown[]>> = {
    skipHashCheck: [null, 0, 'no'],
    signal: [null, {}, 'x', new AbortController()],
    onProgress: [null, {}, 'x'],
    world: [null, {}, 'world'],
  };

  test('a wrong value, an unknown name and what is no object are refused by name, and nothing is made', async () => {
    const path = temporaryPath();
    const target = await openBackend(memoryEngine());
    const calls: readonly (readonly [
      call: (options: object) => Promise<unknown>,
      wrong: Readonly<Record<string, readonly unknown[]>>,
    ])[] = [
      [(options) => fileEngine(path, options), wrongOpenings],
      [(options) => importSnapshot(path, target, options), wrongImports],
      [(options) => target.snapshot(options), { signal: wrongImports.signal }],
    ];
    for (const [call, wrong] of calls) {
      for (const [name, values] of Object.entries({ ...wrong, nobodyKnows: [1] })) {
        for (const value of values) {
          const refused: unknown = await call({ [name]: value }).catch((error: unknown) => error);
          expect(refused instanceof TypeError || refused instanceof RangeError, `${name} ${String(refused)}`).toBe(
            true,
          );
          expect((refused as Error).message).toContain(name);
        }
      }
      for (const none of [null, 7, [], new AbortController().signal]) {
        await expect(call(none as object)).rejects.toThrow(/options/);
      }
    }
    expect(fs.readdirSync(dirname(path))).toEqual([]);
    await target.close();
  });

  test('progress of an import still comes', async () => {
    const steps: ImportProgress[] = [];
    const target = await openBackend(memoryEngine());
    await importSnapshot(vector('etcd-history.snapshot'), target, { onProgress: (step) => void steps.push(step) });
    expect(steps.map(({ phase }) => phase)).toContain('verifying');
    await target.close();
  });
});
