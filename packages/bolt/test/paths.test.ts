/** What a path leads to, who else has the name, and what must not be opened (XA4, XA5, XA6, XB5, XE1). */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Bolt } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { nodeFiles } from '@varve/base/node/files';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

async function put(bolt: Bolt, value: string): Promise<void> {
  await bolt.write((tx) => tx.createBucketIfMissing('b').put('k', value));
}

async function valueIn(file: string): Promise<string> {
  await using bolt = await openBolt(file, { readOnly: true });
  using tx = bolt.read();
  return Buffer.from(tx.bucket('b')?.get('k') ?? []).toString();
}

async function made(value: string, file = scratch.file()): Promise<string> {
  await using bolt = await openBolt(file);
  await put(bolt, value);
  return file;
}

function leftoversOf(file: string): string[] {
  return fs.readdirSync(path.dirname(file)).filter((name) => name.startsWith(`${path.basename(file)}.varve-`));
}

describe('XA4: a name that has gone to another file', () => {
  /** The steps of a restore: another file takes the name, and gets writes of its own. */
  async function restored(file: string): Promise<void> {
    const backup = await made('backup');
    fs.renameSync(backup, file);
    await made('newer', file);
  }

  test('before a defragmentation: it refuses, and the newer file stays', async () => {
    const file = scratch.file();
    const bolt = await openBolt(file);
    await put(bolt, 'older');
    await restored(file);
    await expect(bolt.defrag()).rejects.toMatchObject({ code: 'BOLT_FAILED', path: file });
    await bolt.close();
    expect(await valueIn(file)).toBe('newer');
    expect(leftoversOf(file)).toEqual([]);
  });

  test('while a defragmentation is working: it gives up, and the newer file stays', async () => {
    const file = scratch.file();
    const bolt = await openBolt(file);
    await put(bolt, 'older');
    const backup = await made('newer');
    const onProgress = (): void => {
      if (fs.existsSync(backup)) fs.renameSync(backup, file);
    };
    await expect(bolt.defrag({ onProgress })).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await bolt.close();
    expect(await valueIn(file)).toBe('newer');
    expect(leftoversOf(file)).toEqual([]);
  });

  test.each([
    ['deleted', (file: string) => fs.rmSync(file)],
    ['moved, and a link to it left in its place', (file: string) => moved(file)],
  ])('%s: nothing comes into the name', async (_, harm) => {
    const file = await made('older');
    const bolt = await openBolt(file);
    harm(file);
    const before = fs.readdirSync(scratch.folder);
    await expect(bolt.defrag()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    expect(fs.readdirSync(scratch.folder)).toEqual(before);
    expect(fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() ?? false).toBe(false);
    await bolt.close();
  });
});

function moved(file: string): void {
  fs.renameSync(file, `${file}.moved`);
  fs.symlinkSync(`${file}.moved`, file);
}

describe('XA5: another working directory', () => {
  const home = process.cwd();
  afterEach(() => process.chdir(home));

  test.each(['a.db', './a.db', '../one/a.db'])('%s, opened, is the same file afterwards', async (name) => {
    const folder = fs.mkdtempSync(path.join(scratch.folder, 'cwd-'));
    for (const at of ['one', 'two']) fs.mkdirSync(path.join(folder, at));
    await made('other', path.join(folder, 'two', 'a.db'));
    process.chdir(path.join(folder, 'one'));
    const opening = openBolt(name);
    process.chdir(path.join(folder, 'two'));
    const bolt = await opening;
    await put(bolt, 'first');
    await bolt.defrag();
    await put(bolt, 'second');
    const copying = bolt.copyTo('copy.db');
    process.chdir(home);
    await copying;
    await bolt.close();
    expect(await valueIn(path.join(folder, 'one', 'a.db'))).toBe('second');
    expect(await valueIn(path.join(folder, 'two', 'a.db'))).toBe('other');
    expect(await valueIn(path.join(folder, 'two', 'copy.db'))).toBe('second');
    expect(bolt.path).toBe(path.join(folder, 'one', 'a.db'));
  });
});

describe('XA6: links', () => {
  /** A link to where a file may be, in another folder, over a second link. */
  function linked(target: string): string {
    const second = scratch.file();
    const first = scratch.file();
    fs.symlinkSync(target, second);
    fs.symlinkSync(path.basename(second), first);
    return first;
  }

  function inFolder(): string {
    return path.join(fs.mkdtempSync(path.join(scratch.folder, 'target-')), 'store.db');
  }

  const kinds: readonly (readonly [what: string, make: (target: string) => Promise<unknown> | void])[] = [
    ['to nothing', () => undefined],
    ['to an empty file', (target) => fs.writeFileSync(target, '')],
    ['to a store', (target) => made('older', target)],
  ];
  test.each(kinds)('a link %s: the target is made, written, replaced; the link stays', async (_, make) => {
    const target = inFolder();
    await make(target);
    const link = linked(target);
    const bolt = await openBolt(link);
    await put(bolt, 'first');
    await expect(openBolt(target)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    await expect(openBolt(link)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    await bolt.defrag();
    await expect(openBolt(target)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    await put(bolt, 'second');
    await bolt.close();
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(bolt.path).toBe(target);
    expect([await valueIn(target), await valueIn(link)]).toEqual(['second', 'second']);
    expect(fs.readdirSync(path.dirname(target))).toEqual(['store.db']);
  });

  test('a link that goes elsewhere while the file is open changes nothing', async () => {
    const [one, two] = [await made('one', inFolder()), await made('two', inFolder())];
    const link = scratch.file();
    fs.symlinkSync(one, link);
    const bolt = await openBolt(link);
    fs.rmSync(link);
    fs.symlinkSync(two, link);
    await put(bolt, 'written');
    await bolt.defrag();
    await bolt.close();
    expect([await valueIn(one), await valueIn(two)]).toEqual(['written', 'two']);
  });

  test('a link to a folder on the way, and `..` behind it, are the kernel’s', async () => {
    const target = inFolder();
    const folder = `${target}-link`;
    fs.mkdirSync(path.join(path.dirname(target), 'deep', 'er'), { recursive: true });
    fs.symlinkSync(path.join(path.dirname(target), 'deep', 'er'), folder);
    await made('here', `${folder}/../store.db`);
    expect(await valueIn(path.join(path.dirname(target), 'deep', 'store.db'))).toBe('here');
  });

  test('a link into a folder that is missing: BOLT_NOT_FOUND, and no folder is made', async () => {
    const link = scratch.file();
    fs.symlinkSync(path.join(scratch.folder, 'not', 'there.db'), link);
    await expect(openBolt(link)).rejects.toMatchObject({
      code: 'BOLT_NOT_FOUND',
      message: expect.stringContaining(path.join('not', 'there.db')) as string,
    });
    expect(fs.existsSync(path.join(scratch.folder, 'not'))).toBe(false);
  });

  test.each([{ create: false }, { readOnly: true }])('a link to nothing with %j: BOLT_NOT_FOUND', async (options) => {
    const target = inFolder();
    const link = linked(target);
    await expect(openBolt(link, options)).rejects.toMatchObject({ code: 'BOLT_NOT_FOUND' });
    expect(fs.existsSync(target)).toBe(false);
  });

  test('links in a circle: BOLT_INVALID that names the path', async () => {
    const [one, two] = [scratch.file(), scratch.file()];
    fs.symlinkSync(one, two);
    fs.symlinkSync(two, one);
    await expect(openBolt(one)).rejects.toMatchObject({ code: 'BOLT_INVALID', path: one });
    expect(fs.readlinkSync(one)).toBe(two);
  });

  test('hard links: a defragmentation would part the names, and refuses before it works; writing goes on', async () => {
    const file = await made('older');
    const other = `${file}.hard`;
    fs.linkSync(file, other);
    await using bolt = await openBolt(other);
    await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    let worked = 0;
    const onProgress = (): void => void worked++;
    await expect(bolt.defrag({ onProgress })).rejects.toMatchObject({
      code: 'BOLT_NOT_REPLACEABLE',
      message: expect.stringMatching(/2 names/) as string,
    });
    await put(bolt, 'newer');
    fs.rmSync(file);
    await bolt.defrag({ onProgress });
    expect(worked).toBeGreaterThan(0);
    await bolt.close();
    expect(await valueIn(other)).toBe('newer');
  });

  test('an empty file with two names is filled under both', async () => {
    const file = scratch.file(Buffer.alloc(0));
    fs.linkSync(file, `${file}.hard`);
    await made('both', file);
    expect(await valueIn(`${file}.hard`)).toBe('both');
  });
});

describe('XB5, XE1: what is no regular file', () => {
  const kinds: readonly (readonly [what: string, make: (name: string) => unknown])[] = [
    ['a FIFO', (name) => spawnSync('mkfifo', [name])],
    ['a folder', (name) => fs.mkdirSync(name)],
    ['a socket', (name) => new Promise<void>((resolve) => socketAt(name, resolve))],
    ['a link to a FIFO', (name) => (spawnSync('mkfifo', [`${name}.fifo`]), fs.symlinkSync(`${name}.fifo`, name))],
    ['a link to /dev/zero', (name) => fs.symlinkSync('/dev/zero', name)],
    ['a link to /dev/null', (name) => fs.symlinkSync('/dev/null', name)],
    ['a link to /dev/tty', (name) => fs.symlinkSync('/dev/tty', name)],
  ];
  test.each(kinds)('%s is refused, not opened', async (_, make) => {
    const name = scratch.file();
    await make(name);
    const opened = vi.spyOn(fs, 'open');
    // More than the pool has threads: a single opening that waits would be seen by the next line of the test.
    for (let attempt = 0; attempt < 6; attempt++) {
      for (const options of [{ readOnly: true }, {}, { create: false }]) {
        await expect(openBolt(name, options)).rejects.toMatchObject({ code: 'BOLT_INVALID' });
      }
    }
    expect(opened).not.toHaveBeenCalled();
    opened.mockRestore();
    expect((await fsp.stat(scratch.folder)).isDirectory()).toBe(true);
  });

  test.each(['read', 'update'] as const)(
    'a FIFO that comes into the name after the look (%s) does not wait',
    async (mode) => {
      const name = scratch.file(Buffer.from('x'));
      const look = fsp.lstat;
      const spy = vi.spyOn(fsp, 'lstat').mockImplementation(async (...args: Parameters<typeof look>) => {
        const found = await look(...args);
        fs.rmSync(name);
        spawnSync('mkfifo', [name]);
        return found;
      });
      await expect(nodeFiles.open(name, mode)).rejects.toMatchObject({ code: 'EFTYPE' });
      expect(spy).toHaveBeenCalledTimes(1);
      spy.mockRestore();
    },
  );

  test('XE1: a link that comes into the name after the look is not followed', async () => {
    const [name, secret] = [scratch.file(Buffer.from('x')), scratch.file(Buffer.from('secret'))];
    const look = fsp.lstat;
    const spy = vi.spyOn(fsp, 'lstat').mockImplementation(async (...args: Parameters<typeof look>) => {
      const found = await look(...args);
      fs.rmSync(name);
      fs.symlinkSync(secret, name);
      return found;
    });
    await expect(nodeFiles.open(name, 'update')).rejects.toMatchObject({ code: 'ELOOP' });
    spy.mockRestore();
  });

  test('XE1: leftovers that are links or FIFOs are removed, never opened; what they lead to stays', async () => {
    const file = await made('older');
    const secret = scratch.file(Buffer.from('secret'));
    fs.symlinkSync(secret, `${file}.varve-1.tmp`);
    fs.symlinkSync(`${secret}.none`, `${file}.varve-2.tmp`);
    spawnSync('mkfifo', [`${file}.varve-3.tmp`]);
    fs.mkdirSync(`${file}.varve-4.tmp`);
    await using bolt = await openBolt(file);
    await bolt.defrag();
    expect(leftoversOf(file)).toEqual([`${path.basename(file)}.varve-4.tmp`]);
    expect(fs.readFileSync(secret, 'utf8')).toBe('secret');
    expect(fs.existsSync(`${secret}.none`)).toBe(false);
  });
});

const sockets: ReturnType<typeof createServer>[] = [];
afterAll(() => sockets.forEach((server) => server.close()));

function socketAt(name: string, ready: () => void): void {
  const server = createServer();
  server.unref();
  sockets.push(server.listen(name, ready));
}
