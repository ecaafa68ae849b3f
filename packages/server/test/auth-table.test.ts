/** Every method against every kind of caller. What stands in no row here fails the test. */
import * as api from '@varve/etcd-api';
import { expect, test } from 'vitest';
import { addRole, addUser, denied, enable, nobody } from './support/accounts.ts';
import type { TestClient } from './support/client.ts';
import type { Plain } from './support/messages.ts';
import { start } from './support/server.ts';

/** Who may: nobody has to say who it is, has to say so, may read `a`, may write `k`..`l`, or is root. */
type Least = 'anyone' | 'known' | 'reader' | 'writer' | 'root';
type Row = readonly [least: Least, request?: Plain];

const inQueue = 'UNKNOWN etcdserver: ';
const leader = { name: 'k', key: 'k/1', rev: 1, lease: 77 };
const table: Readonly<Record<string, Row>> = {
  'KV.range': ['reader', { key: 'a' }],
  'KV.rangeStream': ['reader', { key: 'a' }],
  'KV.put': ['writer', { key: 'k1' }],
  'KV.deleteRange': ['writer', { key: 'k1' }],
  'KV.txn': ['writer', { success: [{ requestPut: { key: 'k1' } }] }],
  'KV.compact': ['root', { revision: 1 }],
  'Watch.watch': ['reader', { createRequest: { key: 'a' } }],
  'Lease.leaseGrant': ['known', { TTL: 60 }],
  'Lease.leaseRevoke': ['writer', { ID: 5 }],
  'Lease.leaseKeepAlive': ['writer', { ID: 6 }],
  'Lease.leaseTimeToLive': ['writer', { ID: 6, keys: true }],
  'Lease.leaseLeases': ['writer'],
  'Cluster.memberAdd': ['root', { peerURLs: ['http://localhost:1'] }],
  'Cluster.memberRemove': ['root'],
  'Cluster.memberUpdate': ['root'],
  'Cluster.memberList': ['known'],
  'Cluster.memberPromote': ['root'],
  'Maintenance.alarm': ['root', { action: 2, alarm: 1 }],
  'Maintenance.status': ['known'],
  'Maintenance.defragment': ['root'],
  'Maintenance.hash': ['root'],
  'Maintenance.hashKV': ['root'],
  'Maintenance.snapshot': ['root'],
  'Maintenance.moveLeader': ['root'],
  'Maintenance.downgrade': ['root'],
  'Auth.authEnable': ['root'],
  'Auth.authDisable': ['root'],
  'Auth.authStatus': ['anyone'],
  'Auth.authenticate': ['anyone', { name: 'root', password: 'root' }],
  'Auth.userAdd': ['root', { name: 'reads' }],
  'Auth.userGet': ['root', { name: 'nobody' }],
  'Auth.userList': ['root'],
  'Auth.userDelete': ['root', { name: 'nobody' }],
  'Auth.userChangePassword': ['root', { name: 'nobody' }],
  'Auth.userGrantRole': ['root', { user: 'nobody', role: 'reads' }],
  'Auth.userRevokeRole': ['root', { name: 'nobody' }],
  'Auth.roleAdd': ['root', { name: '' }],
  'Auth.roleGet': ['root', { role: 'nobody' }],
  'Auth.roleList': ['root'],
  'Auth.roleDelete': ['root', { role: 'nobody' }],
  'Auth.roleGrantPermission': ['root', { name: 'nobody', perm: { key: 'a' } }],
  'Auth.roleRevokePermission': ['root', { role: 'nobody' }],
  'Lock.lock': ['writer', { name: 'k', lease: 7 }],
  'Lock.unlock': ['writer', { key: 'k1' }],
  'Election.campaign': ['writer', { name: 'kk', lease: 7 }],
  'Election.proclaim': ['writer', { leader }],
  'Election.leader': ['writer', { name: 'k' }],
  'Election.observe': ['writer', { name: 'k' }],
  'Election.resign': ['writer', { leader }],
};

const callers = ['nobody', 'none', 'reads', 'writes', 'root'] as const;
const may: Readonly<Record<Least, readonly string[]>> = {
  anyone: callers,
  known: ['none', 'reads', 'writes', 'root'],
  reader: ['reads', 'root'],
  writer: ['writes', 'root'],
  root: ['root'],
};

test('R108: every method, by every kind of caller', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'reads', 'R a');
  await addRole(running, 'writes', 'RW k l');
  await addUser(running, 'none');
  await addUser(running, 'reads', 'reads');
  await addUser(running, 'writes', 'writes');
  for (const ID of [5, 6, 7]) await running.call('leaseGrant', { ID, TTL: 600 });
  await running.call('put', { key: 'k8', lease: 6 });
  await running.call('put', { key: 'k9', lease: 5 });
  const clients: Record<string, TestClient> = { nobody: running.client, root: await enable(running) };
  for (const name of ['none', 'reads', 'writes']) clients[name] = await running.client.as(name);

  const services = [api.KV, api.Watch, api.Lease, api.Cluster, api.Maintenance, api.Auth, api.Lock, api.Election];
  for (const service of services) {
    for (const { localName, methodKind } of service.methods) {
      const name = `${service.name}.${localName}`;
      const row = table[name];
      if (row === undefined) throw new Error(`${name}: who may call it? Give it a row`);
      const [least, request] = row;
      for (const caller of callers) {
        // What ends the test's own state is left to root's turn, and not tried by it.
        if (caller === 'root' && ['authDisable', 'leaseRevoke'].includes(localName)) continue;
        if (caller === 'writes' && localName === 'leaseRevoke') continue;
        const end = await ending(clients[caller]!, name, methodKind, request);
        const prefix = service.name === 'Lock' || service.name === 'Election' ? inQueue : undefined;
        const refusals = [denied, nobody].map((text) => text.replace(/^\S+ etcdserver: /, prefix ?? '$&'));
        const wanted = may[least].includes(caller);
        expect([name, caller, !refusals.includes(end)], end).toEqual([name, caller, wanted]);
        if (!wanted) expect([name, caller, end]).toEqual([name, caller, refusals[caller === 'nobody' ? 1 : 0]]);
      }
    }
  }
});

/** How the call ends: `OK` when there is an answer. */
async function ending(client: TestClient, name: string, kind: string, request?: Plain): Promise<string> {
  if (kind === 'unary') {
    const answer = await client.call(name, request);
    return typeof answer === 'string' ? answer : 'OK';
  }
  using stream = kind === 'bidi_streaming' ? client.duplex(name) : client.listen(name, request);
  if (kind === 'bidi_streaming') stream.send(request ?? {});
  const first = await Promise.race([
    stream.next(),
    stream.end,
    ...(name === 'Election.observe' ? [quiet(client)] : []),
  ]);
  if (typeof first === 'string') return first;
  const reason = first['cancelReason'];
  if (typeof reason !== 'string') return 'OK';
  return reason.includes('PermissionDenied') ? denied : nobody;
}

/** An election without a leader says nothing: it is listened to when calls that came later have been answered. */
async function quiet(client: TestClient): Promise<string> {
  for (let at = 0; at < 20; at++) await client.call('authStatus');
  return 'OK';
}
