/** Must show of A7 and A8, at a small size: the program itself ends with 1 when anything is silent or hangs. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const large = process.env['VARVE_LARGE'] === '1';

test('XA7, XA8: one older page, one flipped bit, cut and torn copies: nothing silent, nothing hangs', () => {
  const program = join(import.meta.dirname, '../stale-pages.mjs');
  const args = large ? ['--images', '3000'] : ['--images', '60', '--commits', '60'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  expect(stderr).toBe('');
  if (large) console.log(stdout);
  expect(stdout).toMatch(/stale page( +\d+){4} +0 +0\n.*flipped bit( +\d+){4} +0 +0\n/);
  expect(status).toBe(0);
}, 1_800_000);
