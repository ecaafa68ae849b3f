/** The command that runs the suite for every `Kv`. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasProgram } from '../lib/grpc/etcd.mjs';

const program = join(import.meta.dirname, '..', 'kv.mjs');

/** What the command prints, and its exit code. */
function run(...args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

test('every scenario holds on memory: the count, and exit code 0', async () => {
  const { code, stdout } = await run('--target', 'memory');
  expect(stdout).toMatch(/^(\d+) of \1 hold\n$/);
  expect(code).toBe(0);
});

test('decisions/0042: behind varve serve, in another process, on log and file', { timeout: 300_000 }, async () => {
  const { code, stdout } = await run('--target', 'serve', '--only', 'watch/');
  expect(stdout).toMatch(/^(\d+) of \1 hold\n$/);
  expect(code).toBe(0);
});

test.runIf(hasProgram('etcd'))(
  'decisions/0042: every scenario holds on a real etcd',
  { timeout: 600_000 },
  async () => {
    const { code, stdout } = await run('--target', 'single');
    expect(stdout).toMatch(/^(\d+) of \1 hold\n$/);
    expect(code).toBe(0);
  },
);

test.runIf(hasProgram('etcd'))(
  'law 4: watches of three etcds, members of which are killed',
  { timeout: 600_000 },
  async () => {
    const { code, stdout } = await run('--target', 'cluster', '--kill', '--only', 'watch/');
    expect(stdout).toMatch(/(\d+) of \1 hold\n$/);
    expect(code).toBe(0);
  },
);

test.each([
  [['--target', 'nothing'], /no target "nothing"/],
  [[], /say which target/],
  [['--target', 'memory', '--kill'], /--kill is for the target cluster/],
  [['--target', 'memory', '--engine', 'x'], /say which target/],
])('%j is told, with the usage', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('--target memory|level|file');
});
