/** A store's folder that is moved, removed or replaced while it is open: no write into another one (XA4, XA2, R25). */
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { create, open, put, temporaryPath, text } from './level-support.ts';

/** Every file's name and bytes, and the folder's own. */
function bytesOf(path: string): unknown {
  return fs.readdirSync(path).map((name) => [name, fs.readFileSync(`${path}/${name}`).toString('base64')]);
}

const large = 'v'.repeat(60_000);

describe.each([
  ['another store', (path: string, other: string) => fs.renameSync(other, path)],
  ['a copy of itself', (path: string) => fs.cpSync(`${path}-old`, path, { recursive: true })],
  ['an empty folder', (path: string) => fs.mkdirSync(path)],
  ['nothing', () => undefined],
])('XA4: the folder is renamed, and its name has %s by now', (_, take) => {
  test.each(['commit', 'compact', 'close'] as const)(
    '%s writes nothing into that, and what was acknowledged stays',
    async (call) => {
      const path = temporaryPath();
      const other = await open(`${path}-other`);
      await other.commit([create(), put('other', '1')]);
      await other.close();
      const engine = await open(path);
      // More than LevelDB keeps in memory, and than `close` leaves in the log.
      await engine.commit([create(), ...Array.from({ length: 80 }, (_, n) => put(`k${n}`, large))]);
      await engine.compact(); // LevelDB is at rest then
      await engine.commit([put('last', '1')]);
      fs.renameSync(path, `${path}-old`);
      take(path, `${path}-other`);
      const before = fs.existsSync(path) ? bytesOf(path) : undefined;

      const said = { code: 'BACKEND_FAILED', message: expect.stringContaining('moved') as unknown };
      if (call === 'commit') {
        await expect(engine.commit([put('k0', 'new'), put('k1', large)])).rejects.toMatchObject(said);
        await expect(engine.commit([put('k2', large)])).rejects.toMatchObject(said);
      }
      if (call === 'compact') await expect(engine.compact()).rejects.toMatchObject(said);
      expect(text(engine, 'k0')).toBe(large);
      await engine.close();

      expect(fs.existsSync(path) ? bytesOf(path) : undefined).toEqual(before);
      const again = await open(`${path}-old`);
      for (let n = 0; n < 80; n++) expect(text(again, `k${n}`)).toBe(large);
      expect(text(again, 'last')).toBe('1');
    },
  );
});

test('XA4: a folder that is put back under its name in time, or is reached by a link there, is written on', async () => {
  const path = temporaryPath();
  const engine = await open(path);
  await engine.commit([create(), put('a', '1')]);
  fs.renameSync(path, `${path}-old`);
  fs.symlinkSync(`${path}-old`, path);
  await engine.commit([put('b', large)]);
  fs.unlinkSync(path);
  fs.renameSync(`${path}-old`, path);
  await engine.commit([put('c', large)]);
  await engine.close();
  const again = await open(path);
  expect(['a', 'b', 'c'].map((key) => text(again, key))).toEqual(['1', large, large]);
});
