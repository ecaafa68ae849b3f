/** `@varve/etcd` on real etcds in bad situations: the table of its README, row by row. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import { codeOf, connect, put, type ConnectOptions, type EtcdKv } from '@varve/etcd';
import { memory, open } from '@varve/kv';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EtcdCluster, newFolder } from '../lib/etcds.mjs';
import { etcdctlEnvironment, hasProgram } from '../lib/grpc/etcd.mjs';

/** Of read/bounded-watch.ts: timed right before a watcher of a stretch of history is made. */
const firstQuestionMs = 5;
const possible = hasProgram('etcd') && hasProgram('etcdctl');

async function etcds(count: number, options: Parameters<typeof EtcdCluster.start>[1] = {}): Promise<EtcdCluster> {
  const cluster = await EtcdCluster.start(count, options);
  onTestFinished(() => cluster.end());
  return cluster;
}

async function client(name: string, options: ConnectOptions = {}): Promise<EtcdKv> {
  const kv = await connect(name, { timeoutMs: 90_000, ...options });
  onTestFinished(() => kv.close());
  return kv;
}

async function failure(work: () => unknown): Promise<Error & { code?: string; limit?: number }> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}

function etcdctl(cluster: EtcdCluster, ...commands: readonly string[]): void {
  for (const command of commands) {
    const args = ['--endpoints', cluster.endpoints[0] ?? '', ...command.split(' ')];
    execFileSync('etcdctl', args, { env: etcdctlEnvironment, stdio: 'ignore' });
  }
}

describe.runIf(possible)('a cluster in bad situations', () => {
  test('decisions/0042: open of @varve/kv gives the same Kv for the name of a cluster', async () => {
    const cluster = await etcds(1);
    const kv = await open(cluster.name, { timeoutMs: 90_000 });
    onTestFinished(() => kv.close());
    const { revision } = await kv.put('a', '1');
    expect(await kv.get('a')).toEqual({
      key: 'a',
      value: '1',
      version: 1,
      createRevision: revision,
      modRevision: revision,
    });
    expect((await failure(() => open(cluster.name, { durability: 'commit' } as object))).code).toBe('KV_INVALID');
  });

  test('law 6: the same history has the same hash on etcd and in a store of ours, before and after compaction', async () => {
    const cluster = await etcds(1);
    const kv = await client(cluster.name);
    const own = await open(memory());
    onTestFinished(() => own.close());
    const both = [kv, own] as const;
    for (const one of both) {
      for (let i = 0; i < 50; i++) await one.put(`k${i % 7}`, `${i}`);
      await one.delete({ prefix: 'k1' });
      await one.txn({ then: [put('a', '1'), put('b', '2')] });
    }
    for (const revision of [0, 20, 50]) expect(await kv.hashByRev(revision)).toEqual(await own.hashByRev(revision));
    for (const one of both) await one.compact(30, { physical: true });
    expect(await kv.hashByRev()).toEqual(await own.hashByRev());
    expect(await failure(() => kv.hashByRev(10))).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 30 });
  });

  test('wrong password, no user, no right: KV_DENIED; a token that is forgotten is renewed, for writes and watches', async () => {
    const cluster = await etcds(1);
    await client(cluster.name);
    etcdctl(
      cluster,
      ...['user add root:pw', 'user add app:secret', 'role add root', 'user grant-role root root', 'role add app'],
      ...['role grant-permission app --prefix=true readwrite app/', 'user grant-role app app', 'auth enable'],
    );
    const wrong = await failure(() => connect(cluster.name, { auth: { user: 'root', password: 'no' } }));
    expect(wrong.code).toBe('KV_DENIED');
    expect((await failure(() => connect(cluster.name))).code).toBe('KV_DENIED');
    const root = await client(cluster.name, { auth: { user: 'root', password: 'pw' } });
    await root.put('a', '1');
    const app = await client(cluster.name, { auth: { user: 'app', password: 'secret' } });
    expect((await failure(() => app.get('a'))).code).toBe('KV_DENIED');
    expect((await failure(() => app.put('a', '2'))).code).toBe('KV_DENIED');
    const own = app.namespace('app/');
    await own.put('k', '1');
    expect((await own.transaction(async (tx) => (await tx.get('k'))?.value)).value).toBe('1');
    const watch = own.watch({ start: 'k', end: 'l' });
    await watch.started();
    const pulled = (async () => {
      for await (const event of watch) return event.value;
      return undefined;
    })();
    // Tokens of this kind are in the memory of the member.
    await cluster.kill(0);
    cluster.start(0);
    await until(() => own.get('k').then((entry) => entry?.value === '1'));
    await own.put('k', '2');
    expect(await pulled).toBe('2');
    expect((await root.get('app/k'))?.value).toBe('2');
  });

  test('BWA2, ECH2: changes and history that a compaction has overtaken are MVCC_COMPACTED, not fewer', async () => {
    const cluster = await etcds(1);
    let compacted: number | undefined;
    const kv = await client(cluster.name, { world: whereTimed(firstQuestionMs, () => compacting()) });
    const compacting = (): void => {
      if (compacted !== undefined) etcdctl(cluster, `compaction ${compacted}`);
      compacted = undefined;
    };
    const since = (await kv.put('a', '1')).revision;
    const gone = (await kv.delete('a')).revision;
    await kv.put('other', 'x');
    // The deletion is of the compacted revision itself: etcd refuses no watcher there, and has dropped it.
    compacted = gone;
    expect(await failure(() => kv.changes('a', { since }).toArray())).toMatchObject({
      code: 'MVCC_COMPACTED',
      compactRevision: gone,
    });
    await kv.put('b', '1');
    const before = (await kv.put('other', 'x')).revision;
    await kv.compact(before);
    const last = (await kv.delete('b')).revision;
    await kv.put('other', 'x');
    compacted = last;
    expect(await failure(() => kv.history('b').toArray())).toMatchObject({
      code: 'MVCC_COMPACTED',
      compactRevision: last,
    });
    expect(await kv.history('b').toArray()).toEqual([]);
    expect(await kv.changes('b', { since: last }).toArray()).toEqual([]);
  });

  test('WLI4, law 4: a watch whose next revision is compacted meanwhile is MVCC_COMPACTED, also where etcd does not say so', async () => {
    const cluster = await etcds(1);
    let compacted: number | undefined;
    const compacting = (): void => {
      if (compacted !== undefined) etcdctl(cluster, `compaction ${compacted}`);
      compacted = undefined;
    };
    // How long a new stream may be silent: timed right before watchers are made on it.
    const attemptTimeoutMs = 4999;
    const kv = await client(cluster.name, { attemptTimeoutMs, world: whereTimed(attemptTimeoutMs, compacting) });
    const other = await client(cluster.name);
    const valuesOf = async (key: string, from: number): Promise<unknown[]> => {
      const values: unknown[] = [];
      for await (const { value } of kv.watch(key, { from })) {
        values.push(value);
        if (value === 'end') return values;
      }
      return values;
    };
    await other.put('a', '1');
    const gone = (await other.delete('a')).revision;
    await other.put('a', 'end');
    compacted = gone;
    expect(await failure(() => valuesOf('a', gone))).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: gone });
    // Who goes on from there gets what is left; the next revisions are whole.
    expect(await valuesOf('a', gone)).toEqual(['end']);
    await other.put('b', '1');
    const next = (await other.delete('b')).revision;
    await other.put('b', 'end');
    expect(await valuesOf('b', next)).toEqual([undefined, 'end']);
  });

  test('the quota is used up: KV_NO_SPACE, and reads and deletions go on', async () => {
    const cluster = await etcds(1, { more: ['--quota-backend-bytes', `${4 * 1024 * 1024}`] });
    const kv = await client(cluster.name);
    const value = 'x'.repeat(1024 * 1024);
    const error = await failure(async () => {
      for (let i = 0; i < 20; i++) await kv.put(`k${i}`, value);
    });
    expect(error.code).toBe('KV_NO_SPACE');
    expect((await failure(() => kv.put('a', '1'))).code).toBe('KV_NO_SPACE');
    expect((await kv.get('k0'))?.value.length).toBe(value.length);
    expect((await kv.delete('k0')).deleted).toBe(1);
  });

  test('what is too large for the cluster is KV_TOO_LARGE, with its limit', async () => {
    const cluster = await etcds(1);
    const kv = await client(cluster.name, { limits: { maxOps: 1000, maxValueBytes: 8 << 20 } });
    for (const size of [1_572_864, 3 << 20]) {
      const error = await failure(() => kv.put('a', 'x'.repeat(size)));
      expect([error.code, error.limit]).toEqual(['KV_TOO_LARGE', 1_572_864]);
    }
    const then = Array.from({ length: 129 }, (_, i) => ({ type: 'put', key: `k${i}`, value: 'x' }) as const);
    const error = await failure(() => kv.txn({ then }));
    expect([error.code, error.limit]).toEqual(['KV_TOO_LARGE', 128]);
    await kv.txn({ then: then.slice(1) });
    const wide = await failure(() =>
      kv.transaction(async (tx) => {
        await tx.list({});
        tx.put('sum', 'x');
      }),
    );
    expect([wide.code, wide.limit]).toEqual(['KV_TOO_LARGE', 128]);
    expect(await kv.count({})).toBe(128);
  });

  test('a member that is stopped: reads go to another one, a write is KV_UNKNOWN_OUTCOME, watches go on elsewhere', async () => {
    const cluster = await etcds(3);
    const first = `etcd://${cluster.endpoints[0]}`;
    const other = await client(`etcd://${cluster.endpoints[1]}`);
    const reader = await client(first, { syncIntervalMs: 1000, attemptTimeoutMs: 2000 });
    // It knows of no other member.
    const writer = await client(first, { timeoutMs: 10_000 });
    await writer.put('a', '1');
    const events = reader.watch('a')[Symbol.asyncIterator]();
    // Its stream is there when an event has come.
    const begun = events.next();
    await until(() => Promise.race([begun.then(() => true), other.put('a', '1').then(() => false)]));
    cluster.pause(0);
    onTestFinished(() => cluster.resume(0));
    const writing = failure(() => writer.put('b', '1'));
    await until(async () => (await reader.get('a'))?.value === '1');
    expect((await writing).code).toBe('KV_UNKNOWN_OUTCOME');
    await until(() => other.put('a', 'end').then(() => true));
    const values: unknown[] = [];
    for (let event = await events.next(); event.done !== true; event = await events.next()) {
      values.push(event.value.value);
      if (event.value.value === 'end') break;
    }
    expect(values.at(-1)).toBe('end');
  });

  test('without a quorum: serializable reads answer, linearizable ones and writes are KV_UNAVAILABLE', async () => {
    const cluster = await etcds(3);
    const old = await client(cluster.name, { reads: 'serializable' });
    const exact = await client(cluster.name);
    const { revision } = await exact.put('a', '1');
    await until(async () => (await old.get('a'))?.modRevision === revision);
    await Promise.all([cluster.kill(0), cluster.kill(1)]);
    const last = `etcd://${cluster.endpoints[2]}` as const;
    await until(async () => (await old.get('a'))?.value === '1');
    expect(await old.list({}).toArray()).toHaveLength(1);
    const read = failure(() => connect(last, { timeoutMs: 3000 }));
    const write = exact.put('a', '2').then(
      () => 'done',
      (error: unknown) => codeOf(error),
    );
    expect(await read).toMatchObject({ code: 'KV_UNAVAILABLE' });
    cluster.start(0);
    // It has waited for a leader, or its answer was lost.
    expect(['done', 'KV_UNKNOWN_OUTCOME']).toContain(await write);
  });

  test('TLS: an expired certificate, another authority, a client without one, and TLS against none are told at once', async () => {
    const pki = certificates();
    const cluster = await etcds(1, { secure: true, more: pki.arguments('server') });
    const name = cluster.name.replace('etcd:', 'etcds:');
    const { ca } = pki;
    const { cert, key } = pki.client;
    const kv = await client(name, { tls: { ca, cert, key } });
    await kv.put('a', '1');
    for (const options of [{ tls: { cert, key } }, { tls: { ca: pki.otherCa, cert, key } }]) {
      const error = await failure(() => connect(name, { ...options, timeoutMs: 60_000 }));
      expect([error.code, /certificate/i.test(error.message)]).toEqual(['KV_UNAVAILABLE', true]);
    }
    for (const [to, options] of [
      [name, { tls: { ca } }],
      [cluster.name, {}],
    ] as const) {
      expect((await failure(() => connect(to, { ...options, timeoutMs: 1000 }))).code).toBe('KV_UNAVAILABLE');
    }
    const expired = await etcds(1, { secure: true, more: pki.arguments('expired') });
    const expiredName = expired.name.replace('etcd:', 'etcds:');
    const error = await failure(() => connect(expiredName, { tls: { ca, cert, key }, timeoutMs: 60_000 }));
    expect([error.code, error.message.includes('expired')]).toEqual(['KV_UNAVAILABLE', true]);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false)));
}

/** A world in which `first` runs before anything is timed for so long. */
function whereTimed(timedMs: number, first: () => void): World {
  const { clock } = nodeWorld;
  const after = (ms: number, work: () => void): (() => void) => {
    if (ms === timedMs) first();
    return clock.after(ms, work);
  };
  return worldOf({ ...nodeWorld, clock: { ...clock, after } });
}

interface Pki {
  readonly ca: Buffer;
  readonly otherCa: Buffer;
  readonly client: { readonly cert: Buffer; readonly key: Buffer };
  readonly arguments: (name: string) => readonly string[];
}

/** Certificates of an authority that lives for one test. */
function certificates(): Pki {
  const path = newFolder();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: path, stdio: 'ignore' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['ca', 'other']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
    );
  }
  writeFileSync(join(path, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  for (const [name, days] of [
    ['server', '2'],
    ['client', '2'],
    ['expired', '-1'],
  ] as const) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`, '-days', days);
  }
  const read = (name: string): Buffer => readFileSync(join(path, name));
  return {
    ca: read('ca.crt'),
    otherCa: read('other.crt'),
    client: { cert: read('client.crt'), key: read('client.key') },
    arguments: (name) => [
      ...['--cert-file', join(path, `${name}.crt`), '--key-file', join(path, `${name}.key`)],
      ...['--client-cert-auth', '--trusted-ca-file', join(path, 'ca.crt')],
    ],
  };
}
