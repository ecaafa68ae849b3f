/**
 * npm `etcd3`, unchanged: the same answers from the server as from Debian's etcd. Locks and elections are made by this client, of
 * leases, transactions and watchers. Its `cluster.memberList()` fails before it sends anything, whatever the server.
 */
import { Etcd3, EtcdLockFailedError, type IOptions } from 'etcd3';
import { expect, onTestFinished, test } from 'vitest';
import { hasProgram, startEtcd } from '../lib/grpc/etcd.mjs';
import { serve } from './support/serve.ts';

type Scenario = (client: Etcd3) => Promise<unknown>;

/** By name: what is done, and what comes of it. */
const scenarios: Readonly<Record<string, readonly [Scenario, unknown]>> = {
  'put, get, delete': [
    async (client) => {
      await client.put('a').value('1');
      const previous = await client.put('a').value('2').getPrevious();
      await client.put('b').value(3);
      const deleted = await client.delete().key('a');
      const [text, number, missing] = [
        await client.get('a').string(),
        await client.get('b').number(),
        await client.get('c'),
      ];
      return { previous: previous?.value.toString(), deleted: deleted.deleted, text, number, missing };
    },
    { previous: '1', deleted: '1', text: null, number: 3, missing: null },
  ],
  'ranges, sorted and limited': [
    async (client) => {
      for (const [key, value] of [
        ['k/1', 'c'],
        ['k/2', 'a'],
        ['k/3', 'b'],
        ['l', 'x'],
      ]) {
        await client.put(key!).value(value!);
      }
      return {
        all: await client.getAll().prefix('k/').strings(),
        byValue: await client.getAll().prefix('k/').sort('Value', 'Descend').limit(2).keys(),
        count: await client.getAll().prefix('k/').count(),
        between: await client.getAll().inRange({ start: 'k/2', end: 'l' }).keys(),
      };
    },
    {
      all: { 'k/1': 'c', 'k/2': 'a', 'k/3': 'b' },
      byValue: ['k/1', 'k/3'],
      count: 3,
      between: ['k/2', 'k/3'],
    },
  ],
  'at an old revision, and compacted': [
    async (client) => {
      const first = await client.put('r').value('1');
      const second = await client.put('r').value('2');
      const old = await client.get('r').revision(first.header.revision).string();
      await client.kv.compact({ revision: second.header.revision, physical: true });
      const compacted = await client
        .get('r')
        .revision(first.header.revision)
        .string()
        .catch((error: Error) => error.message.includes('required revision has been compacted'));
      return { old, compacted };
    },
    { old: '1', compacted: true },
  ],
  'if, then, else': [
    async (client) => {
      const create = (value: string) =>
        client.if('t', 'Create', '==', 0).then(client.put('t').value(value)).else(client.get('t')).commit();
      const [first, second] = [await create('1'), await create('2')];
      const found = second.responses[0]!.response_range?.kvs[0]?.value.toString();
      return { first: first.succeeded, second: second.succeeded, found };
    },
    { first: true, second: false, found: '1' },
  ],
  'software transactional memory': [
    async (client) => {
      await client.put('n').value(0);
      const add = () =>
        client.stm({ retries: 50 }).transact(async (tx) => tx.put('n').value(((await tx.get('n').number()) ?? 0) + 1));
      await Promise.all([add(), add(), add(), add()]);
      return client.get('n').number();
    },
    4,
  ],
  'a watcher': [
    async (client) => {
      const watcher = await client.watch().prefix('w/').withPreviousKV().create();
      const seen: string[] = [];
      const enough = new Promise<void>((resolve) => {
        watcher.on('put', (kv, previous) =>
          seen.push(`put ${String(kv.key)} ${String(kv.value)} ${String(previous?.value)}`),
        );
        watcher.on('delete', (kv, previous) => {
          seen.push(`delete ${String(kv.key)} ${String(previous?.value)}`);
          resolve();
        });
      });
      await client.put('w/1').value('a');
      await client.put('v').value('elsewhere');
      await client.put('w/1').value('b');
      await client.delete().key('w/1');
      await enough;
      await watcher.cancel();
      return seen;
    },
    ['put w/1 a undefined', 'put w/1 b a', 'delete w/1 b'],
  ],
  'a lease, kept alive and revoked': [
    async (client) => {
      const lease = client.lease(30);
      await lease.put('session').value('me');
      await lease.keepaliveOnce();
      const there = await client.get('session').string();
      const { keys } = await client.leaseClient.leaseTimeToLive({ ID: await lease.grant(), keys: true });
      await lease.revoke();
      return { there, keys: keys.map(String), after: await client.get('session').string() };
    },
    { there: 'me', keys: ['session'], after: null },
  ],
  'a lock that two want': [
    async (client) => {
      const first = await client.lock('lock').ttl(60).acquire();
      const second = await client
        .lock('lock')
        .acquire()
        .catch((error: unknown) => error instanceof EtcdLockFailedError);
      await first.release();
      const third = await client.lock('lock').acquire();
      await third.release();
      return { second };
    },
    { second: true },
  ],
  'an election with a failover': [
    async (client) => {
      const election = client.election('leader', 60);
      const first = election.campaign('one');
      await first.wait();
      const second = election.campaign('two');
      const before = await election.leader();
      await first.resign();
      await second.wait();
      const after = await election.leader();
      await second.resign();
      return { before, after };
    },
    { before: 'one', after: 'two' },
  ],
  'names and status': [
    async (client) => {
      const status = await client.maintenance.status();
      await client.namespace('ns/').put('x').value('1');
      return { leads: status.leader !== '0', key: await client.getAll().prefix('ns/').keys() };
    },
    { leads: true, key: ['ns/x'] },
  ],
};

function clientOf(endpoint: string, options: Partial<IOptions> = {}): Etcd3 {
  const client = new Etcd3({ hosts: `http://${endpoint}`, ...options });
  onTestFinished(() => client.close());
  return client;
}

test.each(Object.entries(scenarios))('C1, C12, law 2: the server and etcd3: %s', async (_, [run, expected]) => {
  expect(await run(clientOf(await serve()))).toEqual(expected);
});

test.runIf(hasProgram('etcd'))('etcd itself gives etcd3 the same', async () => {
  const etcd = await startEtcd();
  onTestFinished(etcd.close);
  const client = clientOf(etcd.endpoint);
  for (const [name, [run, expected]] of Object.entries(scenarios))
    expect([name, await run(client)]).toEqual([name, expected]);
});
