/** The suite for every `Kv`, through `@varve/etcd`. A file of its own: it takes a minute or two. */
import { expect, test } from 'vitest';
import { runKv } from './support/run-kv.ts';

test('decisions/0042: behind varve serve, in another process, on log and file', { timeout: 600_000 }, async () => {
  const { code, stdout } = await runKv('--target', 'serve', '--only', 'reads/');
  expect(stdout).toMatch(/(\d+) of \1 hold\n$/);
  expect(code).toBe(0);
});
