import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../src/tools/cli.ts';
import { openBolt } from '../src/index.ts';
import { Scratch, vectorListing } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

async function cli(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ['', ''];
  const code = await run(args, {
    out: (text) => {
      out += text;
      return Promise.resolve();
    },
    error: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

describe('varve-bolt', () => {
  test('check', async () => {
    expect(await cli('check', scratch.vector('bolt-mixed'))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^remark: .*\nOK\n$/s) as string,
    });
    const damaged = await cli('check', scratch.vector('damaged/leaf-key-order'));
    expect(damaged.code).toBe(5);
    expect(damaged.out).toMatch(/\nC8 page \d+: .*\n1 problems\n$/s);
  });

  test('dump --json is the listing', async () => {
    const { code, out } = await cli('dump', '--json', scratch.vector('bolt-nested'));
    const want = vectorListing('bolt-nested');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ contentSha256: want.contentSha256, root: want.root, pages: want.pages });
  });

  test('dump prints buckets, keys and values', async () => {
    expect((await cli('dump', scratch.vector('bolt-one'))).out).toBe('"widgets"/ sequence 0\n  "foo" = "bar"\n');
  });

  test('stats', async () => {
    const { out } = await cli('stats', scratch.vector('bolt-mixed'));
    expect(JSON.parse(out)).toMatchObject({ keys: vectorListing('bolt-mixed').keyCount, pageSize: 4096 });
  });

  test('compact', async () => {
    const target = scratch.file();
    const source = scratch.vector('bolt-random');
    expect((await cli('compact', source, target)).code).toBe(0);
    expect(statSync(target).size).toBeLessThan(statSync(source).size);
    expect(await cli('compact', source, target)).toMatchObject({
      code: 1,
      error: expect.stringContaining('exists') as string,
    });
  });

  test('R122 exit codes', async () => {
    expect((await cli('check', scratch.file())).code).toBe(4);
    expect((await cli('check', scratch.vector('damaged/truncated-half'))).code).toBe(5);
    expect((await cli('check', scratch.vector('damaged/meta-both-version'))).code).toBe(6);
    const file = scratch.file();
    await using bolt = await openBolt(file);
    expect(bolt.txid).toBe(1);
    expect(await cli('check', file)).toMatchObject({
      code: 3,
      error: expect.stringMatching(/^varve-bolt: [^\n]+\n$/) as string,
    });
  });

  test.each([
    [[]],
    [['frob', 'x']],
    [['check']],
    [['check', 'a', 'b']],
    [['check', '--frob', 'a']],
    [['stats', '--json', 'a']],
    [['compact', 'a']],
  ])('R121 wrong usage: %j', async (args) => {
    expect(await cli(...args)).toMatchObject({ code: 2, out: '', error: expect.stringContaining('usage:') as string });
  });

  test.each([
    [[], 'varve-bolt: a command is missing\n'],
    [['frob', 'x'], 'varve-bolt: frob: there is no such command\n'],
    [['check', '--frob', 'a'], "varve-bolt: Unknown option '--frob'\n"],
    [['check', 'a', 'b'], 'varve-bolt: check takes one file\n'],
    [['compact', 'a'], 'varve-bolt: compact takes a file and the name of a new one\n'],
  ])('R121 what is wrong with %j is the first line', async (args, line) => {
    expect((await cli(...args)).error.startsWith(`${line}usage:`)).toBe(true);
  });

  test.each([
    ['another file', 'root:x:0:0:'.repeat(1000), ' is no Bolt file: neither of its first two pages is a meta page'],
    ['a short one', 'text', ': 4 bytes are no Bolt file'],
    ['an empty one', '', ' is empty'],
  ])('R122 what is no Bolt file is called so: %s', async (_, text, said) => {
    const file = scratch.file();
    writeFileSync(file, text);
    for (const command of ['check', 'dump', 'stats'])
      expect(await cli(command, file)).toEqual({ code: 4, out: '', error: `varve-bolt: ${file}${said}\n` });
  });

  test('R122 a folder is no Bolt file', async () => {
    const folder = path.dirname(scratch.file());
    expect(await cli('check', folder)).toMatchObject({
      code: 4,
      error: expect.stringContaining('is a folder') as string,
    });
  });

  test('help', async () => {
    for (const args of [['--help'], ['check', '-h']])
      expect(await cli(...args)).toMatchObject({
        code: 0,
        out: expect.stringMatching(/usage: varve-bolt.*exit codes: 0/s) as string,
      });
  });

  test('the package offers the program under its name', () => {
    const folder = path.resolve(import.meta.dirname, '..');
    const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { bin?: unknown };
    expect(bin).toEqual({ 'varve-bolt': './dist/tools/bin.js' });
  });

  const bin = path.resolve(import.meta.dirname, '../dist/tools/bin.js');
  test('R123 the built program, also into a closed pipe', () => {
    const file = scratch.vector('bolt-deep');
    expect(spawnSync(process.execPath, [bin, 'check', file]).status).toBe(0);
    const piped = spawnSync('sh', ['-c', `'${process.execPath}' '${bin}' dump --json '${file}' | head -1`]);
    expect([piped.stdout.toString(), piped.stderr.toString()]).toEqual(['{\n', '']);
  });
});
