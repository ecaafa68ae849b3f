import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileEngine } from '@varve/backend/file';
import { maintenanceService, type SnapshotResponse, type StatusResponse } from '@varve/etcd-api';
import { beforeEach, expect, test } from 'vitest';
import { folder } from './support/folder.ts';
import { fails, start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

const [NONE, NOSPACE, CORRUPT] = [0, 1, 2];
const [GET, ACTIVATE, DEACTIVATE] = [0, 1, 2];
const alarm = (action: number, kind: number, memberID = 0): Promise<unknown> =>
  server.call('alarm', { action, alarm: kind, memberID });
const put = (key = 'a'): object => ({ requestPut: { key } });

test('S121, S122: status', async () => {
  await server.put('a=1');
  const before = await server.client.raw<StatusResponse>('status');
  expect(before.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(before.leader).toBe(before.header!.memberId);
  expect(before.leader).not.toBe(0n);
  expect(before.raftTerm).toBe(2n);
  expect(before.raftAppliedIndex <= before.raftIndex).toBe(true);
  expect(before.dbSize >= before.dbSizeInUse && before.dbSizeInUse > 0n).toBe(true);
  expect([before.isLearner, before.errors]).toEqual([false, []]);
  await server.put('b');
  await server.call('put', { key: 'x', ignoreValue: true });
  const after = await server.client.raw<StatusResponse>('status');
  expect(after.raftIndex).toBe(before.raftIndex + 2n);
});

test('S123, S124, S127, S132: alarms', async () => {
  expect(await alarm(GET, NONE)).toEqual({ rev: 1 });
  expect(await alarm(ACTIVATE, NOSPACE)).toEqual({ rev: 1, alarms: [{ alarm: NOSPACE }] });
  expect(await alarm(GET, NONE)).toEqual({ rev: 1, alarms: [{ alarm: NOSPACE }] });
  expect(await server.call('status')).toMatchObject({ errors: ['alarm:NOSPACE '] });
  expect(await alarm(ACTIVATE, NOSPACE)).toEqual({ rev: 1, alarms: [{ alarm: NOSPACE }] });
  expect(await alarm(DEACTIVATE, NOSPACE, 5)).toEqual({ rev: 1 });
  expect(await alarm(DEACTIVATE, NOSPACE)).toEqual({ rev: 1, alarms: [{ alarm: NOSPACE }] });
  expect(await server.call('put', { key: 'a' })).toEqual({ rev: 2 });
  expect(await alarm(ACTIVATE, NONE)).toEqual({ rev: 2 });
  expect(await alarm(9, NOSPACE)).toEqual({ rev: 2 });
  expect(await alarm(GET, NONE)).toEqual({ rev: 2 });
});

test('S125, S126, L78: without space, what takes none goes on', async () => {
  await server.put('a=1', 'b=1');
  await server.call('leaseGrant', { ID: 7, TTL: 100 });
  await alarm(ACTIVATE, NOSPACE);
  expect(await server.call('put', { key: 'a' })).toBe(fails.noSpace);
  expect(await server.call('put', {})).toBe(fails.emptyKey);
  expect(await server.call('txn', { failure: [put()] })).toBe(fails.noSpace);
  expect(await server.call('txn', { failure: [{ requestTxn: { success: [put()] } }] })).toBe(fails.noSpace);
  expect(await server.call('txn', { success: [{ requestDeleteRange: { key: 'a' } }] })).toMatchObject({ rev: 4 });
  expect(await server.call('deleteRange', { key: 'b' })).toMatchObject({ deleted: 1 });
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 5 });
  expect(await server.call('compact', { revision: 3 })).toEqual({ rev: 5 });
  expect(await server.call('leaseGrant', { TTL: 100 })).toBe(fails.noSpace);
  using stream = server.client.duplex('leaseKeepAlive');
  stream.send({ ID: 7 });
  expect(await stream.next()).toEqual({ rev: 5, ID: 7, TTL: 100 });
  expect(await server.call('leaseRevoke', { ID: 7 })).toEqual({ rev: 5 });
});

test('S128, S144, S152: alarms and members are kept over restarts', async () => {
  const path = join(folder(), 'db');
  let id = 0n;
  {
    await using first = await start({ engine: await fileEngine(path) });
    await first.call('alarm', { action: ACTIVATE, alarm: NOSPACE });
    id = (await first.client.raw<StatusResponse>('status')).header!.memberId;
    const peerURLs = ['http://127.0.0.1:9999'];
    expect(await first.call('memberUpdate', { ID: id, peerURLs })).toMatchObject({ members: [{ peerURLs }] });
  }
  await using second = await start({ engine: await fileEngine(path) });
  expect(await second.call('put', { key: 'a' })).toBe(fails.noSpace);
  expect((await second.client.raw<StatusResponse>('status')).header!.memberId).toBe(id);
  expect(await second.call('memberList')).toMatchObject({ members: [{ peerURLs: ['http://127.0.0.1:9999'] }] });
});

test('S129, S130, S131, L79: corrupt rules over everything that writes', async () => {
  await server.call('leaseGrant', { ID: 7, TTL: 100 });
  for (const order of [
    [CORRUPT, NOSPACE],
    [NOSPACE, CORRUPT],
  ]) {
    for (const kind of order) await alarm(ACTIVATE, kind);
    expect(await server.call('put', { key: 'a' })).toBe(fails.corrupt);
    expect(await server.call('deleteRange', { key: 'a' })).toBe(fails.corrupt);
    expect(await server.call('txn', { success: [{ requestDeleteRange: { key: 'a' } }] })).toBe(fails.corrupt);
    expect(await server.call('compact', { revision: 1 })).toBe(fails.corrupt);
    expect(await server.call('leaseGrant', { TTL: 100 })).toBe(fails.corrupt);
    expect(await server.call('leaseRevoke', { ID: 7 })).toBe(fails.corrupt);
    expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
    expect(await server.call('txn', { success: [{ requestRange: { key: 'a' } }] })).toMatchObject({ succeeded: true });
    await alarm(DEACTIVATE, CORRUPT);
    expect(await server.call('put', { key: 'a' })).toBe(fails.noSpace);
    await alarm(DEACTIVATE, NOSPACE);
  }
});

test('S133, S134: the quota raises the alarm, which stays until it is disarmed', async () => {
  await using small = await start({ engine: await fileEngine(join(folder(), 'db')), quotaBytes: 1024 * 1024 });
  const value = 'x'.repeat(200_000);
  const answers = [];
  for (let at = 0; at < 12; at++) answers.push(await small.call('put', { key: `k${at}`, value }));
  expect(answers.at(-1)).toBe(fails.noSpace);
  const { memberId } = (await small.client.raw<StatusResponse>('status')).header!;
  expect(await small.call('status')).toMatchObject({ errors: [`memberID:${memberId} alarm:NOSPACE `] });
  expect(await small.call('put', { value })).toBe(fails.noSpace);
  await small.call('deleteRange', { key: 'k', rangeEnd: 'l' });
  await small.call('compact', { revision: small.store.rev(), physical: true });
  expect(await small.call('defragment')).toEqual({});
  expect(await small.call('put', { key: 'a' })).toBe(fails.noSpace);
  await small.call('alarm', { action: DEACTIVATE, alarm: NOSPACE, memberID: memberId });
  expect(await small.call('put', { key: 'a' })).toMatchObject({ rev: small.store.rev() });
});

test('S135, S136, S137, S138: sizes', async () => {
  const put = (bytes: number) => server.call('put', { key: 'a', value: 'x'.repeat(bytes) });
  expect(await put(1_572_834)).toEqual({ rev: 2 });
  expect(await put(1_572_844)).toBe(fails.tooLarge);
  expect(await put(3 * 1024 * 1024)).toContain('RESOURCE_EXHAUSTED');
  const success = Array.from({ length: 128 }, (_, at) => ({
    requestPut: { key: `k${at}`, value: 'x'.repeat(14 * 1024) },
  }));
  expect(await server.call('txn', { success })).toBe(fails.tooLarge);
  for (let at = 0; at < 10; at++) await server.call('put', { key: `k${at}`, value: 'x'.repeat(1024 * 1024) });
  expect(await server.call('range', { key: 'k', rangeEnd: 'l' })).toMatchObject({ rev: 12, count: 10 });
});

test('S139, S140, S217, S218: hashes', async () => {
  const hash = (revision = 0) => server.call('hashKV', { revision });
  expect(await hash()).toEqual({ rev: 1, hash: 1_084_519_789, compactRevision: -1, hashRevision: 1 });
  await server.put('a=1', 'b=');
  await server.call('deleteRange', { key: 'a' });
  await server.call('txn', {
    success: [{ requestPut: { key: 'c', value: 'x' } }, { requestPut: { key: 'a', value: 'y' } }],
  });
  expect(await hash()).toMatchObject({ rev: 5, hash: 2_114_316_146 });
  expect(await hash()).toEqual(await hash());
  expect(await hash(3)).toMatchObject({ hash: 2_496_657_716, hashRevision: 3 });
  expect(await hash(100_000_000)).toBe(fails.future);
  await server.call('compact', { revision: 4, physical: true });
  expect(await hash()).toMatchObject({ hash: 963_307_267, compactRevision: 4 });
  expect(await hash(-1)).toMatchObject({ hash: 1_084_519_789 });
  expect(await hash(4)).toMatchObject({ compactRevision: 4, hashRevision: 4 });
  expect(await hash(3)).toBe(fails.compacted);
  expect(await server.call('hash')).toMatchObject({ rev: 5, hash: expect.any(Number) });
});

test('S141, S142: a snapshot is one state, in pieces, with its hash behind it', async () => {
  for (let at = 0; at < 20; at++) await server.call('put', { key: `k${at}`, value: 'x'.repeat(5000) });
  let writing = true;
  const writer = (async () => {
    for (let at = 0; writing; at++) await server.call('put', { key: 'later', value: `${at}` });
  })();
  const answers = await server.client.messages<SnapshotResponse>('snapshot');
  writing = false;
  await writer;
  const blobs = answers.map(({ blob }) => Buffer.from(blob));
  const data = Buffer.concat(blobs.slice(0, -1));
  expect(Math.max(...blobs.map(({ length }) => length))).toBeLessThanOrEqual(32_768);
  expect(data.length % 512).toBe(0);
  expect(blobs.at(-1)).toEqual(createHash('sha256').update(data).digest());
  let left = data.length;
  for (const { blob, remainingBytes, header } of answers.slice(0, -1)) {
    left -= blob.length;
    expect([remainingBytes, header]).toEqual([BigInt(left), undefined]);
  }
  expect(left).toBe(0);
});

test('S143, S144: defragment, and the leader stays', async () => {
  await server.put('a=1');
  expect(await server.call('defragment')).toEqual({});
  expect(await server.call('range', { key: 'a' })).toMatchObject({ count: 1 });
  const { leader } = await server.client.raw<StatusResponse>('status');
  expect(await server.call('moveLeader', { targetID: leader })).toEqual({});
  for (const targetID of [0, 1]) {
    expect(await server.call('moveLeader', { targetID })).toBe('FAILED_PRECONDITION etcdserver: bad leader transferee');
  }
  const [VALIDATE, CANCEL] = [0, 2];
  expect(await server.call('downgrade', { action: CANCEL })).toContain('no inflight downgrade job');
  expect(await server.call('downgrade', { action: VALIDATE, version: 'x' })).toContain(
    'wrong downgrade target version format',
  );
  expect(await server.call('downgrade', { action: VALIDATE, version: '3.5.0' })).toContain(
    'invalid downgrade target version',
  );
});

test('S145: headers of the cluster have no revision', async () => {
  await server.put('a');
  expect(await server.call('memberList')).not.toHaveProperty('rev');
  expect(await server.call('status')).toMatchObject({ rev: 2 });
});

test('S146, S147: a leader there always is; a method that there is not', async () => {
  const { path } = maintenanceService.status;
  expect(await server.client.bytes(path, new Uint8Array(0), { hasleader: 'true' })).toMatch(/bytes$/);
  expect(await server.client.bytes('/etcdserverpb.KV/Nothing', new Uint8Array(0))).toContain('UNIMPLEMENTED');
  expect(await server.client.bytes('/etcdserverpb.Nobody/Nothing', new Uint8Array(0))).toContain('UNIMPLEMENTED');
});
