import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@varve/base/node/free-ports';
import { expect, test } from 'vitest';
import { clientOf, count, folder, NodeProgram, put } from '../support/program.ts';

const bin = fileURLToPath(new URL('../../dist/etcd/bin-etcd.js', import.meta.url));

function etcd(...args: readonly string[]): NodeProgram {
  return new NodeProgram(bin, args);
}

/** A started one, and where. */
async function started(data: string, ...more: readonly string[]): Promise<{ program: NodeProgram; url: string }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const program = etcd('--data-dir', data, '--listen-client-urls', url, '--advertise-client-urls', url, ...more);
  await expect.poll(() => program.err).toContain('ready to serve client requests');
  return { program, url };
}

test('R92, decisions/0041: the database lies where etcd has its own, and the signal that ends it is how it ends', async () => {
  const data = join(folder(), 'data');
  const first = await started(data);
  const lines = first.program.err.split('\n');
  for (const word of ['published', 'enabled capabilities for version', 'serving insecure client requests on']) {
    expect(lines.filter((line) => line.includes(word)).length, word).toBe(1);
  }
  await put(clientOf(first.url), 'k');
  first.program.child.kill('SIGTERM');
  await first.program.ended;
  expect([first.program.child.signalCode, first.program.out]).toEqual(['SIGTERM', '']);
  expect(first.program.err).toContain('received terminated signal, shutting down...');
  expect(readdirSync(join(data, 'member', 'snap'))).toContain('db');

  const second = await started(data, '--initial-cluster-state', 'existing');
  expect(await count(clientOf(second.url))).toBe(1);
});

test('decisions/0041: history that is older than the retention is compacted by itself', async () => {
  const { program, url } = await started(join(folder(), 'data'), '--auto-compaction-retention', '1s');
  await put(clientOf(url), 'k');
  await expect.poll(() => program.err).toContain('Finished auto-compaction at revision 2');
});

test('decisions/0041: JSON lines on standard output, slow requests among them, and metrics at an address of their own', async () => {
  const port = await freePort();
  const metrics = `http://127.0.0.1:${port}`;
  const url = `http://127.0.0.1:${await freePort()}`;
  const program = etcd(
    ...['--data-dir', join(folder(), 'data'), '--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--logger=zap', '--log-outputs=stdout', '--listen-metrics-urls', metrics],
    '--experimental-warning-apply-duration=0s',
  );
  await expect.poll(() => program.out).toContain('ready to serve client requests');
  for (const line of program.out.trim().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) });
  expect(program.err).toBe('');
  expect((await fetch(`${metrics}/health`)).status).toBe(200);
  expect(await count(clientOf(metrics)).catch((error: unknown) => error)).toBeInstanceOf(Error);
  await put(clientOf(url), 'k');
  const slow = (): string | undefined => program.out.split('\n').find((line) => line.includes('took too long'));
  await expect.poll(slow).toBeDefined();
  expect(JSON.parse(slow()!)).toMatchObject({ method: '/etcdserverpb.KV/Put', code: 0, untold: 0 });
});

test.skipIf(process.platform === 'win32')(
  'decisions/0041: clients at a Unix socket, named as etcd names it, without a word of warning',
  async () => {
    const cwd = folder();
    const args = ['--listen-client-urls', 'unix://localhost:2379', '--advertise-client-urls', 'unix://localhost:2379'];
    const program = new NodeProgram(bin, ['--data-dir', 'data', '--logger=zap', ...args], cwd);
    await expect.poll(() => program.err, { timeout: 20_000 }).toContain('ready to serve client requests');
    const path = join(cwd, 'localhost:2379');
    await expect.poll(() => program.err).toContain(`serving client requests on ${path}`);
    expect(program.err).toContain('"advertise-client-urls":["unix://localhost:2379"]');
    await put(clientOf(`unix://${path}`), 'k');
    expect(await count(clientOf(`unix://${path}`))).toBe(1);
    program.child.kill('SIGTERM');
    await program.ended;
    expect([program.child.signalCode, existsSync(path)]).toEqual(['SIGTERM', false]);
    expect(program.err).not.toMatch(/"level":"(?:warn|notice)"|discouraged/);
  },
);

test.each([
  [['--wrong'], 2, 'flag provided but not defined: -wrong'],
  [['grpc-proxy', 'start'], 2, 'there is no such proxy'],
  [['--enable-v2'], 1, 'etcd 2 is not served'],
  [['--initial-cluster', 'default=http://a:1,b=http://b:1'], 1, 'a cluster of one member'],
  [['--config-file', '/nowhere/x.yml'], 1, 'cannot be read'],
])('R94, decisions/0041: %j ends with %i', async (args, code, text) => {
  const program = etcd(...args);
  expect(await program.ended).toBe(code);
  expect(program.err).toContain(text);
  expect(program.err).not.toMatch(/\n\s+at /);
});

test('decisions/0041: there is no cluster to join, and no folder is made for trying', async () => {
  const data = join(folder(), 'data');
  const program = etcd('--data-dir', data, '--initial-cluster-state', 'existing');
  expect([await program.ended, program.err]).toEqual([1, expect.stringContaining('no cluster to join')]);
  expect(existsSync(data)).toBe(false);
});

test('decisions/0041: the folder of an etcd, with its write-ahead log, is left as it is', async () => {
  const data = folder();
  mkdirSync(join(data, 'member', 'wal'), { recursive: true });
  const program = etcd('--data-dir', data);
  expect([await program.ended, program.err]).toEqual([4, expect.stringContaining('write-ahead log of an etcd')]);
  expect(readdirSync(join(data, 'member'))).toEqual(['wal']);
});

test('decisions/0041: --version and --help', async () => {
  const version = etcd('--version');
  expect([await version.ended, version.out]).toEqual([0, expect.stringMatching(/^etcd Version: 3\.\d+\.\d+\n/)]);
  const help = etcd('-h');
  expect([await help.ended, help.out]).toEqual([0, expect.stringContaining("--data-dir ''")]);
});
