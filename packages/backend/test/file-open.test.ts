/** What is at the path, who else has it, and what the world refuses (R3, R18, R24, R35 to R42, R59, B43, B48). */
import * as fs from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { openBolt } from '@varve/bolt';
import { describe, expect, test } from 'vitest';
import { fileEngine, type FileOptions } from '../src/engines/file/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
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
import { quickest } from './quickest.ts';

describe('arguments', () => {
  test.each([[''], ['a\0b']])('R3: the path %j is a RangeError', async (path) => {
    await expect(fileEngine(path)).rejects.toBeInstanceOf(RangeError);
  });

  const wrong: readonly (readonly [options: unknown, kind: typeof RangeError | typeof TypeError])[] = [
    [{ cacheBytes: -1 }, RangeError],
    [{ cacheBytes: 1.5 }, RangeError],
    [{ lockTimeoutMs: -1 }, RangeError],
    [{ lockTimeoutMs: Number.NaN }, RangeError],
    [{ lockTimeoutMs: '5' }, TypeError],
    [{ create: 'no' }, TypeError],
    [{ readOnly: 1 }, TypeError],
  ];
  test.each(wrong)('R3: %j is refused by the name of the field, and nothing is made', async (options, kind) => {
    const path = temporaryPath();
    const refused = await fileEngine(path, options as FileOptions).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(kind);
    expect((refused as Error).message).toContain(Object.keys(options as object)[0]);
    expect(fs.existsSync(path)).toBe(false);
  });
});

test.each([fileEngine, levelEngine])('R3: null for options is a TypeError that names them (%o)', async (engine) => {
  const path = temporaryPath();
  await expect(engine(path, null as unknown as object)).rejects.toThrow(new TypeError('options must be an object'));
  expect(fs.existsSync(path)).toBe(false);
});

describe('what is at the path', () => {
  test('R36: nothing, with create false, is BACKEND_NOT_FOUND, and nothing is made', async () => {
    const path = temporaryPath();
    const refused = fileEngine(path, { create: false });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path });
    expect(fs.readdirSync(dirname(path))).toEqual([]);
  });

  test('R24, R126: folders above it that do not exist are made, for the owner alone; not with create false', async () => {
    const top = join(dirname(temporaryPath()), 'not');
    const path = join(top, 'there', 'store.db');
    const refused = fileEngine(path, { create: false });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path });
    expect(fs.existsSync(top)).toBe(false);
    await made(path);
    for (const folder of [top, dirname(path)]) expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(text(await open(path), 'a')).toBe('1');
  });

  test('R36: below a dangling link is BACKEND_NOT_FOUND, and nothing is made', async () => {
    const link = temporaryPath();
    fs.symlinkSync(`${link}-gone`, link);
    const path = join(link, 'below', 'store.db');
    await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path });
    expect(fs.readdirSync(dirname(link))).toEqual([basename(link)]);
  });

  test('R43: an existing file that is empty becomes a store, and the engine says so, once', async () => {
    const path = await made();
    fs.truncateSync(path, 0);
    const engine = await open(path);
    expect(engine.warnings).toEqual([expect.stringMatching(/file was empty.*new one/)]);
    await engine.close();
    expect((await open(path)).warnings).toEqual([]);
  });

  test('R24, R126: nothing, or an empty file, becomes a store for the owner alone', async () => {
    const path = await made();
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(dirname(path))).toEqual([basename(path)]);
    const empty = temporaryPath();
    fs.writeFileSync(empty, '');
    await made(empty);
    expect(text(await open(empty), 'a')).toBe('1');
  });

  const foreign: readonly (readonly [what: string, make: (path: string) => Promise<void> | void])[] = [
    ['text', (path) => fs.writeFileSync(path, 'Dear diary,\n'.repeat(2000))],
    ['a short text', (path) => fs.writeFileSync(path, 'x')],
    ['zeros', (path) => fs.writeFileSync(path, Buffer.alloc(65_536))],
    ['an SQLite file', (path) => fs.writeFileSync(path, sqliteFile())],
    ['a folder', (path) => fs.mkdirSync(path)],
    ['a link to itself', (path) => fs.symlinkSync(path, path)],
    ["somebody else's BoltDB file", (path) => fs.copyFileSync(vector('bolt-mixed'), path)],
    ["somebody else's BoltDB file without a free list", (path) => fs.copyFileSync(vector('bolt-nofreelist'), path)],
    ["somebody else's file of larger pages", (path) => fs.copyFileSync(vector('bolt-mixed-ps16384'), path)],
  ];
  test.each(foreign)('R36, R37: %s is BACKEND_FOREIGN, and not one byte of it changes', async (_, make) => {
    const path = temporaryPath();
    await make(path);
    const before = photograph(dirname(path));
    for (const create of [true, false]) {
      await expect(fileEngine(path, { create })).rejects.toMatchObject({
        code: 'BACKEND_FOREIGN',
        path,
        message: expect.stringContaining('left as it') as unknown,
      });
    }
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('R36: below a plain file is BACKEND_FOREIGN', async () => {
    const path = temporaryPath();
    fs.writeFileSync(path, 'text');
    await expect(fileEngine(join(path, 'store.db'))).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
  });

  test('R38: another format version is BACKEND_VERSION, unchanged', async () => {
    const path = vector('damaged/meta-both-version');
    const before = photograph(dirname(path));
    await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_VERSION', path });
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('decisions/0015: a file of etcd is a store; opening it and closing it changes not one byte, a commit keeps the rest', async () => {
    const path = vector('etcd-history.raw');
    const before = photograph(dirname(path));
    const engine = await fileEngine(path);
    expect(engine.buckets()).toContain('members_removed');
    const rows = await everything(engine);
    await engine.close();
    expect(photograph(dirname(path))).toEqual(before);
    const again = await open(path);
    await again.commit([put('~', 'new')]);
    expect(await everything(again)).toEqual([...rows, 'key/7e=6e6577'].toSorted());
    await again.close();
    await using bolt = await openBolt(path, { readOnly: true });
    expect((await bolt.check()).problems).toEqual([]);
  });

  test('a store whose buckets are all gone, and one that never had any, open again', async () => {
    const path = await made();
    const engine = await open(path);
    await engine.commit([{ type: 'deleteBucket', bucket: { id: 9, name: 'key', appendOnly: true } }]);
    await engine.close();
    expect((await open(path)).buckets()).toEqual([]);
    expect((await open(vector('bolt-empty'))).buckets()).toEqual([]);
  });

  test('B43, R61: what an interrupted rewrite left behind is removed, and none of its rows comes back', async () => {
    const path = await made();
    const stale = `${path}.varve-0b7c5a86-3c56-4b8b-9d38-4e8f6f6a1c11.tmp`;
    fs.copyFileSync(path, stale);
    const others = [`${path}.varve-notes.txt`, `${dirname(path)}/other.db.varve-1.tmp`];
    for (const other of others) fs.writeFileSync(other, 'not ours');
    let engine = await open(path);
    expect(fs.existsSync(stale)).toBe(false);
    await engine.commit([put('b', '2'), { type: 'delete', bucket: create().bucket, key: Buffer.from('a') }]);
    await engine.compact();
    await engine.close();
    engine = await open(path);
    expect(await everything(engine)).toEqual(['key/62=32']);
    expect(others.every((other) => fs.existsSync(other))).toBe(true);
  });

  test('a rewrite of the file leaves the link that led to it, and another working directory leads to the same file', async () => {
    const path = await made();
    const link = `${path}-link`;
    fs.symlinkSync(basename(path), link);
    const engine = await open(relative(process.cwd(), link));
    await engine.commit([put('b', '2')]);
    await engine.compact();
    await engine.commit([put('c', '3')]);
    await engine.close();
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(text(await open(path), 'c')).toBe('3');
  });
});

describe('who else has it', () => {
  test('R18, R39: a second open in this process is BACKEND_LOCKED, by any path; the first goes on', async () => {
    const path = await made();
    const engine = await open(path);
    const link = `${path}-link`;
    const hard = `${path}-hard`;
    fs.symlinkSync(path, link);
    fs.linkSync(path, hard);
    for (const other of [
      path,
      `${path}/`,
      link,
      hard,
      relative(process.cwd(), path),
      join(path, '..', basename(path)),
    ]) {
      const refused = () => expect(fileEngine(other)).rejects.toMatchObject({ code: 'BACKEND_LOCKED', path: other });
      expect(await quickest(refused, 1000)).toBeLessThan(1000);
    }
    await engine.commit([put('b', '2')]);
    await engine.close();
    expect(text(await open(link), 'b')).toBe('2');
  });

  test('B48: with a timeout the second opener waits that long, and gets the file when it is let go meanwhile', async () => {
    const path = await made();
    const engine = await open(path);
    const started = performance.now();
    await expect(fileEngine(path, { lockTimeoutMs: 100 })).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    expect(performance.now() - started).toBeGreaterThanOrEqual(95);
    const waiting = open(path, { lockTimeoutMs: 20_000 });
    await engine.commit([put('b', '2')]);
    await engine.close();
    expect(text(await waiting, 'b')).toBe('2');
  });

  test('R59: a program that holds it with flock(2), as bbolt does, keeps us out until it ends', async () => {
    const path = await made();
    const holder = await heldByFlock(path);
    await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    const waiting = open(path, { lockTimeoutMs: 20_000 });
    holder.stdin?.end();
    expect(text(await waiting, 'a')).toBe('1');
  });

  test('R39 to R41: another process has it, stopped or not, until it is killed; its file is not touched', async () => {
    const path = await made();
    const holder = child('hold', path);
    expect(await firstLine(holder)).toBe('held');
    const before = photograph(dirname(path));
    const refuse = async (): Promise<void> => {
      const refused = () => expect(open(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
      expect(await quickest(refused, 1000)).toBeLessThan(1000);
    };
    await refuse();
    holder.kill('SIGSTOP');
    await refuse();
    expect(photograph(dirname(path))).toEqual(before);
    const copy = `${path}-copy`;
    fs.copyFileSync(path, copy);
    expect(text(await open(copy), 'a')).toBe('1');
    await killed(holder);
    expect(text(await open(path), 'a')).toBe('1');
  });

  test('R42: of eight processes that make and open the same file at once, exactly one has it', async () => {
    const path = temporaryPath();
    const lines = await Promise.all(Array.from({ length: 8 }, () => firstLine(child('hold', path))));
    expect(lines.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'BACKEND_LOCKED'), 'held']);
    expect(fs.readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
  });

  test('R9: closing gives the lock back, also when opening failed or when it is done twice at once', async () => {
    const path = await made();
    const engine = await open(path);
    await Promise.all([engine.close(), engine.close()]);
    await (await open(path)).close();
    const foreign = vector('bolt-mixed');
    await expect(fileEngine(foreign)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
    await using bolt = await openBolt(foreign);
    expect(bolt.txid).toBeGreaterThan(0);
  });
});

describe('what the world refuses', () => {
  test('R35: a file, or a folder, that may not be written is BACKEND_READ_ONLY, the system error its cause; unchanged', async () => {
    const path = await made();
    const folder = dirname(path);
    fs.chmodSync(folder, 0o555);
    fs.chmodSync(path, 0o444);
    const before = photograph(folder);
    await unprivileged(async () => {
      for (const refused of [path, join(folder, 'new.db'), join(folder, 'below', 'new.db')]) {
        await expect(fileEngine(refused)).rejects.toMatchObject({
          code: 'BACKEND_READ_ONLY',
          path: refused,
          cause: { code: 'EACCES' },
        });
      }
    });
    fs.chmodSync(folder, 0o700);
    expect(photograph(folder)).toEqual(before);
  });
});

/** The first page of an empty database, as the format's description lays it out. */
function sqliteFile(): Buffer {
  const page = Buffer.alloc(4096);
  page.write('SQLite format 3\0', 'latin1');
  page.writeUInt16BE(4096, 16);
  page.set([1, 1, 0, 64, 32, 32], 18);
  page.writeUInt32BE(1, 28);
  return page;
}
