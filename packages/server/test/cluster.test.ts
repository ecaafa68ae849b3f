import type { StatusResponse } from '@varve/etcd-api';
import { beforeEach, expect, test } from 'vitest';
import { start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

const ownId = async (): Promise<bigint> => (await server.client.raw<StatusResponse>('status')).header!.memberId;

test('S148, C1: one member, whose client URLs lead back', async () => {
  expect(await server.call('memberList')).toEqual({
    members: [
      { ID: await ownId(), name: 'default', peerURLs: ['http://localhost:2380'], clientURLs: [server.server.url] },
    ],
  });
  await using behind = await start({ advertiseUrls: ['http://etcd.example:2379'], name: 'm1' });
  expect(await behind.call('memberList')).toMatchObject({
    members: [{ name: 'm1', clientURLs: ['http://etcd.example:2379'] }],
  });
});

test('S149, S150: members cannot be added', async () => {
  const bad = 'INVALID_ARGUMENT etcdserver: given member URLs are invalid';
  expect(await server.call('memberAdd', {})).toBe(bad);
  for (const url of ['foo', 'http://a', 'ftp://a:1', 'http://a:1/path']) {
    expect(await server.call('memberAdd', { peerURLs: [url] })).toBe(bad);
  }
  expect(await server.call('memberAdd', { peerURLs: ['http://localhost:2380'] })).toBe(
    'FAILED_PRECONDITION etcdserver: Peer URLs already exists',
  );
  expect(await server.call('memberAdd', { peerURLs: ['http://other:2380'] })).toBe(
    'UNKNOWN etcdserver: re-configuration failed due to not enough started members',
  );
});

test('S151, S152, S153: members there are not, and the one there is', async () => {
  const notFound = 'NOT_FOUND etcdserver: member not found';
  for (const method of ['memberRemove', 'memberUpdate', 'memberPromote']) {
    expect(await server.call(method, { ID: 3 })).toBe(notFound);
    expect(await server.call(method, { ID: 0 })).toBe(notFound);
  }
  const ID = await ownId();
  expect(await server.call('memberRemove', { ID })).toBe(
    'UNKNOWN etcdserver: re-configuration failed due to not enough started members',
  );
  expect(await server.call('memberUpdate', { ID, peerURLs: ['http://p:1'] })).toMatchObject({
    members: [{ peerURLs: ['http://p:1'] }],
  });
  expect(await server.call('memberPromote', { ID })).toBe(
    'FAILED_PRECONDITION etcdserver: can only promote a learner member',
  );
});
