/** Followers of a store that is reached over a network, which is not always there: FLW4, FLW5, FOG1 to FOG3, FWA1. Real etcds: tools/conformance. */
import { kvConformance } from '@varve/api/conformance';
import { open, type Kv } from '@varve/kv';
import { expect, onTestFinished, test } from 'vitest';
import { openFollower, type Follower } from '../src/index.ts';
import { Address, Served } from './served.ts';
import { b, failure, until } from './support.ts';

async function near(served: Served): Promise<Kv> {
  const kv = await open(served.name);
  onTestFinished(() => kv.close());
  return kv;
}

async function followerOf(served: Served, options: object = {}): Promise<Follower> {
  const follower = await openFollower(served.name, { checkMs: 10, retryMs: 20, waitMs: 60_000, ...options });
  onTestFinished(() => follower.close());
  return follower;
}

// What a network can change of the suite. The whole of it, on an etcd: tools/conformance/kv.mjs --target follower.
kvConformance({
  test: (name, body) => (/^(watch\/resume|changes\/since|several\/resync)/.test(name) ? test(name, body) : undefined),
  open: async (codecs) => openFollower((await Served.open()).name, codecs),
});

test('FLW4: while the source is away reads go on and say how far behind they are; then everything is caught up with', async () => {
  const served = await Served.open();
  const follower = await followerOf(served);
  const strict = await followerOf(served, { maxBehindMs: 400 });
  const { revision } = await follower.put('a', '1');
  const events: string[] = [];
  const watching = (async () => {
    for await (const { value } of follower.watch('a')) {
      events.push(`${value}`);
      if (value === 'end') break;
    }
  })();
  await strict.synced;
  await served.withhold();
  await until(() => (follower.behind.ms ?? 0) > 400 && (strict.behind.ms ?? 0) > 400);
  expect([(await follower.get('a'))?.value, (await follower.status()).revision]).toEqual(['1', revision]);
  expect((await failure(() => strict.get('a'))).code).toBe('KV_BEHIND');
  await served.serve();
  const kv = await near(served);
  for (const value of ['2', 'end']) await kv.put('a', value);
  await watching;
  expect(events).toEqual(['2', 'end']);
  await until(async () => (await follower.status()).phase === 'following');
  expect((await follower.status()).copies).toBe(1);
  await until(async () => (await strict.get('a').catch(() => undefined))?.value === 'end');
});

test('FOG3: a source that does not answer in time is waited for, and status says so', async () => {
  const served = await Served.open();
  let opened: Follower | undefined;
  // On a machine that is busy the first answer may take longer than this client waits.
  while (opened === undefined) {
    const cluster = { timeoutMs: 500, attemptTimeoutMs: 250 };
    opened = await followerOf(served, { cluster }).catch((error: { code?: string }) => {
      expect(error.code).toBe('KV_UNAVAILABLE');
      return undefined;
    });
  }
  const follower = opened;
  await served.withhold();
  await until(async () => (await follower.status()).phase === 'waiting');
  expect((await follower.status()).reason).toContain('has answered');
  const revision = served.store.put(b('a'), b('1'));
  await served.store.settled();
  await served.serve();
  await until(async () => (await follower.status()).revision >= revision);
  expect((await follower.get('a'))?.value).toBe('1');
  await until(async () => (await follower.status()).phase === 'following');
});

test('FLW5: history that was compacted while the source was away: readers see one step, watches are told', async () => {
  const served = await Served.open();
  const follower = await followerOf(served);
  const before = (await follower.put('gone', '1')).revision;
  const last = (await follower.put('kept', '1')).revision;
  const plain = failure(async () => {
    for await (const _ of follower.watch({}, { from: last + 1 })) await Promise.resolve();
  });
  const again: string[] = [];
  const resumed = (async () => {
    for await (const batch of follower.watch({}, { from: last + 1, resync: true }).batches()) {
      again.push(`${batch.resync === true ? 'resync' : 'change'} ${batch.events.map(({ key }) => key).join()}`);
      if (batch.events.some(({ value }) => value === 'end')) break;
    }
  })();
  const counts = new Set<number>();
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      counts.add(await follower.count({}));
      await until(() => true);
    }
  })();
  await served.withhold();
  // Out of the follower's sight.
  const { store } = served;
  store.deleteRange(b('gone'));
  store.put(b('new'), b('1'));
  const revision = store.put(b('kept'), b('2'));
  store.put(b('newest'), b('1'));
  await store.settled();
  await store.compact(revision);
  await served.serve();
  const kv = await near(served);
  await follower.caughtUp((await kv.put('kept', 'end')).revision);
  await resumed;
  isOver = true;
  await reading;
  expect((await follower.status()).copies).toBe(2);
  expect(await plain).toMatchObject({ code: 'MVCC_COMPACTED' });
  expect(again[0]).toBe('resync ');
  expect((await failure(() => follower.at(before).get('gone'))).code).toBe('MVCC_COMPACTED');
  expect((await follower.keys({}).toArray()).join()).toBe('kept,new,newest');
  // The state before, or one after; nothing in between.
  expect([...counts].toSorted()).toEqual([2, 3]);
});

test('FOG2: another cluster at the same address ends it: nothing of that one is shown', async () => {
  const served = await Served.open();
  const follower = await followerOf(served);
  await follower.put('mine', '1');
  const watching = failure(async () => {
    for await (const _ of follower.watch({})) await Promise.resolve();
  });
  const { port } = served;
  await served.close();
  const other = await Served.open(port);
  const kv = await near(other);
  for (let i = 0; i < 5; i++) await kv.put('theirs', `${i}`);
  expect((await watching).code).toBe('KV_REPLACED');
  expect((await failure(() => follower.get('theirs'))).code).toBe('KV_REPLACED');
  const { phase, reason } = await follower.status();
  expect([phase, reason]).toEqual(['ended', expect.stringContaining('another store')]);
});

test('FOG2: of another cluster that would go on at the very next revision nothing gets in, long before it is asked who it is', async () => {
  const [mine, other] = [await Served.open(), await Served.open()];
  const address = await Address.of(mine.port);
  const follower = await openFollower(address.name, { checkMs: 600_000 });
  onTestFinished(() => follower.close());
  const told: string[] = [];
  const watching = failure(async () => {
    for await (const { key } of follower.watch({})) told.push(key);
  });
  await (await near(mine)).put('mine', '1');
  await until(() => told.length === 1);
  const kv = await near(other);
  // Each of them would fit.
  for (let i = 0; i < 5; i++) await kv.put(`theirs/${i}`, '1');
  address.turn(other.port);
  expect((await watching).code).toBe('KV_REPLACED');
  expect(told).toEqual(['mine']);
  expect((await failure(() => follower.get('mine'))).code).toBe('KV_REPLACED');
});
