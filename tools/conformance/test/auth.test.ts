/** Users, roles, locks and elections, beside Debian's etcd: the same calls, the same commands, and files that go from one to the other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackend } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { expect, onTestFinished, test } from 'vitest';
import { authDifferential } from '../lib/grpc/auth-differential.mjs';
import { etcdctlEnvironment, startEtcd } from '../lib/grpc/etcd.mjs';
import { GrpcClient } from '../lib/grpc/client.mjs';
import { etcdctl, isThere, normalized } from './support/etcdctl.ts';
import { serve } from './support/serve.ts';

const isLarge = process.env['VARVE_LARGE'] === '1';
const cheap = ['--bcrypt-cost', '4'];

const both = async (): Promise<readonly [string, string]> => {
  const etcd = await startEtcd(cheap);
  onTestFinished(() => etcd.close());
  return [etcd.endpoint, await serve({ bcryptCost: 4 })];
};

test.skipIf(!isThere)(
  'S166 to S187: random calls of users, roles and tokens have the same answers on both servers',
  async () => {
    const [theirs, ours] = await both();
    const differences: unknown[] = [];
    const size = { seed: isLarge ? Date.now() % 2 ** 31 : 1, ops: isLarge ? 10_000 : 800 };
    const { equal, total, failures } = await authDifferential(theirs, ours, size, (one) => differences.push(one));
    expect({ seed: size.seed, differences }).toEqual({ seed: size.seed, differences: [] });
    expect([equal, failures > total / 20, failures < total * 0.8]).toEqual([total, true, true]);
  },
  600_000,
);

const asRoot = '--user root:rpw';
const asU1 = '--user u1:pw1';

type Command = readonly [args: string, input?: string];

const commands: readonly Command[] = [
  ['auth enable'],
  ['user add root --interactive=false', 'rpw\n'],
  ['user add root:rpw'],
  ['user add u1:pw1'],
  ['user add u2 --no-password'],
  ['user add u1:again'],
  ['user list'],
  ['user get u1'],
  ['user get nobody'],
  ['role add root'],
  ['role add r1'],
  ['role add r1'],
  ['role list'],
  ['role grant-permission r1 readwrite k l'],
  ['role grant-permission r1 read a'],
  ['role grant-permission r1 read x --from-key'],
  ['role grant-permission r1 write p/ --prefix'],
  ['role grant-permission r1 wrong a'],
  ['role grant-permission nobody read a'],
  ['role get r1'],
  ['role get nobody'],
  ['role revoke-permission r1 a'],
  ['role revoke-permission r1 a'],
  ['role revoke-permission r1 x --from-key'],
  ['role get r1 -w json'],
  ['user grant-role u1 r1'],
  ['user grant-role u1 r1'],
  ['user grant-role u1 nobody'],
  ['user grant-role root root'],
  ['user get u1'],
  ['user get u1 --detail'],
  ['user revoke-role u1 nobody'],
  ['auth enable'],
  ['put k1 x'],
  ['user list'],
  [`${asU1} put k1 x`],
  [`${asU1} put q x`],
  [`${asU1} get k1`],
  [`${asU1} get k z`],
  [`${asU1} get --prefix p/`],
  [`${asU1} put p/1 x`],
  [`${asU1} del k1`],
  [`${asU1} user list`],
  [`${asU1} user get u1`],
  [`${asU1} role get r1`],
  ['--user u1:wrong put k1 x'],
  ['--user u2:x put k1 x'],
  [`${asU1} defrag`],
  [`${asRoot} put q x`],
  [`${asRoot} get --prefix "" --keys-only`],
  [`${asRoot} user passwd u1 --interactive=false`, 'pw2\n'],
  [`${asU1} get k1`],
  ['--user u1:pw2 get k1'],
  [`${asRoot} user delete root`],
  [`${asRoot} role delete root`],
  [`${asRoot} user revoke-role root root`],
  [`${asRoot} user revoke-role u1 r1`],
  ['--user u1:pw2 get k1'],
  [`${asRoot} role delete r1`],
  [`${asRoot} user delete u1`],
  [`${asRoot} user list`],
  [`${asRoot} role list`],
  [`${asRoot} auth disable`],
  ['put k1 x'],
  ['auth disable'],
  ['user delete root'],
];

/** What 3.4 answers as it has it, and the server with etcd's newer codes (docs/spec/server-api.md 14). */
function mapped(text: string): string {
  return text
    .replaceAll('rpc error: code = Unknown desc = auth: ', 'etcdserver: ')
    .replaceAll(/\b(auth|etcdserver): /g, '');
}

test.skipIf(!isThere)(
  'etcdctl user, role and auth print the same, command by command',
  async () => {
    const endpoints = await both();
    for (const [args, input] of commands) {
      const words = args.split(' ').map((word) => (word === '""' ? '' : word));
      const [theirs, ours] = await Promise.all(endpoints.map((endpoint) => etcdctl(endpoint, words, input)));
      const shown = (output: typeof ours): unknown => [
        args,
        output?.status,
        mapped(normalized(`${output?.out}${output?.err}`)),
      ];
      expect(shown(ours)).toEqual(shown(theirs));
    }
  },
  300_000,
);

test.skipIf(!isThere)(
  'S199 to S212: the services of locks and elections answer as those of etcd, field by field',
  async () => {
    const session = async (endpoint: string): Promise<unknown> => {
      const client = new GrpcClient(endpoint);
      onTestFinished(() => client.close());
      const answers: unknown[] = [];
      const call = async (op: string, req: Record<string, unknown> = {}, token?: string): Promise<void> => {
        answers.push([op, req, await client.call(op, req, token)]);
      };
      /** Begins a call that waits, and resolves when its key is there. */
      const begin = async (op: string, req: Record<string, unknown>, key: string): Promise<() => Promise<void>> => {
        const answer = client.call(op, req);
        await expect
          .poll(() => client.call('range', { key }), { timeout: 60_000 })
          .toMatchObject({ res: { count: 1 } });
        return async () => void answers.push([op, req, await answer]);
      };
      for (const ID of [255, 4096, 7]) await call('leaseGrant', { ID, TTL: 600 });
      await call('lock', { name: 'lk', lease: 255 });
      await call('lock', { name: 'lk', lease: 255 });
      await call('lock', { name: '', lease: 255 });
      await call('lock', { name: 'lk', lease: 99 });
      const second = await begin('lock', { name: 'lk', lease: 4096 }, 'lk/1000');
      const third = await begin('lock', { name: 'lk', lease: 7 }, 'lk/7');
      await call('unlock', { key: 'lk/ff' });
      await second();
      await call('leaseRevoke', { ID: 4096 });
      await third();
      await call('unlock');
      await call('unlock', { key: 'nope' });
      await call('leaseGrant', { ID: 4096, TTL: 600 });
      await call('leader', { name: 'el' });
      await call('proclaim', { value: 'x' });
      await call('resign');
      await call('campaign', { name: 'el', lease: 255, value: 'v1' });
      await call('campaign', { name: 'el', lease: 255, value: 'v1' });
      await call('campaign', { name: 'el', lease: 255, value: 'v2' });
      await call('campaign', { name: 'el', lease: 99, value: 'v2' });
      await call('leader', { name: 'el' });
      const { res } = (await client.call('range', { key: 'el/ff' })) as { res: { kvs: [{ createRevision: number }] } };
      const leader = { name: 'el', key: 'el/ff', rev: res.kvs[0].createRevision, lease: 255 };
      await call('proclaim', { leader, value: 'v3' });
      await call('proclaim', { leader: { ...leader, rev: 1 }, value: 'v4' });
      await call('proclaim', { leader: { ...leader, key: '' }, value: 'v4' });
      await call('resign', { leader: { ...leader, rev: 1 } });
      const next = await begin('campaign', { name: 'el', lease: 4096, value: 'n1' }, 'el/1000');
      await call('resign', { leader });
      await next();
      await call('leader', { name: 'el' });
      for (const name of ['root', 'u1']) await call('userAdd', { name, password: name });
      await call('userGrantRole', { user: 'root', role: 'root' });
      await call('authEnable');
      await call('lock', { name: 'lk', lease: 255 });
      const given = (await client.call('authenticate', { name: 'u1', password: 'u1' })) as { res: { token: string } };
      for (const op of ['lock', 'campaign', 'leader']) await call(op, { name: 'lk', lease: 255 }, given.res.token);
      await call('unlock', { key: 'lk/ff' }, 'wrong.1');
      return answers;
    };
    const [theirs, ours] = await Promise.all((await both()).map(session));
    expect(ours).toEqual(theirs);
  },
  300_000,
);

/** A command that goes on until it is ended. */
function running(endpoint: string, ...args: readonly string[]): { child: ChildProcess; text: () => string } {
  const child = spawn('etcdctl', ['--endpoints', endpoint, ...args], { env: etcdctlEnvironment });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, text: () => normalized(text) };
}

test.skipIf(!isThere)(
  'etcdctl lock and elect: who comes second waits for the first, and an observer hears of both',
  async () => {
    const session = async (endpoint: string): Promise<readonly string[]> => {
      /** Waits until it has printed what it says so often. */
      const says = (text: () => string, word: string, times = 1): Promise<void> =>
        expect.poll(() => text().split(word).length - 1, { timeout: 60_000 }).toBeGreaterThanOrEqual(times);
      const held = running(endpoint, 'lock', 'lk');
      await says(held.text, 'lk/');
      const waits = running(endpoint, 'lock', 'lk');
      await expect
        .poll(async () => (await etcdctl(endpoint, ['get', '--prefix', 'lk/', '--keys-only'])).out.match(/lk/g)?.length)
        .toBe(2);
      expect(waits.text()).toBe('');
      held.child.kill('SIGINT');
      await says(waits.text, 'lk/');
      const first = running(endpoint, 'elect', 'el', 'one');
      await says(first.text, 'one');
      const listens = running(endpoint, 'elect', '--listen', 'el');
      await says(listens.text, 'one');
      const second = running(endpoint, 'elect', 'el', 'two');
      await expect
        .poll(async () => (await etcdctl(endpoint, ['get', '--prefix', 'el/', '--keys-only'])).out.match(/el/g)?.length)
        .toBe(2);
      first.child.kill('SIGINT');
      await says(second.text, 'two');
      await says(listens.text, 'two');
      const run = await etcdctl(endpoint, ['lock', 'run', 'echo', 'done']);
      return [held, waits, first, second, listens].map(({ text }) => idless(text())).concat(run.out);
    };
    const [theirs, ours] = await Promise.all((await both()).map(session));
    expect(ours).toEqual(theirs);
  },
  300_000,
);

/** Without leases, which come at random. */
function idless(text: string): string {
  return text.replaceAll(/\/[0-9a-f]+/g, '/LEASE').replaceAll('/ID', '/LEASE');
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'varve-auth-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const setUp = ['user add root:rpw', 'user add u1:pw1', 'user add u2 --no-password', 'role add r1'].concat(
  ['role grant-permission r1 readwrite k l', 'user grant-role u1 r1', 'user grant-role root root', 'auth enable'],
  [`${asU1} put k1 before`, `${asRoot} put q 1`],
);

/** What the users of `setUp` can do. */
async function check(endpoint: string): Promise<unknown> {
  const shown: unknown[] = [];
  for (const args of [
    ...[`${asU1} get k1`, `${asU1} put k2 after`, `${asU1} get q`, '--user u1:wrong get k1', 'get k1'],
    ...[`${asRoot} get --prefix "" --keys-only`, `${asRoot} user list`, `${asRoot} role get r1`],
    ...[`${asRoot} user get u1`, `${asRoot} user add u3:pw3`, `${asRoot} auth disable`, 'get k2'],
  ]) {
    const words = args.split(' ').map((word) => (word === '""' ? '' : word));
    const { status, out, err } = await etcdctl(endpoint, words);
    shown.push([args, status, normalized(out + err)]);
  }
  return shown;
}

/** All rows of users, roles and the switch, without the hashes of passwords, which have salt. */
async function rowsOf(snapshot: string): Promise<readonly string[]> {
  const backend = await openBackend(await fileEngine(snapshot, { readOnly: true }));
  const shown: string[] = [];
  try {
    const tx = backend.concurrentReadTx();
    for (const [id, name] of [
      [20, 'auth'],
      [21, 'authUsers'],
      [22, 'authRoles'],
    ] as const) {
      for await (const rows of tx.scan({ id, name, appendOnly: false })) {
        for (const { key, value } of rows) {
          const text = [key, value].map((bytes) => JSON.stringify(Buffer.from(bytes).toString('latin1'))).join(' ');
          shown.push(`${name} ${text.replace(/\$2a\$04\$.{53}/, 'HASH')}`);
        }
      }
    }
    tx[Symbol.dispose]();
  } finally {
    await backend.close();
  }
  return shown;
}

async function prepared(endpoint: string, path: string): Promise<string> {
  for (const args of setUp) expect([args, (await etcdctl(endpoint, args.split(' '))).status]).toEqual([args, 0]);
  const snapshot = join(path, 'snapshot.db');
  const saved = await etcdctl(endpoint, ['--user', 'root:rpw', 'snapshot', 'save', snapshot]);
  expect(saved).toMatchObject({ status: 0 });
  return snapshot;
}

const pem = { type: 'pkcs8', format: 'pem' } as const;
const spki = { type: 'spki', format: 'pem' } as const;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: pem, publicKeyEncoding: spki });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: pem, publicKeyEncoding: spki });

test.skipIf(!isThere).each([
  ['RS256', rsa.privateKey],
  ['PS512', rsa.privateKey],
  ['ES256', ec.privateKey],
  ['HS384', 'a secret that both know'],
] as const)(
  'SVJW1: with one key, %s, each server reads the tokens of the other',
  async (signMethod, privateKey) => {
    const path = join(folder(), 'key.pem');
    writeFileSync(path, privateKey);
    const etcd = await startEtcd([...cheap, '--auth-token', `jwt,sign-method=${signMethod},priv-key=${path}`]);
    onTestFinished(() => etcd.close());
    const endpoints = [etcd.endpoint, await serve({ bcryptCost: 4, authToken: { signMethod, privateKey } })];
    const clients = endpoints.map((endpoint) => new GrpcClient(endpoint));
    const tokens: string[] = [];
    for (const client of clients) {
      onTestFinished(() => client.close());
      await client.call('userAdd', { name: 'root', password: 'root' });
      await client.call('userGrantRole', { user: 'root', role: 'root' });
      expect(await client.call('authEnable', {})).toHaveProperty('res');
      const given = (await client.call('authenticate', { name: 'root', password: 'root' })) as {
        res: { token: string };
      };
      tokens.push(given.res.token);
    }
    const answers = clients.flatMap((client) =>
      tokens.map((token) => client.call('put', { key: 'a', value: '1' }, token)),
    );
    for (const answer of await Promise.all(answers)) expect(answer).toHaveProperty('res.rev');
    // A change at both makes all of them old.
    for (const client of clients) await client.call('roleAdd', { name: 'r1' }, tokens[0]);
    for (const client of clients) {
      for (const token of tokens) {
        expect(await client.call('range', { key: 'a' }, token)).toEqual({
          err: { code: 3, msg: 'etcdserver: revision of auth store is old' },
        });
      }
    }
  },
  120_000,
);

test.skipIf(!isThere)(
  'SVAR1: a snapshot of an etcd with auth on opens with its users, and one of varve does in etcd',
  async () => {
    const [theirs, ours] = await both();
    const [theirFolder, ourFolder] = [folder(), folder()];
    const theirSnapshot = await prepared(theirs, theirFolder);
    const theirRows = await rowsOf(theirSnapshot);
    const taken = await check(await serve({ bcryptCost: 4 }, await fileEngine(theirSnapshot)));

    const ourSnapshot = await prepared(ours, ourFolder);
    expect(await rowsOf(ourSnapshot)).toEqual(theirRows);
    const data = join(ourFolder, 'restored');
    expect(await etcdctl(ours, ['snapshot', 'restore', ourSnapshot, '--data-dir', data])).toMatchObject({ status: 0 });
    const etcd = await startEtcd([...cheap, '--force-new-cluster'], data);
    onTestFinished(() => etcd.close());
    const given = await check(etcd.endpoint);
    expect(given).toEqual(taken);
    // Both are what they were made from.
    expect(await check(theirs)).toEqual(taken);
    expect(await check(ours)).toEqual(taken);
  },
  300_000,
);
