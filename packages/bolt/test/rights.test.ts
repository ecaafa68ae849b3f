/** Names, folders, owners, modes, mounts and rights: what the world allows, and what is kept (section C, R24, R35, R126). */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Bolt } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const DIST = path.resolve(import.meta.dirname, '../dist/index.js');
const isRoot = process.geteuid?.() === 0;
const canMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0;

async function put(bolt: Bolt, value: string): Promise<void> {
  await bolt.write((tx) => tx.createBucketIfMissing('b').put('k', value));
}

async function valueIn(file: string): Promise<string> {
  await using bolt = await openBolt(file, { readOnly: true });
  using tx = bolt.read();
  return Buffer.from(tx.bucket('b')?.get('k') ?? []).toString();
}

/** Without the right to do everything, which tests that run as root have. */
async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

function folderOf(mode: number): string {
  const folder = fs.mkdtempSync(path.join(scratch.folder, 'folder-'));
  fs.chmodSync(scratch.folder, 0o755);
  if (isRoot) fs.chownSync(folder, 65_534, 65_534);
  fs.chmodSync(folder, mode);
  return folder;
}

describe('XC2: long names', () => {
  const names: readonly (readonly [bytes: number, name: string])[] = [160, 199, 200, 207, 208, 209, 230, 254, 255]
    .map((bytes) => [bytes, 'n'.repeat(bytes)] as const)
    .concat([
      [255, `${'é'.repeat(127)}x`],
      [252, '\u{1f600}'.repeat(63)],
    ]);
  test.each(names)('%i bytes: made, written, defragmented, copied, opened again', async (_, name) => {
    const folder = fs.mkdtempSync(path.join(scratch.folder, 'long-'));
    const file = path.join(folder, name);
    const bolt = await openBolt(file);
    await put(bolt, 'first');
    await bolt.defrag();
    await put(bolt, 'second');
    const copy = path.join(fs.mkdtempSync(path.join(scratch.folder, 'copy-')), name);
    await bolt.copyTo(copy);
    await bolt.close();
    expect([await valueIn(file), await valueIn(copy)]).toEqual(['second', 'second']);
    expect(fs.readdirSync(folder)).toEqual([name]);
  });

  test('what interrupted work left of a long name is removed, that of another long name is not', async () => {
    const folder = fs.mkdtempSync(path.join(scratch.folder, 'long-'));
    const [mine, other] = ['m', 'o'].map((end) => path.join(folder, 'n'.repeat(240) + end)) as [string, string];
    for (const file of [mine, other]) {
      const bolt = await openBolt(file);
      let left: string | undefined;
      const onProgress = (): void => {
        left ??= fs.readdirSync(folder).find((name) => name.endsWith('.tmp'));
      };
      await bolt.defrag({ onProgress });
      await bolt.close();
      expect(left).toBeDefined();
      fs.writeFileSync(path.join(folder, left as string), 'left');
      expect(Buffer.byteLength(left as string)).toBeLessThanOrEqual(255);
    }
    await (await openBolt(mine)).close();
    expect(fs.readdirSync(folder)).toHaveLength(3);
    await (await openBolt(other)).close();
    expect(fs.readdirSync(folder)).toHaveLength(2);
  });

  test('a name of 256 bytes is a typed refusal, for a store and for a copy', async () => {
    const file = path.join(scratch.folder, 'n'.repeat(256));
    await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_FAILED', cause: { code: 'ENAMETOOLONG' } });
    await using bolt = await openBolt(scratch.file());
    await expect(bolt.copyTo(file)).rejects.toMatchObject({ code: 'BOLT_FAILED', cause: { code: 'ENAMETOOLONG' } });
  });
});

describe('XC5: an empty file that somebody made', () => {
  test.runIf(process.platform !== 'win32')('stays that very file, with owner and mode', async () => {
    const file = scratch.file(Buffer.alloc(0));
    fs.chmodSync(file, 0o640);
    if (isRoot) fs.chownSync(file, 1234, 2345);
    const before = fs.statSync(file);
    await (await openBolt(file)).close();
    const after = fs.statSync(file);
    expect([after.ino, after.mode, after.uid, after.gid]).toEqual([before.ino, before.mode, before.uid, before.gid]);
  });

  test('R24: a power cut at any step leaves a file that opens, and is empty', async () => {
    const name = '/disk/a.db';
    for (const [pageSize, tear] of [
      [512, 512],
      [4096, 512],
      [4096, 8],
      [65_536, 512],
    ] as const) {
      const disk = SimulatedDisk.holding(new Map([[name, Buffer.alloc(0)]]));
      const images: SimulatedDisk[] = [];
      const random = seeded(pageSize + tear);
      disk.before = ({ kind }) => {
        if (kind !== 'read' && kind !== 'lock') for (let i = 0; i < 20; i++) images.push(disk.crash(random, tear));
        return undefined;
      };
      await (await openBoltOn(disk, name, { pageSize })).close();
      expect(images.length).toBeGreaterThan(100);
      for (const image of images) {
        await using bolt = await openBoltOn(image, name);
        using tx = bolt.read();
        expect(tx.root.cursor().first()).toBe(false);
        await put(bolt, 'x');
        expect((await bolt.check()).problems).toEqual([]);
      }
    }
  });

  test('one that was not finished is told from one that has been written', async () => {
    const file = scratch.file(Buffer.alloc(0));
    const first = await openBolt(file);
    await put(first, 'kept');
    await first.close();
    const bytes = fs.readFileSync(file);
    const mark = Buffer.from('This file is being made by varve and is not finished.\n'.padEnd(512, '\n'));
    const damaged = scratch.file(bytes);
    // The commit is in page 0; in page 1 is what the making wrote, and nobody was told of that.
    expect(bytes.readBigUInt64LE(4096 + 64)).toBe(1n);
    fs.writeFileSync(damaged, Buffer.concat([mark, bytes.subarray(512)]));
    await (await openBolt(damaged)).close();
    const later = await openBolt(scratch.file());
    await put(later, 'one');
    await put(later, 'two');
    await later.close();
    const written = fs.readFileSync(later.path);
    fs.writeFileSync(later.path, Buffer.concat([mark, written.subarray(512)]));
    expect(await valueIn(later.path)).toBe('two');
  });
});

describe('XC3: a file mounted by itself', () => {
  const program = `import(${JSON.stringify(DIST)}).then(async ({ openBolt }) => {
    const [file] = process.argv.slice(1);
    const bolt = await openBolt(file);
    await bolt.write((tx) => tx.createBucketIfMissing('b').put('k', 'v'));
    let worked = 0;
    const failure = await bolt.defrag({ onProgress: () => worked++ }).catch((error) => error);
    await bolt.write((tx) => tx.bucket('b').put('k', 'w'));
    await bolt.close();
    console.log(JSON.stringify([bolt.warnings.length, failure.code, failure.message, worked]));
  }).catch((error) => console.log(JSON.stringify([error.code, error.message])));`;

  if (!canMount) {
    test('needs the right to mount, which this run does not have: not tested', () => expect(canMount).toBe(false));
    return;
  }
  test('an empty one is filled; defragment says why it cannot, before it works', async () => {
    const folder = fs.mkdtempSync(path.join(scratch.folder, 'mount point-'));
    const [source, target] = [path.join(folder, 'source'), path.join(folder, 'target')];
    for (const name of [source, target]) fs.writeFileSync(name, '');
    const script = 'mount --bind "$1" "$2" && exec "$3" -e "$4" "$2"';
    const args = ['--mount', 'sh', '-c', script, 'sh', source, target, process.execPath, program];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
    expect([stderr, JSON.parse(stdout)]).toEqual([
      '',
      [1, 'BOLT_NOT_REPLACEABLE', expect.stringContaining('mounted as a single file'), 0],
    ]);
    expect(await valueIn(source)).toBe('w');
    expect(fs.statSync(target).size).toBe(0);
  });
});

describe('XC5: folders and rights', () => {
  test('a folder that may not be listed is a warning', async () => {
    const folder = folderOf(0o755);
    const file = path.join(folder, 'a.db');
    await unprivileged(async () => {
      await using bolt = await openBolt(file);
      await put(bolt, '1');
    });
    fs.chmodSync(folder, 0o300);
    await unprivileged(async () => {
      await using bolt = await openBolt(file);
      expect(bolt.warnings).toEqual([
        expect.objectContaining({ rule: 'folder', message: expect.stringContaining('EACCES') as string }),
      ]);
      await put(bolt, '2');
    });
    fs.chmodSync(folder, 0o700);
    expect(await valueIn(file)).toBe('2');
  });

  test('a new file in a folder that may not be listed is refused before it is there: its name could not be made durable', async () => {
    const folder = folderOf(0o300);
    await unprivileged(async () => {
      await expect(openBolt(path.join(folder, 'a.db'))).rejects.toMatchObject({
        code: 'BOLT_UNREADABLE',
        message: expect.stringContaining('its folder cannot be read') as string,
      });
    });
    fs.chmodSync(folder, 0o700);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('a copy in a folder that may not be listed is refused before there is one, and the file is not replaced', async () => {
    const folder = folderOf(0o700);
    const file = path.join(folder, 'a.db');
    await unprivileged(async () => {
      await using bolt = await openBolt(file);
      await put(bolt, 'first');
      fs.chmodSync(folder, 0o300);
      const { ino } = fs.statSync(file);
      await expect(bolt.copyTo(path.join(folder, 'copy.db'))).rejects.toMatchObject({
        code: 'BOLT_UNREADABLE',
        message: expect.stringContaining('its folder cannot be read') as string,
      });
      await expect(bolt.defrag()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
      expect(fs.statSync(file).ino).toBe(ino);
      await put(bolt, 'second');
    });
    fs.chmodSync(folder, 0o700);
    expect(fs.readdirSync(folder)).toEqual(['a.db']);
    expect(await valueIn(file)).toBe('second');
  });

  test('a file, or a folder above it, that may not be read is BOLT_UNREADABLE; one that may only be read is BOLT_READ_ONLY', async () => {
    const folder = folderOf(0o755);
    const file = path.join(folder, 'a.db');
    await (await openBolt(file)).close();
    const codes = async (): Promise<unknown[]> =>
      unprivileged(async () => {
        const outcomes = await Promise.allSettled([openBolt(file, { readOnly: true }), openBolt(file)]);
        return outcomes.map((outcome) =>
          outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : '',
        );
      });
    fs.chmodSync(file, 0);
    expect(await codes()).toEqual(['BOLT_UNREADABLE', 'BOLT_UNREADABLE']);
    fs.chmodSync(file, 0o444);
    await unprivileged(async () => {
      await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_READ_ONLY', cause: { code: 'EACCES' } });
      await (await openBolt(file, { readOnly: true })).close();
    });
    fs.chmodSync(folder, 0o600);
    expect(await codes()).toEqual(['BOLT_UNREADABLE', 'BOLT_UNREADABLE']);
    fs.chmodSync(folder, 0o700);
  });

  test.each([0o600, 0o640, 0o664, 0o400])(
    'R126: a defragmentation keeps owner, group and mode %o; a copy is private',
    async (mode) => {
      const file = scratch.file();
      await (await openBolt(file)).close();
      if (isRoot) fs.chownSync(file, 1234, 2345);
      fs.chmodSync(file, mode);
      const before = fs.statSync(file);
      const mask = process.umask(0);
      try {
        if (!isRoot && mode === 0o400) return;
        await using bolt = await openBolt(file);
        await bolt.defrag();
        const copy = scratch.file();
        await bolt.copyTo(copy);
        expect(fs.statSync(copy).mode & 0o7777).toBe(0o600);
      } finally {
        process.umask(mask);
      }
      const after = fs.statSync(file);
      expect(after.ino).not.toBe(before.ino);
      expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);
    },
  );

  test.runIf(isRoot)('an owner who cannot be kept: BOLT_FAILED that says so, and the file goes on', async () => {
    const folder = folderOf(0o777);
    const file = path.join(folder, 'a.db');
    await (await openBolt(file)).close();
    fs.chownSync(file, 1234, 2345);
    fs.chmodSync(file, 0o666);
    await unprivileged(async () => {
      await using bolt = await openBolt(file);
      await expect(bolt.defrag()).rejects.toMatchObject({
        code: 'BOLT_FAILED',
        message: expect.stringContaining('as the owner, or as root') as string,
      });
      await put(bolt, 'kept');
    });
    expect([fs.statSync(file).uid, fs.readdirSync(folder)]).toEqual([1234, ['a.db']]);
    expect(await valueIn(file)).toBe('kept');
  });

  test.each([
    ['a missing folder', 'not/there.db'],
    ['a file for a folder', 'file/there.db'],
  ])('a copy below %s is BOLT_FAILED, its cause the system’s', async (_, name) => {
    const folder = fs.mkdtempSync(path.join(scratch.folder, 'copy-'));
    fs.writeFileSync(path.join(folder, 'file'), '');
    await using bolt = await openBolt(scratch.file());
    const target = path.join(folder, name);
    await expect(bolt.copyTo(target)).rejects.toMatchObject({ code: 'BOLT_FAILED', path: target });
  });
});
