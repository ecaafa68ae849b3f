/** The real `etcdctl`, with the same commands against the server and against Debian's etcd: the same output. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { etcdctlEnvironment as env, startEtcd } from '../lib/grpc/etcd.mjs';
import { etcdctl, isThere, normalized, type Output } from './support/etcdctl.ts';
import { serve } from './support/serve.ts';

type Command = readonly [args: string, input?: string];

const commands: readonly Command[] = [
  ['put a 1'],
  ['put a 2 --prev-kv'],
  ['put b x -w json'],
  ['get a'],
  ['get a -w json'],
  ['get a --rev 2'],
  ['get a --rev 100'],
  ['get --prefix --keys-only'],
  ['get a c --sort-by VALUE --order DESCEND'],
  ['get a --from-key --count-only -w json'],
  ['get a --print-value-only --consistency s'],
  ['put nope --ignore-value'],
  ['put a --ignore-value'],
  ['txn', 'mod("a") = "0"\n\nput a no\n\nget a\nput c 3\n\n'],
  ['txn -w json', 'version("a") > "1"\n\ndel b\nget b\n\n\n\n'],
  ['txn', 'value("a") = "2"\n\nput a 1\nput a 2\n\n\n\n'],
  ['del a --prev-kv'],
  ['del z'],
  ['del --prefix ""'],
  ['endpoint hashkv'],
  ['lease grant 100 -w fields'],
  ['lease grant 9000000001'],
  ['lease revoke 1234'],
  ['lease timetolive 1234'],
  ['lease list'],
  ['compaction 3'],
  ['compaction 3'],
  ['compaction 100'],
  ['compaction 5 --physical'],
  ['get a --rev 2'],
  ['alarm list'],
  ['alarm disarm'],
  ['defrag'],
  ['endpoint health'],
  ['member list -w simple'],
  ['move-leader 1234'],
  ['member remove 1234'],
];

const both = async (): Promise<readonly [string, string]> => {
  const etcd = await startEtcd();
  onTestFinished(() => etcd.close());
  return [etcd.endpoint, await serve()];
};

test.skipIf(!isThere)(
  'etcdctl prints the same, command by command',
  async () => {
    const endpoints = await both();
    for (const [args, input] of commands) {
      const words = args.split(' ').map((word) => (word === '""' ? '' : word));
      const [theirs, ours] = await Promise.all(endpoints.map((endpoint) => etcdctl(endpoint, words, input)));
      const shown = (output: Output | undefined) => [args, output?.status, normalized(`${output?.out}${output?.err}`)];
      expect(shown(ours)).toEqual(shown(theirs));
    }
  },
  300_000,
);

test.skipIf(!isThere)('etcdctl prints at a Unix socket what it prints at the port of the same server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-etcdctl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'varve.sock');
  const endpoints = [await serve({ also: [{ path }] }), `unix://${path}`];
  expect((await etcdctl(endpoints[1]!, ['put', 'a', '1'])).out).toBe('OK\n');
  for (const args of ['get a', 'member list', 'endpoint status', 'endpoint health', 'endpoint hashkv', 'defrag']) {
    const [port, socket] = await Promise.all(endpoints.map((endpoint) => etcdctl(endpoint, args.split(' '))));
    const shown = (output: Output | undefined) =>
      [args, output?.status, normalized(`${output?.out}${output?.err}`.replaceAll(endpoints[1]!, 'HOST'))] as const;
    expect(shown(socket)).toEqual(shown(port));
    expect(socket?.status).toBe(0);
  }
});

test.skipIf(!isThere)(
  'etcdctl watches, keeps leases alive, takes snapshots, and mirrors',
  async () => {
    const endpoints = await both();
    const seen = await Promise.all(endpoints.map(session));
    expect(seen[1]).toEqual(seen[0]);
  },
  300_000,
);

async function session(endpoint: string): Promise<unknown> {
  const run = async (...args: readonly string[]): Promise<string> => (await etcdctl(endpoint, args)).out;
  const folder = mkdtempSync(join(tmpdir(), 'varve-etcdctl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));

  const granted = await run('lease', 'grant', '60');
  const id = /lease (\S+) granted/.exec(granted)?.[1] ?? '';
  await run('put', 'k1', '1', '--lease', id);
  await run('put', 'k2', '2', '--lease', id);
  const alive = await run('lease', 'keep-alive', '--once', id);
  const left = await run('lease', 'timetolive', id, '--keys');

  const watch = spawn('etcdctl', ['--endpoints', endpoint, 'watch', '--prefix', 'k', '--rev', '1', '--prev-kv'], {
    env,
  });
  onTestFinished(() => void watch.kill());
  let events = '';
  watch.stdout.setEncoding('utf8').on('data', (chunk: string) => (events += chunk));
  await run('put', 'k1', '3');
  await run('lease', 'revoke', id);
  await run('put', 'k3', 'end');
  await expect.poll(() => events, { timeout: 60_000 }).toContain('end');

  const snapshot = join(folder, 'snapshot.db');
  const saved = (await run('snapshot', 'save', snapshot)).replaceAll(folder, 'FOLDER');
  const state = await etcdctl(endpoint, ['snapshot', 'status', snapshot]);
  // Hash, revision, keys, size: only the revision is the same whatever is in the other buckets.
  const revision = state.out.split(', ')[1];
  const data = join(folder, 'restored');
  const restored = await etcdctl(endpoint, ['snapshot', 'restore', snapshot, '--data-dir', data]);

  const target = await serve();
  const mirror = spawn('etcdctl', ['--endpoints', endpoint, 'make-mirror', target], { env });
  onTestFinished(() => void mirror.kill());
  const mirrored = async (): Promise<string> => (await etcdctl(target, ['get', '--prefix', ''])).out;
  await expect.poll(mirrored, { timeout: 60_000, interval: 500 }).toContain('end');
  const all = [granted, alive, left].map((text) => normalized(text));
  return [all, events, saved, revision, restored.status, await mirrored()];
}
