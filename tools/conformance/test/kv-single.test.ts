/** The suite for every `Kv`, through `@varve/etcd`. A file of its own: it takes its time. */
import { expect, test } from 'vitest';
import { hasProgram } from '../lib/grpc/etcd.mjs';
import { runKv } from './support/run-kv.ts';

test.runIf(hasProgram('etcd'))(
  'decisions/0042: the scenarios of watches hold on a real etcd; all of them by the command line',
  { timeout: 600_000 },
  async () => {
    const { code, stdout } = await runKv('--target', 'single', '--only', 'watch');
    expect(stdout).toMatch(/(\d+) of \1 hold\n$/);
    expect(code).toBe(0);
  },
);
