import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logEngine } from '../src/engines/log/index.ts';
import { run } from '../src/engines/log/tools/cli.ts';
import { temporaryPath } from './file-support.ts';
import { records, revision, small } from './log-support.ts';

async function ran(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = '';
  let error = '';
  const code = await run(args, { out: async (text) => void (out += text), error: (text) => void (error += text) });
  return { code, out, error };
}

test('G16 G17 varve-log checks, dumps and counts a store without changing it', async () => {
  const path = temporaryPath();
  const engine = await logEngine(path);
  await engine.commit([
    { type: 'createBucket', bucket: records },
    { type: 'createBucket', bucket: small },
    { type: 'put', bucket: small, key: Buffer.from('a'), value: Buffer.from('b') },
    { type: 'put', bucket: records, key: revision(1), value: Buffer.alloc(100, 9) },
    { type: 'put', bucket: records, key: revision(2), value: Buffer.alloc(10) },
  ]);
  expect(await ran('check', path)).toMatchObject({ code: 3, error: expect.stringContaining('is open already') });
  await engine.close();
  const names = fs.readdirSync(path);
  expect(await ran('check', path)).toEqual({
    code: 0,
    out: '3 rows in 1 files, up to commit 1: all of it is whole\n',
    error: '',
  });
  const dumped = (await ran('dump', path)).out.trimEnd().split('\n');
  expect(dumped).toHaveLength(3);
  expect(JSON.parse(dumped[2]!)).toEqual({ bucket: 'meta', key: 'YQ==', value: 'Yg==' });
  const { out } = await ran('stats', path);
  expect(out).toContain('bucket key: number 1, append-only, 2 rows');
  expect(out).toContain('bucket meta: number 2, resident, 1 rows');
  expect(out).toMatch(/file 0000000001\.log: \d+ bytes, \d+ live/);
  expect(fs.readdirSync(path)).toEqual(names);
  const log = join(path, '0000000001.log');
  const bytes = fs.readFileSync(log);
  bytes[bytes.indexOf(Buffer.alloc(100, 9)) + 4]! ^= 1;
  fs.writeFileSync(log, bytes);
  expect(await ran('check', path)).toMatchObject({
    code: 5,
    error: expect.stringContaining('0000000001.log is damaged'),
  });
  for (const command of ['check', 'dump', 'stats']) {
    const missing = temporaryPath();
    expect(await ran(command, missing)).toMatchObject({ code: 4, out: '', error: expect.stringContaining(missing) });
    // The segment itself, and the folder that the store lies in.
    expect(await ran(command, log)).toMatchObject({
      code: 4,
      out: '',
      error: expect.stringContaining('is a plain file'),
    });
    expect(await ran(command, join(path, '..'))).toMatchObject({
      code: 4,
      out: '',
      error: expect.stringContaining('are not a store'),
    });
  }
  for (const [args, line] of [
    [[], 'a command is missing'],
    [['mend', path], 'mend: there is no such command'],
    [['check'], 'check takes one folder'],
    [['check', path, path], 'check takes one folder'],
    [['check', '--all', path], "check takes one folder, and there is no option '--all'"],
  ] as const) {
    const { code, error } = await ran(...args);
    expect([code, error.split('usage:')[0]]).toEqual([2, `varve-log: ${line}\n`]);
  }
  for (const args of [['-h'], ['--help'], ['check', '--help']])
    expect(await ran(...args)).toEqual({ code: 0, out: expect.stringMatching(/usage.*exit codes: 0/s), error: '' });
});
