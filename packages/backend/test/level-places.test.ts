/** Where a store may be made, and what is said where it cannot be opened (C of the list of faults, R24, R30, R36, R42, R126). */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ClassicLevel } from 'classic-level';
import { isKnownDriver } from '../src/engines/level/driver.ts';
import { nodeFiles } from '../src/engines/level/files.ts';
import { levelEngine, type LevelOptions } from '../src/engines/level/index.ts';
import { child, create, failing, linesOf, open, put, scanned, temporaryPath, text } from './level-support.ts';

const isRoot = process.getuid?.() === 0;
/** Whether this process may make file systems of its own. */
const canMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0;
if (!canMount) console.log('left out, for want of root or unshare(1): stores on file systems of their own');

function withLostAndFound(): string {
  const path = temporaryPath();
  fs.mkdirSync(join(path, 'lost+found'), { recursive: true });
  return path;
}

describe('XC1: a folder that is there already', () => {
  test.each([
    [['lost+found/']],
    [['lost+found/', '.DS_Store', '.Trash-1000/']],
    [['System Volume Information/', '$RECYCLE.BIN/', 'desktop.ini']],
  ])('with nothing but %j, as file systems and desktops leave it, becomes a store', async (names) => {
    const path = temporaryPath();
    fs.mkdirSync(path);
    for (const name of names) {
      if (name.endsWith('/')) fs.mkdirSync(join(path, name));
      else fs.writeFileSync(join(path, name), 'x');
    }
    for (let round = 0; round < 3; round++) {
      const engine = await open(path);
      expect(engine.warnings).toEqual([]);
      if (round > 0) expect(text(engine, 'n')).toBe(String(round - 1));
      await engine.commit([create(), put('n', String(round))]);
      await engine.close();
    }
    for (const name of names) expect(fs.existsSync(join(path, name))).toBe(true);
    expect(fs.statSync(path).mode & 0o777).toBe(0o700);
    expect(fs.readdirSync(path).filter((name) => name.startsWith('.varve'))).toEqual([]);
    expect(fs.readdirSync(dirname(path))).toEqual([basename(path)]);
  });

  test('with anything else in it is BACKEND_FOREIGN, and stays as it is', async () => {
    const path = withLostAndFound();
    fs.writeFileSync(join(path, 'notes.txt'), 'mine');
    await expect(open(path)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
    expect(fs.readdirSync(path)).toEqual(['lost+found', 'notes.txt']);
  });

  test('with create false is BACKEND_NOT_FOUND', async () => {
    await expect(open(withLostAndFound(), { create: false })).rejects.toMatchObject({
      code: 'BACKEND_NOT_FOUND',
    });
  });

  test('R24: a making that fails or dies at any step leaves a folder that the next open makes a store of', async () => {
    const steps = ['makeFolder', 'write', 'syncFolder', 'rename', 'hardLink', 'names', 'details'] as const;
    for (const step of steps) {
      for (let nth = 1; nth < 60; nth++) {
        const path = withLostAndFound();
        let calls = 0;
        const real = nodeFiles[step] as (...args: unknown[]) => Promise<unknown>;
        const fail = async (...args: unknown[]): Promise<unknown> =>
          (calls += 1) === nth ? failing('EIO')() : real.apply(nodeFiles, args);
        // As if the process had died: nothing is tidied up after the failure.
        const remove = (folder: string): Promise<void> => (calls >= nth ? failing('EIO')() : nodeFiles.remove(folder));
        const first = await open(path, { files: { [step]: fail, remove } }).then(
          (engine) => engine.close(),
          (error: unknown) => error,
        );
        if (calls < nth) break;
        if (first !== undefined) expect(first).toMatchObject({ code: expect.stringMatching(/^BACKEND_/) as unknown });
        const engine = await open(path);
        await engine.commit([create(), put('a', '1')]);
        await engine.close();
        expect(fs.readdirSync(path).filter((name) => name.startsWith('.varve'))).toEqual([]);
      }
    }
  }, 120_000);

  test('a file system without second names makes no difference', async () => {
    const path = withLostAndFound();
    for (let round = 0; round < 2; round++) {
      const engine = await open(path, { files: { hardLink: failing('EPERM') } });
      await engine.commit([create(), put('n', String(round))]);
      await engine.close();
    }
    expect(text(await open(path), 'n')).toBe('1');
  });

  test('R42: of eight processes that make a store in it at once, exactly one has it', async () => {
    const path = withLostAndFound();
    const lines = await Promise.all(
      Array.from({ length: 8 }, async () => (await linesOf(child('hold', path)).next()).value as string),
    );
    expect(lines.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'BACKEND_LOCKED'), 'held']);
    expect(fs.readdirSync(path).filter((name) => name.startsWith('.varve-made'))).toEqual([]);
  });

  test.runIf(canMount)('a mount point, which cannot be replaced, becomes a store', async () => {
    const path = temporaryPath();
    fs.mkdirSync(path);
    const mounted = ['mount -t tmpfs -o size=32m tmpfs "$0"', '"$1" "$2" read <<< "$0\ttrue\ttrue"'];
    const program = [...mounted.slice(0, 1), '"$1" "$2" made "$0"', 'mkdir "$0/x" && rmdir "$0/x"', mounted[1]].join(
      ' && ',
    );
    const script = new URL('./level-child.mjs', import.meta.url).pathname;
    const ran = spawnSync('unshare', ['--mount', 'bash', '-c', program, path, process.execPath, script], {
      encoding: 'utf8',
    });
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toMatchObject({ warnings: [], invented: 0, different: 0 });
  });
});

test('XC4: a folder above that may not be read is a warning', async () => {
  const path = temporaryPath();
  const names = (folder: string): Promise<string[]> =>
    folder === dirname(path) ? failing('EACCES')() : nodeFiles.names(folder);
  const engine = await open(path, { files: { names } });
  expect(engine.warnings).toEqual([expect.stringMatching(/cannot be seen \(EACCES/)]);
  await engine.commit([create(), put('a', '1')]);
  await engine.close();
  expect(text(await open(path), 'a')).toBe('1');
});

describe('XC6: a full disk', () => {
  test('LevelDB’s ENOSPC names the bytes it needs and those that there are', async () => {
    const path = temporaryPath();
    const engine = await open(path, { writeBufferBytes: 64 << 20 });
    await engine.commit([create(), ...Array.from({ length: 40 }, (_, n) => put(`k${n}`, 'v'.repeat(1 << 16)))]);
    await engine.close();
    class Full extends ClassicLevel<Uint8Array, Uint8Array> {
      override async open(): Promise<void> {
        if (this.location !== path) return super.open({ createIfMissing: false });
        const status = Object.assign(new Error('IO error: x/000009.ldb: No space left on device'), {
          code: 'LEVEL_IO_ERROR',
        });
        throw Object.assign(new Error('Database failed to open'), { cause: status });
      }
    }
    const files = { room: () => Promise.resolve(1234) };
    const refused = await open(path, { Level: Full as unknown as typeof ClassicLevel, files }).catch((e: unknown) => e);
    expect(refused).toMatchObject({ code: 'BACKEND_FAILED', cause: { code: 'ENOSPC' } });
    const [, needed, free] = /needs about (\d+) bytes .* and (\d+) are free/.exec((refused as Error).message) ?? [];
    expect(Number(needed)).toBeGreaterThan(40 << 16);
    expect(Number(needed)).toBeLessThan(50 << 16);
    expect(free).toBe('1234');
  });

  test.runIf(canMount)('with as much room as it asked for the store opens, with everything acknowledged', () => {
    const path = temporaryPath();
    fs.mkdirSync(path);
    const script = new URL('./level-child.mjs', import.meta.url).pathname;
    const program = 'mount -t tmpfs -o size=24m tmpfs "$0" && "$1" "$2" full "$0"';
    const ran = spawnSync('unshare', ['--mount', 'bash', '-c', program, path, process.execPath, script], {
      encoding: 'utf8',
    });
    expect(ran.stderr).toBe('');
    const { refused, needed, free, rows, acked } = JSON.parse(ran.stdout) as Record<string, number | string>;
    expect(refused).toBe('BACKEND_FAILED');
    expect(free).toBeLessThan(needed as number);
    expect(rows).toBe(acked);
    expect(acked).toBeGreaterThan(20);
  });
});

describe('XF5: a LevelDB that is not the one this was written for', () => {
  test('is known by the version of the package', () => {
    expect(isKnownDriver()).toBe(true);
    for (const version of ['3.0.1', '3.0.27']) expect(isKnownDriver(() => ({ version }))).toBe(true);
    for (const version of ['3.1.0', '4.0.0', '3.0.0-rc.1', '', undefined]) {
      expect(isKnownDriver(() => ({ version }))).toBe(false);
    }
    expect(isKnownDriver(() => JSON.parse('no'))).toBe(false);
  });

  test('is used by its interface alone: no scan reads tables, and no word of its log is looked for', async () => {
    const path = temporaryPath();
    let opened = 0;
    const files = {
      open: (name: string) => {
        if (name.endsWith('.ldb')) opened += 1;
        return nodeFiles.open(name);
      },
    };
    const written = await open(path);
    await written.commit([create(), ...Array.from({ length: 500 }, (_, n) => put(`k${n}`, 'v'.repeat(1000)))]);
    await written.close();
    for (const isKnown of [true, false]) {
      const engine = await open(path, { files, isKnown, longScan: { rows: 1, bytes: 0, bytesToWrite: 0 } });
      opened = 0;
      expect(await scanned(engine)).toHaveLength(500);
      expect(opened > 0).toBe(isKnown);
      await engine.close();
    }
  });
});

test('R36: a path that is no folder is BACKEND_FOREIGN at once, whatever else it is', async () => {
  const path = temporaryPath();
  spawnSync('mkfifo', [path]);
  await expect(levelEngine(path)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
  await expect(levelEngine('/dev/null')).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
});

describe('XB6: arguments', () => {
  test.each<[unknown]>([
    ...[null, 'x', 7, true].map((options): [unknown] => [options]),
    ...['create', 'verify'].flatMap((name) => [null, 0, 'no', NaN].map((value): [unknown] => [{ [name]: value }])),
    ...['cacheBytes', 'writeBufferBytes'].flatMap((name) =>
      [null, '4096', true, 8n, NaN, Infinity, -1, 0, 1.5, 2 ** 32].map((value): [unknown] => [{ [name]: value }]),
    ),
    ...[null, true, 'no', 0].map((readOnly): [unknown] => [{ readOnly }]),
  ])('XB6: options %o are a TypeError or RangeError, and nothing is made', async (options) => {
    const path = temporaryPath();
    const refused = await levelEngine(path, options as LevelOptions).catch((error: unknown) => error);
    expect(refused instanceof TypeError || refused instanceof RangeError).toBe(true);
    expect(fs.existsSync(path)).toBe(false);
  });
  test.each<[unknown]>([[undefined], [null], [7], [Buffer.from('x')], [new URL('file:///x')], [{}]])(
    'XB6: the path %o is a TypeError',
    async (path) => {
      await expect(levelEngine(path as string)).rejects.toBeInstanceOf(TypeError);
    },
  );
});

test.each([
  ['ASCII', 'n'.repeat(255)],
  ['emoji', '😀'.repeat(63)],
  ['one too many for a temporary name', 'n'.repeat(215)],
])('XC2: a folder whose name is as long as a name may be becomes a store (%s)', async (_, name) => {
  const path = join(dirname(temporaryPath()), name);
  for (const round of ['1', '2']) {
    const engine = await open(path);
    expect(engine.warnings).toEqual([]);
    await expect(open(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await engine.commit([create(), put('n', round)]);
    await engine.close();
  }
  expect(text(await open(path), 'n')).toBe('2');
});

test.skipIf(!isRoot)(
  'XC5: what root does to a store leaves all of it to its owner (left out without root)',
  async () => {
    const path = temporaryPath();
    const nobody = 65_534;
    const made = await open(path);
    await made.commit([create(), put('a', '1')]);
    await made.close();
    for (const name of ['.', ...fs.readdirSync(path)]) fs.chownSync(join(path, name), nobody, nobody);
    const engine = await open(path);
    for (let n = 0; n < 4; n++) await engine.commit([put(`k${n}`, 'v'.repeat(50_000))]);
    await engine.compact();
    await engine.commit([put('a', '2')]);
    await engine.close();
    for (const name of fs.readdirSync(path)) expect([name, fs.statSync(join(path, name)).uid]).toEqual([name, nobody]);
    fs.chmodSync(dirname(path), 0o777);
    process.seteuid?.(nobody);
    try {
      const again = await open(path);
      expect(text(again, 'a')).toBe('2');
      await again.close();
    } finally {
      process.seteuid?.(0);
    }
  },
);
