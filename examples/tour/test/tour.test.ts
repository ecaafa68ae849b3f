/** The tour's own checks are its assertions; here it runs on a history without git, and on a repository made to be awkward. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bundledHistory } from '../src/bundled.ts';
import { gitHistory } from '../src/git.ts';
import { tour } from '../src/tour.ts';

const scratch = mkdtempSync(join(tmpdir(), 'varve-tour-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the bundled history: every check of the tour holds', async () => {
  const checks = await tour(await bundledHistory(), { folder: join(scratch, 'bundled') });
  expect(checks.failed).toEqual([]);
  expect(checks.passed).toBeGreaterThan(18);
});

test('a repository with awkward names, deletions, an empty commit and a merge agrees with git at every commit', async () => {
  const repo = awkwardRepository();
  const history = await gitHistory(repo);
  expect(history?.count).toBe(5);
  if (history === undefined) return;
  const checks = await tour(history, { folder: join(scratch, 'awkward'), samples: 5 });
  expect(checks.failed).toEqual([]);
});

test('no repository, no history', async () => {
  expect(await gitHistory(scratch)).toBeUndefined();
  expect(await gitHistory(join(scratch, 'nowhere'))).toBeUndefined();
});

function awkwardRepository(): string {
  const repo = join(scratch, 'repo');
  mkdirSync(join(repo, 'deep', 'er'), { recursive: true });
  const git = (...args: string[]): void => {
    execFileSync(
      'git',
      ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'commit.gpgsign=false', ...args],
      {
        stdio: 'pipe',
      },
    );
  };
  git('init', '-q', '-b', 'main');
  writeFileSync(join(repo, 'a b'), 'one');
  writeFileSync(join(repo, 'line\nbreak'), 'two');
  writeFileSync(join(repo, 'deep', 'er', 'é.txt'), 'three');
  writeFileSync(Buffer.concat([Buffer.from(`${repo}/latin-`), Buffer.from([0xe9])]), 'not UTF-8');
  git('add', '-A');
  git('commit', '-qm', 'first');
  git('checkout', '-qb', 'side');
  writeFileSync(join(repo, 'side'), 'side');
  git('add', '-A');
  git('commit', '-qm', 'on the side');
  git('checkout', '-q', 'main');
  git('rm', '-q', 'a b');
  git('commit', '-qm', 'delete');
  git('commit', '-q', '--allow-empty', '-m', 'nothing');
  git('merge', '-q', '--no-ff', '-m', 'merge', 'side');
  writeFileSync(join(repo, 'a b'), 'again');
  git('add', '-A');
  git('commit', '-qm', 'back again');
  return repo;
}
