import { expect, test } from 'vitest';
import {
  addRole,
  addUser,
  badManagement,
  badToken,
  denied,
  enable,
  must,
  nobody,
  roleNotFound,
  userNotFound,
} from './support/accounts.ts';
import { fails, start } from './support/server.ts';

const failedPrecondition = (text: string): string => `FAILED_PRECONDITION etcdserver: ${text}`;

test('S154, S155, S156: auth is enabled when root is there and has the role root, which needs no record', async () => {
  await using running = await start({ bcryptCost: 4 });
  expect(await running.call('authEnable')).toBe(failedPrecondition('root user does not exist'));
  await addUser(running, 'root');
  expect(await running.call('authEnable')).toBe(failedPrecondition('root user does not have root role'));
  expect(await running.call('userGrantRole', { user: 'root', role: 'root' })).toEqual({ rev: 1 });
  expect(await running.call('authEnable')).toEqual({ rev: 1 });
  expect(await running.call('authStatus')).toEqual({ rev: 1, enabled: true, authRevision: 3 });
});

test('S157: off, disabling is no work, and nobody gets a token', async () => {
  await using running = await start();
  expect(await running.call('authDisable')).toEqual({ rev: 1 });
  expect(await running.call('authenticate', { name: 'a', password: 'b' })).toBe(
    failedPrecondition('authentication is not enabled'),
  );
  expect(await running.call('authStatus')).toEqual({ rev: 1, authRevision: 1 });
});

test('S158: names that are empty, or there already', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addUser(running, 'u1');
  await addRole(running, 'r1');
  expect(await running.call('userAdd', { password: 'x' })).toBe('INVALID_ARGUMENT etcdserver: user name is empty');
  expect(await running.call('userAdd', { name: 'u1' })).toBe(failedPrecondition('user name already exists'));
  expect(await running.call('roleAdd')).toBe('INVALID_ARGUMENT etcdserver: role name is empty');
  expect(await running.call('roleAdd', { name: 'r1' })).toBe(failedPrecondition('role name already exists'));
});

test('S159, S160: a user or a role that there is not', async () => {
  await using running = await start({ bcryptCost: 4 });
  for (const name of ['userGet', 'userDelete', 'userChangePassword']) {
    expect(await running.call(name, { name: 'zz' })).toBe(userNotFound);
  }
  expect(await running.call('userGrantRole', { user: 'zz', role: 'zz' })).toBe(userNotFound);
  expect(await running.call('userRevokeRole', { name: 'zz', role: 'zz' })).toBe(userNotFound);
  for (const name of ['roleGet', 'roleDelete']) expect(await running.call(name, { role: 'zz' })).toBe(roleNotFound);
  const perm = { key: 'a' };
  expect(await running.call('roleGrantPermission', { name: 'zz', perm })).toBe(roleNotFound);
  expect(await running.call('roleRevokePermission', { role: 'zz', key: 'a' })).toBe(roleNotFound);
  await addUser(running, 'u1');
  expect(await running.call('userGrantRole', { user: 'u1', role: 'zz' })).toBe(roleNotFound);
});

test('S161, S187: granting again changes nothing, the revision of auth neither; the one of keys never moves', async () => {
  await using running = await start({ bcryptCost: 4 });
  await running.put('a=1', 'a=2', 'a=3', 'a=4');
  await addRole(running, 'r1');
  await addUser(running, 'u1', 'r1');
  const { authRevision } = await must(running.call('authStatus'));
  expect(await running.call('userGrantRole', { user: 'u1', role: 'r1' })).toEqual({ rev: 5 });
  expect(await running.call('userRevokeRole', { name: 'u1', role: 'zz' })).toBe(
    failedPrecondition('role is not granted to the user'),
  );
  expect(await running.call('authStatus')).toEqual({ rev: 5, authRevision });
  expect(await running.call('userRevokeRole', { name: 'u1', role: 'r1' })).toEqual({ rev: 5 });
  expect(await running.call('authStatus')).toEqual({ rev: 5, authRevision: Number(authRevision) + 1 });
});

test('S162, S163: one permission for a key and an end, sorted by key', async () => {
  await using running = await start();
  await addRole(running, 'r1', 'R a', 'RW x \0', 'R l m', 'RW k l', 'R b');
  expect(await running.call('roleGrantPermission', { name: 'r1', perm: { permType: 2, key: 'a' } })).toEqual({
    rev: 1,
  });
  expect(await running.call('roleGet', { role: 'r1' })).toEqual({
    rev: 1,
    perm: [
      { permType: 2, key: 'a' },
      { key: 'b' },
      { permType: 2, key: 'k', rangeEnd: 'l' },
      { key: 'l', rangeEnd: 'm' },
      { permType: 2, key: 'x', rangeEnd: '\0' },
    ],
  });
});

test('S164: a permission is revoked as it was granted', async () => {
  await using running = await start();
  await addRole(running, 'r1', 'R k l');
  expect(await running.call('roleRevokePermission', { role: 'r1', key: 'k' })).toBe(
    failedPrecondition('permission is not granted to the role'),
  );
  expect(await running.call('roleRevokePermission', { role: 'r1', key: 'k', rangeEnd: 'l' })).toEqual({ rev: 1 });
  expect(await running.call('roleGet', { role: 'r1' })).toEqual({ rev: 1 });
});

test('S165: permissions for what no key is in', async () => {
  await using running = await start();
  await addRole(running, 'r1');
  const grant = (perm?: Record<string, unknown>): Promise<unknown> =>
    running.call('roleGrantPermission', perm === undefined ? { name: 'r1' } : { name: 'r1', perm });
  expect(await grant({ key: 'z', rangeEnd: 'y' })).toBe(badManagement);
  expect(await grant({ key: '', rangeEnd: 'y' })).toBe(badManagement);
  expect(await grant()).toBe('INVALID_ARGUMENT etcdserver: permission not given');
  expect(await grant({ key: 'a', rangeEnd: '\0' })).toEqual({ rev: 1 });
});

test('S166, S167, S168: who does not say who it is, who says it wrongly, and what is looked at before', async () => {
  await using running = await start({ bcryptCost: 4 });
  await enable(running);
  for (const name of ['range', 'put', 'deleteRange']) expect(await running.call(name, { key: 'a' })).toBe(nobody);
  for (const name of ['userList', 'roleList', 'authEnable', 'authDisable']) {
    expect(await running.call(name)).toBe(nobody);
  }
  for (const token of ['abc', 'abc.1', 'aBcDeFgHiJkLmNoP.7', '', 'a.b.c']) {
    const client = running.client.with({ token });
    expect(await client.call('range', { key: 'a' })).toBe(badToken);
    expect(await client.call('put')).toBe(fails.emptyKey);
  }
});

test('S169, S170: names, passwords, and users without one', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addUser(running, 'u1');
  await must(running.call('userAdd', { name: 'none', options: { noPassword: true } }));
  await must(running.call('userAdd', { name: 'empty' }));
  expect(await running.call('userAdd', { name: 'long', password: 'x'.repeat(73) })).toBe(
    'UNKNOWN bcrypt: password length exceeds 72 bytes',
  );
  await enable(running);
  const failed = 'INVALID_ARGUMENT etcdserver: authentication failed, invalid user ID or password';
  expect(await running.call('authenticate', { name: 'zz', password: 'zz' })).toBe(failed);
  expect(await running.call('authenticate', { name: 'u1', password: 'u2' })).toBe(failed);
  expect(await running.call('authenticate', { name: 'none', password: 'x' })).toBe(
    'UNKNOWN auth: authentication failed, password was given for no password user',
  );
  const { token } = await must(running.call('authenticate', { name: 'empty' }));
  expect(token).toMatch(/^[a-zA-Z]{16}\.\d+$/);
});

test('S171, S172: reading needs all of what is read, from one permission or from several', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'RW k l', 'RW a', 'W b', 'R l m', 'R x \0');
  await addUser(running, 'u1', 'r1');
  await enable(running);
  const u1 = await running.client.as('u1');
  const range = (key: string, rangeEnd = ''): Promise<unknown> => u1.call('range', { key, rangeEnd });
  expect(await range('kk')).toEqual({ rev: 1 });
  expect(await range('\0', '\0')).toBe(denied);
  expect(await range('q')).toBe(denied);
  expect(await range('k', 'm')).toEqual({ rev: 1 });
  expect(await range('k', 'n')).toBe(denied);
  expect(await range('x', '\0')).toEqual({ rev: 1 });
  expect(await range('y', '\0')).toEqual({ rev: 1 });
  expect(await range('w', '\0')).toBe(denied);
  expect(await u1.all('rangeStream', { key: 'k', rangeEnd: 'n' })).toEqual({ answers: [], end: denied });
  expect((await u1.all('rangeStream', { key: 'k', rangeEnd: 'm' })).end).toBe('OK');
});

test('S173, S174: deleting and putting need to write, and to read what they give back', async () => {
  await using running = await start({ bcryptCost: 4 });
  await running.put('b=1');
  await addRole(running, 'r1', 'RW k l', 'RW a', 'W b', 'R l m', 'R x \0');
  await addUser(running, 'u1', 'r1');
  await enable(running);
  const u1 = await running.client.as('u1');
  expect(await u1.call('deleteRange', { key: 'k', rangeEnd: 'l' })).toEqual({ rev: 2 });
  expect(await u1.call('deleteRange', { key: 'k', rangeEnd: 'm' })).toBe(denied);
  expect(await u1.call('put', { key: 'b', value: '2' })).toEqual({ rev: 3 });
  expect(await u1.call('put', { key: 'b', prevKv: true })).toBe(denied);
  expect(await u1.call('deleteRange', { key: 'b', prevKv: true })).toBe(denied);
  expect(await u1.call('put', { key: 'b', ignoreValue: true })).toEqual({ rev: 4 });
  expect(await u1.call('range', { key: 'b' })).toBe(denied);
});

test('S175, S176, R109: a transaction needs rights to all that it could do', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'RW k l');
  await addUser(running, 'u1', 'r1');
  await enable(running);
  const u1 = await running.client.as('u1');
  const put = (key: string): object => ({ requestPut: { key } });
  expect(await u1.call('txn', { compare: [{ key: 'q' }], success: [put('k1')] })).toBe(denied);
  expect(await u1.call('txn', { compare: [{ key: 'k', rangeEnd: 'm' }] })).toBe(denied);
  expect(await u1.call('txn', { success: [put('k1')], failure: [put('q')] })).toBe(denied);
  expect(await u1.call('txn', { success: [{ requestRange: { key: 'q' } }] })).toBe(denied);
  expect(await u1.call('txn', { success: [{ requestDeleteRange: { key: 'q' } }] })).toBe(denied);
  const nested = { requestTxn: { compare: [{ key: 'k1' }], success: [], failure: [put('q')] } };
  expect(await u1.call('txn', { success: [nested] })).toBe(denied);
  expect(await u1.call('txn', { compare: [{ key: 'k1' }], success: [put('k1')] })).toEqual({
    rev: 2,
    succeeded: true,
    responses: [{ responsePut: { rev: 2 } }],
  });
});

test('S177, L80, L82, R111: a lease belongs to those who may write all of its keys', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'RW k l', 'R q');
  await addUser(running, 'u1', 'r1');
  await addUser(running, 'u2', 'r1');
  const root = await enable(running);
  const u1 = await running.client.as('u1');
  await must(root.call('leaseGrant', { ID: 7, TTL: 60 }));
  expect(await u1.call('put', { key: 'kk', lease: 7 })).toEqual({ rev: 2 });
  expect(await u1.call('leaseLeases')).toMatchObject({ leases: [{ ID: 7 }] });
  await must(root.call('put', { key: 'q', lease: 7 }));
  expect(await u1.call('put', { key: 'kk', lease: 7 })).toBe(denied);
  expect(await u1.call('txn', { success: [{ requestPut: { key: 'kk', lease: 7 } }] })).toBe(denied);
  expect(await u1.call('leaseRevoke', { ID: 7 })).toBe(denied);
  expect(await u1.call('leaseTimeToLive', { ID: 7, keys: true })).toMatchObject({ grantedTTL: 60, keys: ['kk', 'q'] });
  using alive = u1.duplex('leaseKeepAlive');
  alive.send({ ID: 7 });
  expect(await alive.end).toBe(denied);
  await must(root.call('put', { key: 'z', lease: 7 }));
  expect(await u1.call('leaseTimeToLive', { ID: 7, keys: true })).toBe(denied);
  expect(await u1.call('leaseTimeToLive', { ID: 7 })).toMatchObject({ grantedTTL: 60 });
  expect(await u1.call('leaseLeases')).toBe(denied);
  expect(await root.call('leaseRevoke', { ID: 7 })).toEqual({ rev: 5 });
});

test('S191: leases are not for strangers', async () => {
  await using running = await start({ bcryptCost: 4 });
  await enable(running);
  expect(await running.call('leaseGrant', { TTL: 60 })).toBe(nobody);
  expect(await running.call('leaseRevoke', { ID: 9 })).toBe(nobody);
  expect(await running.call('leaseTimeToLive', { ID: 9 })).toBe(nobody);
  expect(await running.call('leaseLeases')).toBe(nobody);
  using alive = running.client.duplex('leaseKeepAlive');
  alive.send({ ID: 9 });
  expect(await alive.end).toBe(nobody);
});

test('S178: users look at themselves and at their roles, and at nobody else', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'R a');
  await addRole(running, 'root');
  await addUser(running, 'u1', 'r1');
  const root = await enable(running);
  const u1 = await running.client.as('u1');
  expect(await u1.call('userGet', { name: 'u1' })).toEqual({ rev: 1, roles: ['r1'] });
  expect(await u1.call('userGet', { name: 'root' })).toBe(denied);
  expect(await u1.call('roleGet', { role: 'r1' })).toEqual({ rev: 1, perm: [{ key: 'a' }] });
  expect(await u1.call('roleGet', { role: 'root' })).toBe(denied);
  expect(await u1.call('userList')).toBe(denied);
  expect(await u1.call('roleList')).toBe(denied);
  expect(await running.call('userGet', { name: '' })).toBe(nobody);
  expect(await root.call('userList')).toEqual({ rev: 1, users: ['root', 'u1'] });
  expect(await root.call('roleList')).toEqual({ rev: 1, roles: ['r1', 'root'] });
  expect(await root.call('roleGet', { role: 'root' })).toEqual({ rev: 1, perm: [{ permType: 2, rangeEnd: '\0' }] });
});

test('S179: root stays root while auth is on', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'root');
  const root = await enable(running);
  expect(await root.call('userDelete', { name: 'root' })).toBe(badManagement);
  expect(await root.call('userRevokeRole', { name: 'root', role: 'root' })).toBe(badManagement);
  expect(await root.call('roleDelete', { role: 'root' })).toBe(badManagement);
  expect(await root.call('authDisable')).toEqual({ rev: 1 });
  expect(await running.call('userDelete', { name: 'root' })).toEqual({ rev: 1 });
});

test('S180, S181: a new password, or the end of a user, ends its tokens', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'R a');
  await addUser(running, 'u1', 'r1');
  await addUser(running, 'u2', 'r1');
  const root = await enable(running);
  const u1 = await running.client.as('u1');
  const u2 = await running.client.as('u2');
  expect(await root.call('userChangePassword', { name: 'u1', password: 'new' })).toEqual({ rev: 1 });
  expect(await u1.call('range', { key: 'a' })).toBe(badToken);
  expect(await running.call('authenticate', { name: 'u1', password: 'u1' })).toMatch(/authentication failed/);
  expect(await running.call('authenticate', { name: 'u1', password: 'new' })).toHaveProperty('token');
  expect(await u2.call('range', { key: 'a' })).toEqual({ rev: 1 });
  expect(await root.call('userDelete', { name: 'u2' })).toEqual({ rev: 1 });
  expect(await u2.call('range', { key: 'a' })).toBe(badToken);
});

test('S182, S186, S196, S197: what a token may do is what its user may do now, over all of its roles', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'R a b');
  await addRole(running, 'r2', 'R b c', 'R x z');
  await addUser(running, 'u1', 'r1', 'r2');
  const root = await enable(running);
  const u1 = await running.client.as('u1');
  expect(await u1.call('range', { key: 'a', rangeEnd: 'c' })).toEqual({ rev: 1 });
  expect(await u1.call('range', { key: 'a', rangeEnd: 'z' })).toBe(denied);
  await must(root.call('roleRevokePermission', { role: 'r1', key: 'a', rangeEnd: 'b' }));
  expect(await u1.call('range', { key: 'a', rangeEnd: 'c' })).toBe(denied);
  expect(await u1.call('range', { key: 'b' })).toEqual({ rev: 1 });
  await must(root.call('roleDelete', { role: 'r2' }));
  expect(await u1.call('range', { key: 'b' })).toBe(denied);
  expect(await u1.call('userGet', { name: 'u1' })).toEqual({ rev: 1, roles: ['r1'] });
});

test('S184: the token in either place', async () => {
  await using running = await start({ bcryptCost: 4 });
  const root = await enable(running);
  const { token } = await must(root.call('authenticate', { name: 'root', password: 'root' }));
  const authorization = String(token);
  for (const value of [authorization, `Bearer ${authorization}`]) {
    expect(await running.client.with({ authorization: value }).call('range', { key: 'a' })).toEqual({ rev: 1 });
  }
  const both = running.client.with({ token: 'abc.1', authorization });
  expect(await both.call('range', { key: 'a' })).toBe(badToken);
});

test('S185: a token that was taken back is nothing while auth is off, and stays that when it is on again', async () => {
  await using running = await start({ bcryptCost: 4 });
  const root = await enable(running);
  await must(root.call('authDisable'));
  expect(await root.call('range', { key: 'a' })).toEqual({ rev: 1 });
  await must(running.call('authEnable'));
  expect(await root.call('range', { key: 'a' })).toBe(badToken);
});

test('S188, S189, S190, S214: maintenance and cluster are for those who are known, or for root', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addUser(running, 'u1');
  const root = await enable(running);
  const u1 = await running.client.as('u1');
  for (const [name, request] of [
    ['status', {}],
    ['alarm', {}],
    ['memberList', {}],
  ] as const) {
    expect(await running.call(name, request)).toBe(nobody);
    expect(await u1.call(name, request)).toBeTypeOf('object');
  }
  const forRoot = [
    ...['hash', 'hashKV', 'defragment', 'moveLeader', 'downgrade', 'memberRemove', 'memberUpdate', 'memberPromote'],
  ].map((name) => [name, {}] as const);
  const alarm = ['alarm', { action: 1, alarm: 1 }] as const;
  const disarm = ['alarm', { action: 2, alarm: 1 }] as const;
  const add = ['memberAdd', { peerURLs: ['http://localhost:1'] }] as const;
  for (const [name, request] of [...forRoot, alarm, disarm, add]) {
    expect(await running.call(name, request), name).toBe(nobody);
    expect(await u1.call(name, request), name).toBe(denied);
    expect(await root.call(name, request), name).not.toBe(denied);
  }
  expect((await running.client.all('snapshot')).end).toBe(nobody);
  expect((await u1.all('snapshot')).end).toBe(denied);
  expect((await root.all('snapshot')).end).toBe('OK');
  expect(await running.call('memberAdd')).toBe('INVALID_ARGUMENT etcdserver: given member URLs are invalid');
});

test('S55: compaction is for root', async () => {
  await using running = await start({ bcryptCost: 4 });
  await running.put('a=1', 'a=2');
  await addUser(running, 'u1');
  const root = await enable(running);
  expect(await running.call('compact', { revision: 2 })).toBe(nobody);
  expect(await (await running.client.as('u1')).call('compact', { revision: 2 })).toBe(denied);
  expect(await root.call('compact', { revision: 2 })).toEqual({ rev: 3 });
});

test('S213: an alarm takes no check away', async () => {
  await using running = await start({ bcryptCost: 4 });
  await running.put('a=1');
  const root = await enable(running);
  await must(root.call('alarm', { action: 1, alarm: 1 }));
  expect(await running.call('deleteRange', { key: 'a' })).toBe(nobody);
  expect(await running.call('userAdd', { name: 'x', password: 'x' })).toBe(nobody);
  expect(await running.call('userGrantRole', { user: 'x', role: 'root' })).toBe(nobody);
  expect(await root.call('range', { key: 'a' })).toMatchObject({ count: 1 });
  expect(await root.call('userList')).toEqual({ rev: 2, users: ['root'] });
  expect(await root.call('put', { key: 'b' })).toBe(fails.noSpace);
  expect(await root.call('userAdd', { name: 'x', password: 'x' })).toEqual({ rev: 2 });
});

test('C9: with auth off, whoever asks for roles is told', async () => {
  await using running = await start();
  expect(await running.call('roleList')).toEqual({ rev: 1 });
  await addRole(running, 'reader');
  expect(await running.call('roleList')).toEqual({ rev: 1, roles: ['reader'] });
});
