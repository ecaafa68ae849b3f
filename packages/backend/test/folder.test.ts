import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32c } from '@varve/base/crc32c';
import { nodeWorld } from '@varve/base/node/world';
import { describe, expect, test } from 'vitest';
import { folderKind } from '../src/engines/folder-kind.ts';
import { DEFAULT_KIND, folderEngine, type FolderKind } from '../src/engines/folder.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { create, photograph, put, temporaryPath, text } from './level-support.ts';
import { LogDisk } from './log-disk.ts';

const makers = { level: levelEngine, log: logEngine } as const;
const kinds = Object.keys(makers) as FolderKind[];
const kindOf = (path: string): Promise<string | undefined> => folderKind(nodeWorld.folders!, path);

/** A closed store with one row in it. */
async function made(kind: FolderKind): Promise<string> {
  const path = temporaryPath();
  const engine = await makers[kind](path);
  await engine.commit([create(), put('a', kind)]);
  await engine.close();
  return path;
}

const damages: readonly ((marker: string) => void)[] = [
  (marker) => fs.rmSync(marker),
  (marker) => fs.writeFileSync(marker, 'varve l'),
  (marker) => {
    const text = fs.readFileSync(marker);
    text[8]! ^= 1;
    fs.writeFileSync(marker, text);
  },
  (marker) => {
    fs.rmSync(marker);
    fs.mkdirSync(marker);
  },
];

describe('decisions/0038 a folder is opened as what it is', () => {
  test('where there is no store, the default is made: nothing there, an empty folder, a new file system', async () => {
    const paths = [temporaryPath(), dirname(temporaryPath()), temporaryPath()];
    fs.mkdirSync(join(paths[2]!, 'lost+found'), { recursive: true });
    for (const path of paths) {
      expect(await kindOf(path)).toBeUndefined();
      await (await folderEngine(path)).close();
      expect(await kindOf(path)).toBe(DEFAULT_KIND);
      await (await makers[DEFAULT_KIND](path, { create: false })).close();
    }
  });

  test.each(kinds)('a %s store stays one, also through a link, and without create', async (kind) => {
    const path = await made(kind);
    const link = `${path}-link`;
    fs.symlinkSync(path, link);
    for (const name of [path, link]) {
      const engine = await folderEngine(name, { create: false });
      expect(text(engine, 'a')).toBe(kind);
      await engine.close();
    }
  });

  test.each(kinds)('R37 a %s store whose marker is damaged or gone is BACKEND_CORRUPT, not made anew', async (kind) => {
    for (const damage of damages) {
      const path = await made(kind);
      damage(join(path, 'VARVE'));
      expect(await kindOf(path)).toBe(kind);
      const before = photograph(path);
      await expect(folderEngine(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
      expect(photograph(path)).toEqual(before);
    }
  });

  test('a LevelDB store whose making was cut short is made anew as one', async () => {
    const path = temporaryPath();
    fs.mkdirSync(join(path, '.varve-made-1'), { recursive: true });
    await (await folderEngine(path)).close();
    expect(await kindOf(path)).toBe('level');
  });

  test('R38 what is no store is BACKEND_FOREIGN, and is left as it is: a file, a folder of others, a store of an unknown engine', async () => {
    const path = temporaryPath();
    fs.writeFileSync(path, 'x');
    const others = temporaryPath();
    fs.mkdirSync(others);
    for (const name of ['CURRENT', 'MANIFEST-000001', '000003.log']) fs.writeFileSync(join(others, name), 'x');
    const unknown = temporaryPath();
    fs.mkdirSync(unknown);
    const signed = 'varve tree store\nformat 1\n';
    fs.writeFileSync(
      join(unknown, 'VARVE'),
      `${signed}crc ${crc32c(Buffer.from(signed)).toString(16).padStart(8, '0')}\n`,
    );
    expect(await kindOf(unknown)).toBe('tree');
    for (const place of [path, join(path, 'below'), others, unknown]) {
      await expect(folderEngine(place), place).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
    }
    expect(fs.readdirSync(others)).toHaveLength(3);
  });

  test('without create nothing is made', async () => {
    const path = temporaryPath();
    await expect(folderEngine(path, { create: false })).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND' });
    expect(fs.existsSync(path)).toBe(false);
  });

  test('what cannot be looked at is refused, and nothing is made', async () => {
    const failing = {
      ...nodeWorld.folders!,
      names: () => Promise.reject(Object.assign(new Error('out'), { code: 'EMFILE' })),
    };
    await expect(folderKind(failing, dirname(temporaryPath()))).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
  });

  test('decisions/0021 it looks through the folders of its world', async () => {
    const disk = new LogDisk();
    const { world } = disk;
    const engine = await folderEngine('/store', { world });
    await engine.commit([create(), put('a', 'b')]);
    await engine.close();
    expect([...disk.files().keys()]).toContain('/store/VARVE');
    expect(fs.existsSync('/store')).toBe(false);
    await expect(folderEngine('/store', { world: { ...world, folders: undefined } })).rejects.toThrow(TypeError);
  });

  test('wrong arguments are refused before anything is made', async () => {
    await expect(folderEngine('')).rejects.toThrow(RangeError);
    await expect(folderEngine('x', { create: 1 } as never)).rejects.toThrow(TypeError);
    await expect(folderEngine('x', { cacheBytes: 1 } as never)).rejects.toThrow(TypeError);
  });
});
