/** A small run of the simulation, on the engines that can be simulated; and proof that it repeats itself and sees what it looks for. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileEngine } from '@varve/backend/file';
import type { Files } from '@varve/base/files';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf } from '@varve/base/world';
import { describe, expect, test } from 'vitest';

const program = join(import.meta.dirname, '..', '..', 'simulate.mjs');
const size = process.env.VARVE_LARGE === '1' ? 1000 : 200;

/** In a process of its own, as people run it. */
function simulate(...args: readonly string[]): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, lines: stdout.trimEnd().split('\n') });
    });
  });
}

describe.each(['memory', 'file', 'log'])('laws 1 to 5, 7, 8, 9 on %s', (engine) => {
  test(`${size} histories of 25 steps hold`, async () => {
    const { code, lines } = await simulate('--engine', engine, '--histories', String(size), '--steps', '25');
    expect(lines).toEqual([`${size} of ${size} histories hold`]);
    expect(code).toBe(0);
  });

  test('law 11: the same seed is the same run, to the last call of the disk', async () => {
    const args = ['--engine', engine, '--seed', '7', '--histories', '3', '--steps', '60', '--digest'];
    const [first, again] = [await simulate(...args), await simulate(...args)];
    expect(again).toEqual(first);
    expect(new Set(first.lines).size).toBe(4);
  });
});

test.each(['file', 'log'])(
  'H30, H32, H36, law 7: after any crash every revision has its time, on %s',
  async (engine) => {
    const histories = String(size / 10);
    const { lines } = await simulate('--engine', engine, '--histories', histories, '--steps', '25', '--times');
    expect(lines).toEqual([`${histories} of ${histories} histories hold`]);
  },
);

test.each([
  ['file', '163'],
  ['log', '1046'],
  ['log', '1265'],
  ['log', '1747'],
  ['log', '2576'],
  ['log', '51079'],
])('what once failed holds: %s, seed %s', async (engine, seed) => {
  const { lines } = await simulate('--engine', engine, '--seed', seed, '--steps', '25');
  expect(lines).toEqual(['1 of 1 histories hold']);
});

test('law 7: a disk that does not sync is found out, and the printed command finds it out again', async () => {
  const { code, lines } = await simulate('--seed', '4', '--steps', '60', '--lies');
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('0 of 1 histories hold');
  const command = lines.at(-2)?.match(/^replay: node tools\/simulate\.mjs (.*)$/)?.[1] ?? '';
  expect(command).toContain('--skip');
  const replayed = await simulate(...command.split(' '), '--whole');
  expect(replayed.code).toBe(1);
});

test.each([
  ['--steps', '0'],
  ['--engine', 'level'],
  ['--skip', 'nothing'],
])('%s %s is refused', async (...args) => {
  expect((await simulate(...args)).code).toBe(2);
});

test('law 11: an engine in a world of its own looks at no other files', async () => {
  const asked: string[] = [];
  const refusal = Object.assign(new Error('no such disk'), { code: 'ENXIO' });
  const files: Pick<Files, 'absolute' | 'place' | 'makeParents' | 'open'> = {
    absolute: (path) => path,
    place: async (path) => path,
    makeParents: async (path) => void asked.push(`above ${path}`),
    open: async (path) => {
      asked.push(path);
      throw refusal;
    },
  };
  const world = worldOf({ ...nodeWorld, files: files as Files });
  const opening = fileEngine('/no/such/folder/store.db', { world });
  await expect(opening).rejects.toMatchObject({ code: 'BACKEND_FOREIGN', cause: refusal });
  expect(asked).toEqual(['above /no/such/folder/store.db', '/no/such/folder/store.db']);
});
