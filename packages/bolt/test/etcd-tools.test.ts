/**
 * etcd and etcdctl over files written here (Debian's `etcd-server etcd-client`); without them the tests are left out, and
 * their name says so.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { freePort } from '@varve/base/node/free-ports';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
const servers: ChildProcess[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    const ended = once(server, 'exit');
    if (server.kill('SIGKILL')) await ended;
  }
});
afterAll(() => scratch.remove());

function etcdctl(...args: string[]): string {
  const env = { ...process.env, ETCDCTL_API: '3' };
  const { error, status, stdout, stderr } = spawnSync('etcdctl', args, { env, timeout: 100_000 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${stderr.toString().slice(0, 500)}`);
  return stdout.toString();
}

interface Status {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

const statusOf = (file: string): Status => JSON.parse(etcdctl('snapshot', 'status', file, '-w', 'json')) as Status;

/** Restores the file into a new folder, starts a server on it, and asks it for everything. */
async function served(file: string): Promise<Map<string, string>> {
  const folder = path.join(scratch.folder, `restored-${path.basename(file)}`);
  etcdctl('snapshot', 'restore', file, '--skip-hash-check', '--data-dir', folder);
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer];
  servers.push(spawn('etcd', ['--data-dir', folder, ...urls], { stdio: 'ignore' }));
  const waiting = ['--dial-timeout', '90s', '--command-timeout', '90s'];
  const answer = JSON.parse(etcdctl('--endpoints', client, ...waiting, 'get', '', '--prefix', '-w', 'json')) as {
    readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
  };
  const plain = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');
  return new Map((answer.kvs ?? []).map(({ key, value = '' }) => [plain(key), plain(value)]));
}

const missing = ['etcd', 'etcdctl'].filter((name) => spawnSync(name, ['--version']).error !== undefined);

const suite = (): void => {
  test('F95 a database written by us passes status and restore, and a server serves the same keys', async () => {
    const original = scratch.vector('etcd-history.snapshot');
    const file = scratch.file();
    {
      await using source = await openBolt(scratch.vector('etcd-history.raw'), { readOnly: true });
      await using bolt = await openBolt(file);
      using tx = source.read();
      await bolt.write((write) => {
        for (const name of ['key', 'meta']) {
          const bucket = write.createBucket(name);
          for (const { key, value } of tx.bucket(name)?.entries() ?? []) bucket.put(key, value as Uint8Array);
        }
      });
    }
    const { revision } = statusOf(file);
    expect(revision).toBe(statusOf(original).revision);
    const keys = await served(file);
    expect(keys.size).toBeGreaterThan(50);
    expect(keys).toEqual(await served(original));
  }, 120_000);

  test.each(['persisted', 'scanned'] as const)(
    'F96 a file of etcd that we change, its free list %s, is one of etcd still',
    async (freelist) => {
      const file = scratch.vector('etcd-history.raw');
      const before = statusOf(file);
      {
        await using bolt = await openBolt(file, { freelist });
        await bolt.write((tx) => {
          const bucket = tx.bucket('key');
          const rows = [...(bucket?.entries() ?? [])];
          for (const { key } of rows) bucket?.delete(key);
          for (const { key, value } of rows) bucket?.put(key, value as Uint8Array);
          tx.bucket('cluster')?.put('clusterVersion', '3.4.0');
        });
        await bolt.write((tx) => tx.createBucket('varve').put('k', 'v'));
        await bolt.write((tx) => void tx.deleteBucket('varve'));
        expect((await bolt.check()).problems).toEqual([]);
      }
      const after = statusOf(file);
      expect({ ...after, totalSize: before.totalSize }).toEqual(before);
      expect(await served(file)).toEqual(await served(scratch.vector('etcd-history.raw')));
    },
    120_000,
  );
};

if (missing.length === 0) describe('etcd', suite);
else
  test(`etcd was left out: ${missing.join(' and ')} not installed`, () => {
    expect(missing.length).toBeGreaterThan(0);
  });
