/** Stores in a file and copies of them: whose name it is, links, foreign files, rights (XA4, XA5, XA6, XA15, XB5, XC, R126). */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { file, level, log, memory, open, type EmbeddedKv } from '../src/index.ts';
import { failure, temporaryFolder } from './helpers.ts';

const home = process.cwd();
afterEach(() => process.chdir(home));

async function valueIn(path: string): Promise<string | undefined> {
  await using kv = await open(file(path, { readOnly: true }));
  return (await kv.get('k'))?.value;
}

async function made(value: string, path = temporaryFolder('store.db')): Promise<string> {
  await using kv = await open(file(path));
  await kv.put('k', value);
  return path;
}

describe('XA4: another file has the name', () => {
  test('a backup renamed over the open store and written to: defrag of the old handle refuses, nothing is lost', async () => {
    const path = temporaryFolder('store.db');
    const old: EmbeddedKv = await open(file(path));
    await old.put('k', 'old');
    const backup = `${path}.backup`;
    await old.backup(backup);
    renameSync(backup, path);
    await using newer = await open(file(path));
    await newer.put('k', 'acknowledged');
    expect(await failure(() => old.defrag())).toMatchObject({ code: 'BACKEND_FAILED', path });
    await old.close();
    await newer.put('more', 'acknowledged');
    await newer.close();
    expect(await valueIn(path)).toBe('acknowledged');
  });
});

test.each([open, level, log] as const)(
  'XA5: a folder, and another working directory while it opens',
  async (opener) => {
    const folder = temporaryFolder('one');
    mkdirSync(folder);
    process.chdir(folder);
    const opening = opener('data');
    process.chdir(home);
    await (await opening).close();
    expect(readdirSync(folder)).toEqual(['data']);
  },
);

test('XA5: a relative path, and another working directory while it opens, copies and rewrites', async () => {
  const path = await made('old');
  process.chdir(dirname(path));
  const opening = open(file(basename(path)));
  process.chdir(home);
  await using kv = await opening;
  await kv.put('k', 'new');
  await kv.defrag();
  process.chdir(dirname(path));
  const copying = kv.backup('copy.db');
  process.chdir(home);
  await copying;
  await kv.close();
  expect([await valueIn(path), await valueIn(join(dirname(path), 'copy.db'))]).toEqual(['new', 'new']);
});

describe('XA6: links', () => {
  test.each(['nothing', 'an empty file', 'a store'])('a link to %s: the target is the store', async (what) => {
    const target = temporaryFolder('store.db');
    if (what === 'an empty file') writeFileSync(target, '');
    if (what === 'a store') await made('old', target);
    const link = temporaryFolder('link.db');
    symlinkSync(target, link);
    await using kv = await open(file(link));
    await kv.put('k', 'new');
    expect(await failure(() => open(file(target)))).toMatchObject({ code: 'BACKEND_LOCKED' });
    await kv.defrag();
    await kv.put('l', 'newer');
    await kv.close();
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect([await valueIn(target), await valueIn(link)]).toEqual(['new', 'new']);
  });

  test('hard links: defrag says why it does not, and writing goes on', async () => {
    const path = await made('old');
    linkSync(path, `${path}.hard`);
    await using kv = await open(file(path));
    expect(await failure(() => kv.defrag())).toMatchObject({ code: 'BACKEND_NOT_REPLACEABLE', path });
    await kv.put('k', 'new');
    await kv.close();
    expect(await valueIn(`${path}.hard`)).toBe('new');
  });
});

test('XA15: a foreign file with a bucket called key, its keys like revisions, is left as it is', async () => {
  const path = temporaryFolder('theirs.db');
  const theirs = new URL('../../../tools/vectors/bolt/bolt-append.db.gz', import.meta.url);
  const bytes = gunzipSync(readFileSync(theirs));
  writeFileSync(path, bytes);
  expect(await failure(() => open(file(path)))).toMatchObject({ code: 'BACKEND_FOREIGN', path });
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test('XB5: a FIFO is refused, however often, and nothing waits', async () => {
  const path = temporaryFolder('fifo.db');
  spawnSync('mkfifo', [path]);
  for (let attempt = 0; attempt < 6; attempt++) {
    for (const readOnly of [true, false]) {
      expect(await failure(() => open(file(path, { readOnly })))).toMatchObject({ code: 'BACKEND_FOREIGN', path });
    }
  }
});

describe('XC5: a copy', () => {
  test('R126: of a private store is private, whatever the umask allows', async () => {
    const path = await made('old');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const mask = process.umask(0);
    try {
      await using kv = await open(file(path));
      await kv.backup(`${path}.copy`);
      expect(statSync(`${path}.copy`).mode & 0o777).toBe(0o600);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(mask);
    }
  });

  test('R126: defrag keeps owner, group and mode of the store', async () => {
    const path = await made('old');
    chmodSync(path, 0o640);
    if (process.geteuid?.() === 0) chownSync(path, 1234, 2345);
    const { uid, gid, mode } = statSync(path);
    await using kv = await open(file(path));
    await kv.defrag();
    expect(statSync(path)).toMatchObject({ uid, gid, mode });
  });

  const refused: readonly (readonly [what: string, below: string, code: string])[] = [
    ['a file for a folder', 'file/copy.db', 'ENOTDIR'],
    ['a missing folder', 'not/there/copy.db', 'ENOENT'],
    ['a name that is too long', 'n'.repeat(256), 'ENAMETOOLONG'],
    ['a path that is too long', `${'n/'.repeat(3000)}copy.db`, 'ENAMETOOLONG'],
  ];
  test.each(refused)('to %s is KV_BACKUP, before anything is read', async (_, below, code) => {
    const folder = dirname(temporaryFolder('x'));
    writeFileSync(join(folder, 'file'), '');
    await using kv = await open(memory());
    await kv.put('k', 'v');
    let steps = 0;
    const backup = () => kv.backup(join(folder, below), { onProgress: () => void steps++ });
    expect(await failure(backup)).toMatchObject({ code: 'KV_BACKUP', path: join(folder, below), cause: { code } });
    expect([steps, readdirSync(folder)]).toEqual([0, ['file']]);
    expect(kv.stats().openReads).toBe(0);
  });

  test.each([230, 231, 255])('a name of %i bytes', async (bytes) => {
    const path = join(dirname(temporaryFolder('x')), 'n'.repeat(bytes));
    await using kv = await open(memory());
    await kv.put('k', 'v');
    await kv.backup(path);
    expect(readdirSync(dirname(path))).toEqual([basename(path)]);
    expect(await valueIn(path)).toBe('v');
  });
});
