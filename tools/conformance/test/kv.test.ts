/** The command that runs the suite for every `Kv`. */
import { expect, test } from 'vitest';
import { runKv as run } from './support/run-kv.ts';

test('every scenario holds on memory: the count, and exit code 0', async () => {
  const { code, stdout } = await run('--target', 'memory');
  expect(stdout).toMatch(/^(\d+) of \1 hold\n$/);
  expect(code).toBe(0);
});

test.each([
  [['--target', 'nothing'], /no target "nothing"/],
  [[], /Say which --target/],
  [['--target', 'memory', '--kill'], /--kill is for the target cluster/],
  [['--target', 'memory', '--engine', 'x'], /Unknown option '--engine'/],
])('%j is told, with the usage', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('--target memory|level|file');
});
