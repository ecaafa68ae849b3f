/** The suite for every `Kv`, through `@varve/etcd`. A file of its own: it takes a minute or two. */
import { expect, test } from 'vitest';
import { hasProgram } from '../lib/grpc/etcd.mjs';
import { runKv } from './support/run-kv.ts';

test.runIf(hasProgram('etcd'))(
  'law 4: watches of three etcds, members of which are killed',
  { timeout: 600_000 },
  async () => {
    const { code, stdout } = await runKv('--target', 'cluster', '--kill', '--only', 'watch/re');
    expect(stdout).toMatch(/(\d+) of \1 hold\n$/);
    expect(code).toBe(0);
  },
);
