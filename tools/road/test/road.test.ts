/** Both roads from one machine to a cluster and back, as short as they can be walked; with VARVE_LARGE=1 all of them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasProgram } from '../../conformance/lib/grpc/etcd.mjs';

const isLarge = process.env['VARVE_LARGE'] === '1';
const timeout = 600_000;
const runs = {
  live: isLarge
    ? ['--keys', '20000', '--rate', '400', '--seconds', '40']
    : ['--way', 'back', '--keys', '300', '--rate', '300', '--seconds', '1', '--few'],
  offline: isLarge ? [] : ['--engine', 'log', '--steps', '60'],
};

/** What a tool prints, and its exit code. */
function run(tool: keyof typeof runs): Promise<{ code: unknown; stdout: string }> {
  const program = join(import.meta.dirname, '..', `${tool}.mjs`);
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...runs[tool]], (error, stdout) => {
      resolve({ code: error === null ? 0 : error.code, stdout });
    });
  });
}

test.runIf(hasProgram('etcd'))('decisions/0044: live, with both ends and the mirror killed', { timeout }, async () => {
  const { code, stdout } = await run('live');
  expect(stdout).toMatch(/(\d+) of \1 hold\n$/);
  expect(code).toBe(0);
});

test.runIf(hasProgram('etcd') && hasProgram('etcdctl'))(
  'decisions/0016: offline, by every command that docs/guide/leaving.md shows',
  { timeout },
  async () => {
    const { code, stdout } = await run('offline');
    expect(stdout).toMatch(/(\d+) of \1 hold\n$/);
    expect(code).toBe(0);
  },
);
