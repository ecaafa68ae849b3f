/** What a follower that is closed, or has ended, still answers, and what it lets go of: FCR2, FLE1, FWA1. */
import { utf8 } from '@varve/api';
import { deferred } from '@varve/base/deferred';
import { hostWorld } from '@varve/base/host';
import { log, type Lease } from '@varve/kv';
import { openReplica } from '@varve/kv/layers';
import { expect, onTestFinished, test } from 'vitest';
import { FollowerCore } from '../src/core.ts';
import { Lag } from '../src/lag.ts';
import { FollowerWatch } from '../src/watch.ts';
import { altered, b, failure, folder, follow, Forgetful, put, source, until, type ByteStore } from './support.ts';

test('FCR2: a transaction that was called before close answers with what it has committed', async () => {
  const from = await source();
  const follower = await follow(from);
  const called = follower.transaction(async (tx) => {
    await tx.get('a');
    tx.put('a', '1');
    return 'done';
  });
  const closing = follower.close();
  const { value, revision } = await called;
  await closing;
  expect([value, (await from.get(b('a')))?.modRevision]).toEqual(['done', revision]);
  expect((await failure(() => follower.transaction(() => 1))).code).toBe('KV_CLOSED');
});

test('FCR2: a transaction whose changes do not come is answered all the same, and waited for by close', async () => {
  const from = await source();
  const quiet = new Forgetful(from);
  const follower = await follow(quiet.store, { waitMs: 1 });
  quiet.isSilent = true;
  const called = follower.transaction((tx) => tx.put('a', '1'));
  const closing = follower.close();
  expect((await called).revision).toBe((await from.get(b('a')))?.modRevision);
  await closing;
});

test('FCR2: a transaction that waits for something else at close has written nothing, then or later', async () => {
  const from = await source();
  const follower = await follow(from);
  const other = deferred<void>();
  const called = failure(() =>
    follower.transaction(async (tx) => {
      tx.put('a', '1');
      await other.promise;
    }),
  );
  await follower.close();
  expect((await called).code).toBe('KV_CLOSED');
  other.resolve();
  for (let turn = 0; turn < 20; turn++) await put(from, 'b', `${turn}`);
  expect(await from.get(b('a'))).toBeUndefined();
});

/** A source that grants a lease when it is told to. */
async function granting(): Promise<{ readonly from: ByteStore; readonly grant: () => void }> {
  const from = await source();
  const granted = deferred<void>();
  const lease = async (options: Parameters<ByteStore['lease']>[0]): Promise<Lease> => {
    await granted.promise;
    return from.lease(options);
  };
  return { from: altered<ByteStore>(from, { lease }), grant: () => granted.resolve() };
}

test('FLE1, FCR2: close waits for a lease that is being granted; nobody renews it afterwards, and its signal says so', async () => {
  const { from, grant } = await granting();
  const follower = await follow(from);
  const leasing = follower.lease({ ttl: 600, keepAlive: true });
  let isClosed = false;
  const closing = follower.close().then(() => {
    isClosed = true;
  });
  for (let turn = 0; turn < 100; turn++) await until(() => true);
  expect(isClosed).toBe(false);
  grant();
  const { signal } = await leasing;
  await closing;
  expect([signal.aborted, (signal.reason as { code?: string }).code]).toEqual([true, 'KV_CLOSED']);
  expect((await failure(() => follower.lease({ ttl: 600 }))).code).toBe('KV_CLOSED');
});

test('FLE1: a lease that is granted when following has ended has ended, too', async () => {
  const { from, grant } = await granting();
  let clusterId = 'one';
  const turning = altered<ByteStore>(from, {
    status: async (options) => ({ ...(await from.status(options)), clusterId }),
  });
  const follower = await follow(turning, { checkMs: 1 });
  await follower.synced;
  const leasing = follower.lease({ ttl: 600, keepAlive: true });
  clusterId = 'other';
  await until(async () => (await follower.status()).phase === 'ended');
  grant();
  const { signal } = await leasing;
  expect([signal.aborted, (signal.reason as { code?: string }).code]).toEqual([true, 'KV_REPLACED']);
});

test('FCR2: synced rejects when the follower is closed before it has come there', async () => {
  const from = await source();
  await put(from, 'a', '1');
  const location = folder();
  await (await follow(from, { location: log(location) })).close();
  const away = new Forgetful(from);
  away.isAway = true;
  const follower = await follow(away.store, { location: log(location) });
  const { synced } = follower;
  expect((await follower.get('a'))?.value).toBe('1');
  await follower.close();
  expect((await failure(() => synced)).code).toBe('KV_CLOSED');
  expect((await failure(() => follower.synced)).code).toBe('KV_CLOSED');
});

test('FWA1: a watch that its signal has ended is forgotten, also where nobody has iterated it', async () => {
  const replica = await openReplica();
  onTestFinished(() => replica.close());
  const core = new FollowerCore({
    source: await source(),
    ...{ replica, bounds: undefined, refuses: false, readYourWrites: true, waitMs: 1, maxBehindMs: undefined },
    ...{
      world: hostWorld,
      lag: new Lag(hostWorld.clock),
      synced: deferred<void>(),
      closeSource: async () => undefined,
    },
  });
  const view = replica.view(utf8, utf8);
  const controller = new AbortController();
  const { signal } = controller;
  const watches = [0, 1, 2].map(() => new FollowerWatch(core, view.watch({}, { signal }), signal));
  expect(core.watches.size).toBe(3);
  await watches[0]!.close();
  expect(core.watches.size).toBe(2);
  controller.abort();
  expect(core.watches.size).toBe(0);
  const late = new FollowerWatch(core, view.watch({}, { signal }), signal);
  expect(core.watches.size).toBe(0);
  for (const watch of [...watches.slice(1), late])
    expect(await failure(() => watch[Symbol.asyncIterator]().next())).toBe(signal.reason);
});
