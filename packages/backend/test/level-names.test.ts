/** A store's folder may come from a stranger: no name in it leads out of it, hangs, or never ends (XE1, R37, R43). */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { levelEngine } from '../src/engines/level/index.ts';
import { child, create, linesOf, open, photograph, put, temporaryPath, text } from './level-support.ts';

const PATIENCE_MS = 30_000;

/** One store, copied for each test. */
const image = join(fs.mkdtempSync(join(tmpdir(), 'varve-level-')), 'store');
beforeAll(async () => {
  const engine = await levelEngine(image);
  await engine.commit([create(), put('a', '1')]);
  await engine.close();
});
afterAll(() => fs.rmSync(dirname(image), { recursive: true, force: true }));

function made(): string {
  const path = temporaryPath();
  fs.cpSync(image, path, { recursive: true });
  return path;
}

/** Everything that LevelDB or we may open next, whether it is there or not. */
const names = [
  'CURRENT',
  'LOCK',
  'LOG',
  'LOG.old',
  'SEQUENCE',
  'VARVE',
  ...[4, 7, 8, 9, 10, 99].map((number) => `MANIFEST-${String(number).padStart(6, '0')}`),
  ...['ldb', 'sst', 'log', 'dbtmp'].flatMap((ending) => [5, 7, 8, 9, 10, 99].map((n) => `00000${n}.${ending}`)),
  'MANIFEST-8',
  'manifest-000012',
  'log.OLD',
  '.varve-kept-x',
  '.varve-temporary-x',
  '.varve-made-x',
];

const kinds: ReadonlyArray<readonly [what: string, plant: (path: string, outside: string) => void]> = [
  ['a link to a file outside', (path, outside) => fs.symlinkSync(outside, path)],
  ['a link to nothing outside', (path, outside) => fs.symlinkSync(`${outside}-new`, path)],
  ['a link to a folder', (path, outside) => fs.symlinkSync(dirname(outside), path)],
  ['a link to a device that never ends', (path) => fs.symlinkSync('/dev/zero', path)],
  ['a FIFO', (path) => void spawnSync('mkfifo', [path])],
  ['a folder', (path) => fs.mkdirSync(path)],
];

describe.each(kinds)('XE1: %s', (what, plant) => {
  test.each(names)('under the name %s is BACKEND_CORRUPT, at once, and nothing is touched', async (name) => {
    if (what === 'a folder' && name.startsWith('.varve-')) return; // that is what such a name is for
    const path = made();
    const outside = join(dirname(path), 'outside');
    fs.writeFileSync(outside, 'the bytes of somebody else');
    fs.rmSync(join(path, name), { force: true });
    plant(join(path, name), outside);
    const before = [photograph(dirname(path)), photograph(path)];
    const started = performance.now();
    await expect(levelEngine(path)).rejects.toMatchObject({
      code: 'BACKEND_CORRUPT',
      message: expect.stringContaining(name) as unknown,
    });
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS);
    expect([photograph(dirname(path)), photograph(path)]).toEqual(before);
  });
});

test('XE1: a link inside of a folder of ours is refused as well', async () => {
  for (const folder of ['.varve-kept-x', '.varve-made-x', '.varve-temporary-x']) {
    const path = made();
    fs.mkdirSync(join(path, folder));
    fs.symlinkSync('/dev/zero', join(path, folder, 'CURRENT'));
    await expect(levelEngine(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  }
});

test('XE1: a second name of a file outside is given up, never written through', async () => {
  const targets = ['SEQUENCE', 'LOG', 'LOG.old', 'LOCK'];
  for (const name of [...targets, ...[7, 8, 9, 10, 11].flatMap((n) => [`MANIFEST-00000${n}`, `00000${n}.ldb`])]) {
    const path = made();
    const outside = join(dirname(path), 'outside');
    const bytes = name === 'SEQUENCE' ? fs.readFileSync(join(path, name)) : Buffer.from('the bytes of somebody else');
    fs.writeFileSync(outside, bytes);
    fs.chmodSync(outside, 0o644);
    fs.rmSync(join(path, name), { force: true });
    fs.linkSync(outside, join(path, name));
    for (let round = 0; round < 2; round++) {
      const engine = await open(path);
      await engine.commit([put('b', String(round))]);
      expect(text(engine, 'a')).toBe('1');
      await engine.close();
    }
    expect(fs.readFileSync(outside), name).toEqual(bytes);
    expect(fs.statSync(outside).mode & 0o777, name).toBe(0o644);
  }
});

test('XE1: a copy that is made of second names (cp -al) is a store of its own, and the first one stays as it is', async () => {
  const path = made();
  const manifest = join(path, fs.readFileSync(join(path, 'CURRENT'), 'latin1').trim());
  fs.appendFileSync(manifest, Buffer.from([1, 2, 3])); // to be cut off, in the copy alone
  const copy = `${path}-copy`;
  fs.mkdirSync(copy);
  for (const name of fs.readdirSync(path)) fs.linkSync(join(path, name), join(copy, name));
  const before = fs.readdirSync(path).map((name) => [name, fs.readFileSync(join(path, name)).toString('base64')]);
  const engine = await open(copy);
  await engine.commit([put('b', '2')]);
  await engine.close();
  expect(fs.readdirSync(path).map((name) => [name, fs.readFileSync(join(path, name)).toString('base64')])).toEqual(
    before,
  );
  expect(text(await open(copy), 'b')).toBe('2');
  expect(text(await open(path), 'b')).toBeUndefined();
});

test('XE1: a marker or mark of any length is read no further than it can be', async () => {
  for (const name of ['VARVE', 'CURRENT', 'SEQUENCE']) {
    const path = made();
    fs.truncateSync(join(path, name), 2 ** 40);
    const started = performance.now();
    await levelEngine(path).then(
      (engine) => engine.close(),
      (error: unknown) => expect(error).toMatchObject({ code: 'BACKEND_CORRUPT' }),
    );
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS);
  }
});

test.each([2 ** 28, 2 ** 40])(
  'XE1: a log or MANIFEST that is a hole of %d bytes is told from one within seconds',
  async (length) => {
    for (const ending of [/\.log$/, /^MANIFEST-/]) {
      const path = made();
      const name = fs.readdirSync(path).find((one) => ending.test(one)) as string;
      fs.truncateSync(join(path, name), length);
      const started = performance.now();
      await levelEngine(path).then(
        (engine) => engine.close(),
        (error: unknown) => expect(error).toMatchObject({ code: 'BACKEND_CORRUPT' }),
      );
      expect(performance.now() - started).toBeLessThan(2 * PATIENCE_MS);
      fs.rmSync(path, { recursive: true });
    }
  },
);

test('XE1: what is not a name of a store is not looked at, and not touched', async () => {
  const path = made();
  const outside = join(dirname(path), 'outside');
  fs.writeFileSync(outside, 'x');
  fs.symlinkSync(outside, join(path, 'notes'));
  spawnSync('mkfifo', [join(path, 'pipe')]);
  fs.mkdirSync(join(path, 'lost+found'));
  fs.writeFileSync(join(path, '000009.txt'), 'mine');
  for (let round = 0; round < 2; round++) {
    const engine = await open(path);
    await engine.commit([put('b', String(round))]);
    await engine.close();
  }
  expect(fs.readlinkSync(join(path, 'notes'))).toBe(outside);
  expect(fs.lstatSync(join(path, 'pipe')).isFIFO()).toBe(true);
  expect(fs.readFileSync(join(path, '000009.txt'), 'utf8')).toBe('mine');
});

test('XE8: every file of a store is its owner’s alone, while it is open and afterwards', async () => {
  const others = (folder: string): string[] =>
    fs.readdirSync(folder).filter((name) => (fs.statSync(join(folder, name)).mode & 0o077) !== 0);
  const path = temporaryPath();
  const before = process.umask(0o022);
  try {
    const engine = await open(path);
    expect(others(path)).toEqual([]);
    for (let n = 0; n < 20; n++) {
      await engine.commit([create(), put(`k${n}`, 'v'.repeat(1 << 14))]); // logs and tables come and go
      expect(fs.statSync(path).mode & 0o777).toBe(0o700);
    }
    await engine.compact();
    expect(others(path)).toEqual([]);
    await engine.close();
    expect(others(path)).toEqual([]);
    for (const name of fs.readdirSync(path)) fs.chmodSync(join(path, name), 0o644); // as an earlier release left it
    await (await open(path)).close();
    expect(others(path)).toEqual([]);
  } finally {
    process.umask(before);
  }
});

test('XB1: a store that was opened and forgotten stays open, its lock held, without a warning', async () => {
  const path = temporaryPath();
  const forgetful = child('forget', path);
  const lines = linesOf(forgetful);
  expect((await lines.next()).value).toBe('forgotten []');
  await expect(open(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
});
