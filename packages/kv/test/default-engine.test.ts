/** What `open(path)` makes of a folder, and what needs the optional `classic-level` (R73, decisions/0038). */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openLayers } from '../src/layers.ts';
import { file, level, log, open } from '../src/index.ts';
import { codeOf, temporaryFolder } from './helpers.ts';

const kindOf = (path: string): string | undefined =>
  /^varve (\w+) store\n/.exec(readFileSync(join(path, 'VARVE'), 'utf8'))?.[1];

test('decisions/0038 open(path) makes a log of a new folder, whether it is there and empty or not there', async () => {
  const [absent, empty] = [temporaryFolder(), temporaryFolder()];
  mkdirSync(empty);
  for (const path of [absent, empty]) {
    await using kv = await open(path);
    await kv.put('a', '1');
    expect(kindOf(path)).toBe('log');
  }
});

test.each([
  ['level', level],
  ['log', log],
] as const)(
  'decisions/0038 a store that %s() made is opened by its path alone, and stays what it is',
  async (kind, place) => {
    const path = temporaryFolder();
    await (await open(place(path))).close();
    for (const value of ['1', '2']) {
      await using kv = await open(path, { create: false });
      await kv.put('a', value);
    }
    const layers = await openLayers(path);
    expect(layers.store.rev()).toBe(3);
    await layers.close();
    expect(kindOf(path)).toBe(kind);
    await using kv = await open(place(path, { create: false }));
    expect((await kv.get('a'))?.version).toBe(2);
  },
);

test('R37 a store of one kind is refused by the other, and so is the path of a file', async () => {
  const path = temporaryFolder();
  await (await open(path)).close();
  expect(await codeOf(() => open(level(path)))).toBe('BACKEND_FOREIGN');
  const single = temporaryFolder('store.db');
  await (await open(file(single))).close();
  expect(await codeOf(() => open(single))).toBe('BACKEND_FOREIGN');
});

/** A program in which `classic-level` cannot be found, as where it is not installed. */
async function withoutDriver(body: string): Promise<string> {
  const hooks = `export function resolve(name, context, next) {
    if (name !== 'classic-level') return next(name, context);
    throw Object.assign(new Error("Cannot find package 'classic-level'"), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  const program = `
    import { register } from 'node:module';
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});
    const { level, open } = await import('@varve/kv');
    ${body}`;
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd });
  return stdout;
}

test('R73 without classic-level a new folder is a store; LevelDB is BACKEND_UNAVAILABLE with the line that installs it', async () => {
  const [fresh, old, other] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  await (await open(level(old))).close();
  const places = `[[${JSON.stringify(fresh)}], [${JSON.stringify(old)}], [${JSON.stringify(other)}, level]]`;
  const out = await withoutDriver(`
    for (const [path, place = (same) => same] of ${places}) {
      try {
        const kv = await open(place(path));
        console.log((await kv.put('a', '1')).revision);
        await kv.close();
      } catch (error) {
        console.log(error.code, error.message.includes('npm install classic-level@3'));
      }
    }`);
  expect(out).toBe('2\nBACKEND_UNAVAILABLE true\nBACKEND_UNAVAILABLE true\n');
  expect(existsSync(other)).toBe(false);
  await (await open(old, { create: false })).close();
});
