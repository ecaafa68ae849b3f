/** What is at the path, who else has it, and what the world refuses (R18, R24, R30, R32 to R42, R69, R70, R73). */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { loadDriver } from '../src/engines/level/driver.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import { levelEngine, type LevelOptions } from '../src/engines/level/index.ts';
import {
  child,
  create,
  failing,
  killed,
  linesOf,
  open,
  photograph,
  rawHolder,
  put,
  temporaryPath,
  text,
} from './level-support.ts';
import { quickest } from './quickest.ts';

async function made(path = temporaryPath()): Promise<string> {
  const engine = await open(path);
  await engine.commit([create(), put('a', '1')]);
  await engine.close();
  return path;
}

const missing = temporaryPath;

describe('arguments', () => {
  test.each([[''], ['a\0b']])('R3: the path %j is a RangeError', async (path) => {
    await expect(levelEngine(path)).rejects.toBeInstanceOf(RangeError);
  });
  test.each([
    [{ cacheBytes: 0 }],
    [{ cacheBytes: 1.5 }],
    [{ writeBufferBytes: 2 ** 32 }],
    [{ writeBufferBytes: Number.NaN }],
  ])('R3: %j is a RangeError that names the field, and nothing is made', async (options) => {
    const path = missing();
    await expect(levelEngine(path, options)).rejects.toThrow(Object.keys(options)[0]);
    await expect(levelEngine(path, options)).rejects.toBeInstanceOf(RangeError);
    expect(fs.existsSync(path)).toBe(false);
  });

  test('R35: readOnly is a TypeError that says what to do instead, and nothing is made', async () => {
    const path = missing();
    const refused = levelEngine(path, { readOnly: true } as unknown as LevelOptions);
    await expect(refused).rejects.toThrow(/readOnly.*snapshot/);
    await expect(refused).rejects.toBeInstanceOf(TypeError);
    expect(fs.existsSync(path)).toBe(false);
    await (await levelEngine(path, { readOnly: false })).close();
  });
});

describe('what is at the path', () => {
  test('R36: nothing, with create false, is BACKEND_NOT_FOUND, and nothing is made', async () => {
    const path = missing();
    const refused = levelEngine(path, { create: false });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', path });
    expect(fs.readdirSync(dirname(path))).toEqual([]);
  });

  test('R126: an empty folder becomes a store, and so does a path whose parents are missing; for the owner alone', async () => {
    const empty = missing();
    fs.mkdirSync(empty, { mode: 0o755 });
    await made(empty);
    const deep = await made(join(missing(), 'below', 'it'));
    for (const path of [empty, deep]) {
      expect(fs.statSync(path).mode & 0o777).toBe(0o700);
      expect(text(await open(path), 'a')).toBe('1');
    }
  });

  const foreign: ReadonlyArray<readonly [what: string, make: (path: string) => Promise<void> | void]> = [
    ['a plain file', (path) => fs.writeFileSync(path, 'text')],
    ['an empty plain file', (path) => fs.writeFileSync(path, '')],
    ['a dangling link', (path) => fs.symlinkSync(`${path}-gone`, path)],
    ['a link to itself', (path) => fs.symlinkSync(path, path)],
    ['a link to a plain file', (path) => (fs.writeFileSync(`${path}-x`, 'x'), fs.symlinkSync(`${path}-x`, path))],
    ['a folder of text', (path) => (fs.mkdirSync(path), fs.writeFileSync(join(path, 'notes.txt'), 'x'))],
    ['a folder of zeros', (path) => (fs.mkdirSync(path), fs.writeFileSync(join(path, 'zeros'), Buffer.alloc(99)))],
    [
      'another LevelDB',
      async (path) => {
        const level = new ClassicLevel(path);
        await level.put('a', 'b');
        await level.close();
      },
    ],
  ];
  test.each(foreign)('R36, R37: %s is BACKEND_FOREIGN, and not one byte of it changes', async (_, make) => {
    const path = missing();
    await make(path);
    const before = photograph(dirname(path));
    for (const create of [true, false]) {
      await expect(levelEngine(path, { create })).rejects.toMatchObject({ code: 'BACKEND_FOREIGN', path });
    }
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('R36: below a plain file is BACKEND_FOREIGN', async () => {
    const path = missing();
    fs.writeFileSync(path, 'text');
    await expect(levelEngine(join(path, 'store'))).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
  });

  test('R38: a newer format is BACKEND_VERSION with both versions in it, unchanged', async () => {
    const path = await made();
    const newer = 'varve level store\nformat 7\n';
    const { crc32c } = await import('@varve/base/crc32c');
    const crc = crc32c(Buffer.from(newer)).toString(16).padStart(8, '0');
    fs.writeFileSync(join(path, 'VARVE'), `${newer}crc ${crc}\n`);
    const before = photograph(path);
    await expect(open(path)).rejects.toMatchObject({
      code: 'BACKEND_VERSION',
      message: expect.stringMatching(/format 7.*up to 1/) as unknown,
    });
    expect(photograph(path)).toEqual(before);
  });

  const lost = ['CURRENT', 'VARVE', /^MANIFEST-/, /\.ldb$/, /\.log$/];
  test.each(lost)('R69: without %s, or with it empty, the store is BACKEND_CORRUPT, never empty', async (which) => {
    for (const damage of [(file: string) => fs.rmSync(file), (file: string) => fs.truncateSync(file, 0)]) {
      const path = await made();
      await (await open(path)).close(); // the row moves from the log to a table
      const engine = await open(path);
      await engine.commit([put('b', '2')]);
      await engine.close();
      const name = fs.readdirSync(path).find((name) => (typeof which === 'string' ? name === which : which.test(name)));
      damage(join(path, name as string));
      const before = photograph(path);
      await expect(open(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
      expect(photograph(path)).toEqual(before);
    }
  });
});

describe('who else has it', () => {
  test('R18, R39: a second open in this process is BACKEND_LOCKED, by any path; the first goes on', async () => {
    const path = missing();
    const engine = await open(path);
    const link = `${path}-link`;
    fs.symlinkSync(path, link);
    for (const other of [path, `${path}/`, link, relative(process.cwd(), path), join(path, '..', basename(path))]) {
      await expect(levelEngine(other)).rejects.toMatchObject({
        code: 'BACKEND_LOCKED',
        message: expect.stringMatching(/open already/) as unknown,
      });
    }
    await engine.commit([create(), put('a', '1')]);
    await engine.close();
    expect(text(await open(link), 'a')).toBe('1');
  });

  test('R39 to R41: another process has it, stopped or not, until it is killed; its folder is not touched', async () => {
    const path = missing();
    const holder = child('hold', path);
    await linesOf(holder).next();
    const before = photograph(path);
    const refuse = async (): Promise<void> => {
      const refused = () => expect(open(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
      expect(await quickest(refused, 1000)).toBeLessThan(1000);
    };
    await refuse();
    holder.kill('SIGSTOP');
    await refuse();
    expect(photograph(path)).toEqual(before);
    const copy = `${path}-copy`;
    fs.cpSync(path, copy, { recursive: true });
    await open(copy);
    await killed(holder);
    await open(path);
  });

  test('R42: of eight processes that make and open the same store at once, exactly one has it', async () => {
    const path = missing();
    const lines = await Promise.all(
      Array.from({ length: 8 }, async () => (await linesOf(child('hold', path)).next()).value as string),
    );
    expect(lines.filter((line) => line === 'held')).toHaveLength(1);
    expect(lines.filter((line) => line === 'BACKEND_LOCKED')).toHaveLength(7);
    expect(fs.readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
  });

  test('R24: stores that are made at once in a folder that is not there yet are all made', async () => {
    const folder = join(missing(), 'a', 'b');
    const engines = await Promise.all(['one', 'two', 'three'].map((name) => open(join(folder, name))));
    for (const engine of engines) await engine.commit([create(), put('a', '1')]);
    expect(
      fs
        .readdirSync(folder)
        .filter((name) => !name.endsWith('.lock'))
        .toSorted(),
    ).toEqual(['one', 'three', 'two']);
  });

  test('R74: closing gives the lock back, also when opening failed', async () => {
    const path = await made();
    const engine = await open(path);
    await Promise.all([engine.close(), engine.close()]);
    await expect(open(path, { files: { checkWritable: failing('EROFS') } })).rejects.toThrow();
    await open(path);
  });
});

describe('what the world refuses', () => {
  test.each(['EROFS', 'EACCES'])('R35: a folder that cannot be written (%s) is BACKEND_READ_ONLY', async (code) => {
    const path = await made();
    const before = photograph(path);
    const refused = open(path, { files: { checkWritable: failing(code) } });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY', cause: { code } });
    expect(photograph(path)).toEqual(before);
    const parent = open(missing(), { files: { makeFolder: failing(code) } });
    await expect(parent).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY', cause: { code } });
  });

  test('R30, R72: LevelDB on a full disk at open is BACKEND_FAILED with ENOSPC, and what was taken is given back', async () => {
    const path = await made();
    class Full extends ClassicLevel<Uint8Array, Uint8Array> {
      override async open(): Promise<void> {
        const status = Object.assign(new Error('IO error: x/000009.ldb: No space left on device'), {
          code: 'LEVEL_IO_ERROR',
        });
        if (this.location === path) throw Object.assign(new Error('Database failed to open'), { cause: status });
        return super.open({ createIfMissing: false });
      }
    }
    const refused = open(path, { Level: Full as unknown as typeof ClassicLevel });
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause: { code: 'ENOSPC' } });
    expect(text(await open(path), 'a')).toBe('1');
  });

  test('R24, R34, R70: creation that fails or dies at any step leaves a path that the next open makes a store of', async () => {
    const steps = ['makeFolder', 'write', 'syncFolder', 'rename'] as const satisfies ReadonlyArray<keyof Files>;
    for (const step of steps) {
      for (let nth = 1; ; nth++) {
        const path = missing();
        const leave = async (folder: string): Promise<void> =>
          dirname(folder) === dirname(path) ? failing('EIO')() : nodeFiles.remove(folder);
        let calls = 0;
        const real = nodeFiles[step] as (...args: unknown[]) => Promise<void>;
        const fail = async (...args: unknown[]): Promise<void> =>
          (calls += 1) === nth ? failing('EIO')() : real.apply(nodeFiles, args);
        const first = await open(path, { files: { [step]: fail, remove: leave } }).catch((error: unknown) => error);
        if (calls < nth) break;
        expect(first).toMatchObject({ code: 'BACKEND_FAILED', cause: { code: 'EIO' } });
        const engine = await open(path);
        await engine.commit([create(), put('a', '1')]);
        expect(engine.warnings).toEqual([]);
        expect(fs.readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
      }
    }
  });

  test('R32, R33: any file operation of a normal open may fail once: typed, and the next open is whole', async () => {
    const steps = [
      'kind',
      'real',
      'identity',
      'names',
      'length',
      'open',
      'details',
      'readStart',
      'hardLink',
      'rename',
      'makeFolder',
      'remove',
      'setMode',
      'openSmall',
      'makeTemporaryFolder',
    ] as const;
    const path = await made();
    for (const step of steps) {
      for (let nth = 1; nth < 50; nth++) {
        let calls = 0;
        const real = nodeFiles[step] as (...args: unknown[]) => Promise<unknown>;
        const fail = async (...args: unknown[]): Promise<unknown> =>
          (calls += 1) === nth ? failing('EMFILE')() : real.apply(nodeFiles, args);
        let refused: unknown;
        try {
          await (await open(path, { files: { [step]: fail } })).close();
        } catch (error) {
          refused = error;
        }
        if (calls < nth) break;
        // Looking for leftovers and asking twice before calling it damage may go well in spite of a failure.
        if (refused !== undefined)
          expect(refused).toMatchObject({
            code: expect.stringMatching(/^BACKEND_/) as unknown,
            cause: { code: 'EMFILE' },
          });
      }
      const engine = await open(path);
      expect(text(engine, 'a')).toBe('1');
      await engine.close();
    }
  });

  const noLinks = { link: failing('EPERM') };
  const noTemporary = {
    makeTemporaryFolder: (prefix: string) =>
      prefix.includes('/') ? nodeFiles.makeTemporaryFolder(prefix) : failing('ENOENT')(),
  };
  test.each([
    ['temporary folder', noTemporary],
    ['right to make symbolic links', noLinks],
  ])('R41: without a %s the lock is tried from beside the store; nothing is left there', async (_, files) => {
    const path = await made();
    const holder = child('hold', path);
    await linesOf(holder).next();
    const before = photograph(dirname(path));
    await expect(open(path, { files })).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    expect(photograph(dirname(path))).toEqual(before);
    await killed(holder);
    expect(text(await open(path, { files }), 'a')).toBe('1');
    expect(fs.readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
  });

  test('R41: without any place to try the lock from, a whole store opens, and one to be repaired is refused as it is', async () => {
    const path = await made();
    const files = { makeTemporaryFolder: failing('ENOENT') };
    const engine = await open(path, { files });
    expect(text(engine, 'a')).toBe('1');
    await engine.close();
    const holder = child('hold', path);
    await linesOf(holder).next();
    await expect(open(path, { files })).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await killed(holder);
    fs.appendFileSync(join(path, fs.readFileSync(join(path, 'CURRENT'), 'latin1').trim()), Buffer.from([1, 2, 3]));
    const before = photograph(path);
    await expect(open(path, { files })).rejects.toMatchObject({
      code: 'BACKEND_FAILED',
      cause: { code: 'ENOENT' },
      message: expect.stringMatching(/MANIFEST.*temporary folder.*TMPDIR/) as unknown,
    });
    expect(photograph(path)).toEqual(before);
    expect((await open(path)).warnings).toEqual([expect.stringMatching(/MANIFEST.*cut off/)]);
  });

  test('R41, R69: a MANIFEST that looks torn because another process writes it is not cut', async () => {
    for (const ends of [false, true]) {
      const path = await made();
      const manifest = join(path, fs.readFileSync(join(path, 'CURRENT'), 'latin1').trim());
      const whole = fs.readFileSync(manifest);
      fs.writeFileSync(manifest, Buffer.concat([whole, Buffer.alloc(3)])); // as found in the middle of the other's write
      const longer = Buffer.concat([whole, Buffer.alloc(20)]);
      let asked = 0;
      const makeTemporaryFolder = async (prefix: string): Promise<string> => {
        if (++asked === 2) {
          fs.writeFileSync(manifest, ends ? longer : whole);
          if (!ends) await rawHolder(path);
        }
        return nodeFiles.makeTemporaryFolder(prefix);
      };
      await expect(open(path, { files: { makeTemporaryFolder } })).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
      if (ends) expect(fs.readFileSync(manifest).equals(longer)).toBe(true);
    }
  });

  test('what a process leaves that dies while it tries the lock is in nobody’s way, and never read', async () => {
    const path = await made();
    const beside = join(dirname(path), '.varve-lock-');
    // Dead before it had a name for the lock, with one, and after LevelDB had begun its own log there.
    const leftovers = ['aaaaaa', 'bbbbbb', 'cccccc'].map((name) => beside + name);
    for (const folder of leftovers) fs.mkdirSync(folder);
    fs.symlinkSync(join(path, 'LOCK'), join(leftovers[1]!, 'LOCK'));
    fs.linkSync(join(path, 'LOCK'), join(leftovers[2]!, 'LOCK'));
    fs.writeFileSync(join(leftovers[2]!, 'LOG'), 'torn');
    for (let round = 0; round < 2; round++) {
      const engine = await open(path, { files: noTemporary });
      await expect(levelEngine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
      expect(text(engine, 'a')).toBe('1');
      expect(engine.warnings).toEqual([]);
      await engine.close();
    }
    for (const folder of leftovers.slice(1))
      await expect(levelEngine(folder)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
    fs.rmSync(path, { recursive: true });
    expect(text(await open(await made(path)), 'a')).toBe('1');
  });

  test.each([
    ['LEVEL_LOCKED', 'lock x: already held', 'BACKEND_LOCKED', 'LEVEL_LOCKED'],
    ['LEVEL_CORRUPTION', 'Corruption: checksum mismatch', 'BACKEND_CORRUPT', 'LEVEL_CORRUPTION'],
    ['LEVEL_IO_ERROR', 'IO error: x: Too many open files', 'BACKEND_FAILED', 'EMFILE'],
    ['LEVEL_IO_ERROR', 'IO error: x: Permission denied', 'BACKEND_READ_ONLY', 'EACCES'],
    ['LEVEL_IO_ERROR', 'IO error: x: in other words', 'BACKEND_FAILED', 'LEVEL_IO_ERROR'],
  ])('R72: %s (%s) is %s, its cause kept, and the database is closed', async (code, words, want, cause) => {
    const path = await made();
    let begun = 0;
    let closed = 0;
    class Broken extends ClassicLevel<Uint8Array, Uint8Array> {
      constructor(location: string, options: object) {
        super(location, options);
        if (location === path) begun += 1;
      }
      override async open(): Promise<void> {
        const status = Object.assign(new Error(words), { code });
        if (this.location !== path) return super.open({ createIfMissing: false });
        throw Object.assign(new Error('Database failed to open', { cause: status }), {
          code: 'LEVEL_DATABASE_NOT_OPEN',
        });
      }
      override async close(): Promise<void> {
        if (this.location === path) closed += 1;
        return super.close();
      }
    }
    const refused = open(path, { Level: Broken as unknown as typeof ClassicLevel });
    await expect(refused).rejects.toMatchObject({ code: want, cause: { code: cause } });
    expect(begun).toBeGreaterThan(0);
    expect(closed).toBe(begun);
    expect(text(await open(path), 'a')).toBe('1');
  });

  test('R73: without classic-level the call is BACKEND_UNAVAILABLE and names the other engines', async () => {
    const absent = loadDriver(() => Promise.reject(new Error("Cannot find package 'classic-level'")));
    await expect(absent).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(
        /npm install classic-level@3\..*@varve\/backend\/log.*@varve\/backend\/file.*@varve\/backend\/memory/,
      ) as unknown,
      cause: { message: "Cannot find package 'classic-level'" },
    });
  });

  test('R73: importing the engine does not import classic-level', async () => {
    const away = missing();
    fs.cpSync(new URL('../dist', import.meta.url), away, { recursive: true });
    fs.writeFileSync(join(away, 'package.json'), '{"type":"module"}');
    fs.mkdirSync(join(away, 'node_modules', '@varve'), { recursive: true });
    fs.symlinkSync(
      new URL('../node_modules/@varve/base', import.meta.url),
      join(away, 'node_modules', '@varve', 'base'),
    );
    const program = `
      const { levelEngine } = await import('./engines/level/index.js');
      await levelEngine('../other').catch((error) => console.log(error.code));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: away,
    });
    expect(stdout).toBe('BACKEND_UNAVAILABLE\n');
  });
});
