import { expect, test } from 'vitest';
import { addRole, addUser, enable, must } from './support/accounts.ts';
import { bytes } from './support/messages.ts';
import { start } from './support/server.ts';

const refused = (reason: string): object => ({
  rev: 1,
  watchId: -1,
  created: true,
  canceled: true,
  cancelReason: reason,
});
const forbidden = refused('rpc error: code = PermissionDenied desc = etcdserver: permission denied');

test('S115: who may not watch is told why, and the stream goes on', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'R a b');
  await addUser(running, 'u1', 'r1');
  await enable(running);
  using stranger = running.watch();
  stranger.send({ createRequest: { key: 'a' } });
  stranger.send({ createRequest: { key: 'b' } });
  const empty = refused('rpc error: code = InvalidArgument desc = etcdserver: user name is empty');
  expect(await stranger.next()).toEqual(empty);
  expect(await stranger.next()).toEqual(empty);
  using wrong = running.client.with({ token: 'abc.1' }).duplex('watch');
  wrong.send({ createRequest: { key: 'a' } });
  expect(await wrong.next()).toEqual(
    refused('rpc error: code = Unauthenticated desc = etcdserver: invalid auth token'),
  );
  using u1 = (await running.client.as('u1')).duplex('watch');
  u1.send({ createRequest: { key: 'c' } });
  expect(await u1.next()).toEqual(forbidden);
  u1.send({ createRequest: { key: 'a', rangeEnd: 'b' } });
  expect(await u1.next()).toEqual({ rev: 1, created: true });
});

test('S116: a watch from a key on needs all of them', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'R kk', 'R x \0');
  await addUser(running, 'u1', 'r1');
  await enable(running);
  using u1 = (await running.client.as('u1')).duplex('watch');
  u1.send({ createRequest: { key: 'kk', rangeEnd: '\0' } });
  expect(await u1.next()).toEqual(forbidden);
  u1.send({ createRequest: { key: '', rangeEnd: '\0' } });
  expect(await u1.next()).toEqual(forbidden);
  u1.send({ createRequest: { key: 'y', rangeEnd: '\0' } });
  expect(await u1.next()).toEqual({ rev: 1, created: true });
});

test('S183, W91: a watcher that is there outlives the right to it, its token and its user', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'R a');
  await addUser(running, 'u1', 'r1');
  const root = await enable(running);
  using u1 = (await running.client.as('u1')).duplex('watch');
  u1.send({ createRequest: { key: 'a' } });
  expect(await u1.next()).toEqual({ rev: 1, created: true });
  await must(root.call('roleRevokePermission', { role: 'r1', key: 'a' }));
  await must(root.call('put', { key: 'a', value: '1' }));
  expect(await u1.next()).toMatchObject({ rev: 2, events: [{ kv: { key: 'a', value: '1' } }] });
  await must(root.call('userDelete', { name: 'u1' }));
  await must(root.call('put', { key: 'a', value: '2' }));
  expect(await u1.next()).toMatchObject({ rev: 3, events: [{ kv: { value: '2' } }] });
  u1.send({ createRequest: { key: 'a' } });
  expect(await u1.next()).toMatchObject({
    canceled: true,
    cancelReason: expect.stringContaining('invalid auth token'),
  });
});

test('SVWC4, S105: requests are carried out in their order, with callers too', async () => {
  await using running = await start({ bcryptCost: 4 });
  const root = await enable(running);
  using stream = root.duplex('watch');
  for (const key of ['a', 'b', 'c']) stream.send({ createRequest: { key } });
  stream.send({ cancelRequest: { watchId: 1 } });
  stream.send({ createRequest: { key: 'd', watchId: 1 } });
  expect(await stream.next()).toEqual({ rev: 1, created: true });
  expect(await stream.next()).toEqual({ rev: 1, created: true, watchId: 1 });
  expect(await stream.next()).toEqual({ rev: 1, created: true, watchId: 2 });
  expect(await stream.next()).toEqual({ rev: 1, canceled: true, watchId: 1 });
  expect(await stream.next()).toEqual({ rev: 1, created: true, watchId: 1 });
});

test('L81: a lease that runs out takes its keys along, whoever may write them', async () => {
  await using running = await start({ bcryptCost: 4 });
  // Before the loop turns: the key has all of the lease's time.
  running.lessor.grant(2, 7n);
  running.lessor.put(bytes('a'), bytes('v'), 7n);
  const root = await enable(running);
  using stream = root.duplex('watch');
  stream.send({ createRequest: { key: 'a', startRevision: 3 } });
  await stream.next();
  expect(await stream.next()).toMatchObject({ events: [{ type: 1, kv: { key: 'a' } }] });
});

test('SVWC4: auth is looked at when a watcher is made, on a stream from before it was on', async () => {
  await using running = await start({ bcryptCost: 4 });
  using stream = running.watch();
  stream.send({ createRequest: { key: 'a' } });
  expect(await stream.next()).toEqual({ rev: 1, created: true });
  const root = await enable(running);
  await must(root.call('put', { key: 'a' }));
  expect(await stream.next()).toMatchObject({ rev: 2, events: [{ kv: { key: 'a' } }] });
  stream.send({ createRequest: { key: 'a' } });
  expect(await stream.next()).toMatchObject({
    canceled: true,
    cancelReason: expect.stringContaining('user name is empty'),
  });
});
