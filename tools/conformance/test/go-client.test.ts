/** `clientv3`, etcd's own client for Go, as Debian ships it: every step of `go/main.go` against the server, and against Debian's etcd. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { hasProgram, startEtcd } from '../lib/grpc/etcd.mjs';
import { serve } from './support/serve.ts';

const folder = fileURLToPath(new URL('../go/', import.meta.url));

/** Builds the client; what is missing is the test's failure. */
function build(): void {
  const { status, stderr } = spawnSync('sh', ['build.sh'], { cwd: folder, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
}

/** The lines that the client prints. */
function steps(endpoint: string): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const child = spawn('./bin/goclient', ['-endpoint', endpoint], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.on('close', () => resolve(out.trimEnd().split('\n')));
  });
}

const possible =
  hasProgram('go') && hasProgram('etcd') && spawnSync('dpkg', ['-L', 'golang-etcd-server-dev']).status === 0;

test.runIf(possible)(
  'C1, law 4: the client for Go, its locks, elections and transactional memory, find what they find in etcd',
  async () => {
    build();
    const etcd = await startEtcd();
    onTestFinished(etcd.close);
    const ours = await steps(await serve());
    expect(ours.at(-1)).toMatch(/^(\d+) of \1 steps as expected$/);
    expect(ours).toEqual(await steps(etcd.endpoint));
  },
  600_000,
);
