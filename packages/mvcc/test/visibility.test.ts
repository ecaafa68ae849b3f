import { openBackend, type Changes } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { deferred, type Deferred } from '@varve/base/deferred';
import { openStore } from '../src/open-store.ts';
import type { Store } from '../src/store.ts';
import { bytes, codeOf, list, makeMedium, open, put, reopen } from './support.ts';

/** A store whose commits wait until they are let through, or made to fail. */
async function held(durability: 'commit' | 'interval' = 'commit'): Promise<{
  readonly store: Store;
  readonly commits: Deferred<void>[];
  readonly next: () => Promise<Deferred<void>>;
}> {
  const engine = memoryEngine();
  const commit = engine.commit.bind(engine);
  const commits: Deferred<void>[] = [];
  let hold = false;
  engine.commit = async (changes: Changes): Promise<void> => {
    if (hold) {
      const gate = deferred<void>();
      commits.push(gate);
      await gate.promise;
    }
    await commit(changes);
  };
  const store = await openStore(await openBackend(engine), { durability });
  hold = true;
  const next = async (): Promise<Deferred<void>> => {
    while (commits.length === 0) await new Promise(setImmediate);
    return commits.shift()!;
  };
  return { store, commits, next };
}

test('law 1: a revision is visible when it is durable, not before', async () => {
  const { store, next } = await held();
  store.put(bytes('a'), bytes('1'));
  store.put(bytes('b'), bytes('2'));
  let settled = false;
  const waiting = store.settled().then(() => {
    settled = true;
  });
  const commit = await next();
  expect([store.rev(), store.finishedRev(), settled]).toEqual([1, 3, false]);
  expect([store.get(bytes('a')), await list(store)]).toEqual([undefined, []]);
  expect(store.history(bytes('a'))).toEqual([]);
  expect(await codeOf(() => store.get(bytes('a'), { revision: 2 }))).toBe('MVCC_FUTURE_REVISION');
  expect(await codeOf(() => store.hashByRev(2))).toBe('MVCC_FUTURE_REVISION');
  expect(await codeOf(() => store.compact(2))).toBe('MVCC_FUTURE_REVISION');
  // Writers work on the newest state.
  expect(store.write((txn) => txn.get(bytes('b'))).value).toMatchObject({ modRevision: 3 });
  commit.resolve();
  await waiting;
  expect([store.rev(), await list(store)]).toEqual([3, ['a=1', 'b=2']]);
});

test('law 1: those who wait for one commit share it, later ones wait for the next', async () => {
  const { store, next } = await held();
  store.put(bytes('a'), bytes('1'));
  const first = store.settled();
  expect(store.settled()).toBe(first);
  const commit = await next();
  expect(store.settled()).toBe(first);
  store.put(bytes('b'), bytes('2'));
  const second = store.settled();
  expect(second).not.toBe(first);
  expect(store.settled()).toBe(second);
  commit.resolve();
  await first;
  expect(store.rev()).toBe(2);
  (await next()).resolve();
  await second;
  expect(store.rev()).toBe(3);
  expect(store.settled()).toBe(store.settled());
});

test("D9: with 'interval' a revision is visible at once", async () => {
  const { store, next } = await held('interval');
  store.put(bytes('a'), bytes('1'));
  await store.settled();
  expect([store.rev(), await list(store)]).toEqual([2, ['a=1']]);
  const committed = store.commit();
  (await next()).resolve();
  await committed;
});

test('law 8: a failed commit rejects those who wait and refuses writes; reads go on', async () => {
  const { store, next } = await held();
  store.put(bytes('a'), bytes('1'));
  const first = store.settled();
  (await next()).resolve();
  await first;
  store.put(bytes('a'), bytes('2'));
  const failing = store.settled();
  const commit = await next();
  store.put(bytes('a'), bytes('3'));
  const after = store.settled();
  const cause = new Error('EIO');
  commit.reject(cause);
  await expect(failing).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause });
  await expect(after).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause });
  await expect(store.settled()).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause });
  expect([store.rev(), await list(store)]).toEqual([2, ['a=1']]);
  expect(await codeOf(() => store.put(bytes('b'), bytes('x')))).toBe('BACKEND_FAILED');
  expect(await codeOf(() => store.compact(2))).toBe('BACKEND_FAILED');
  expect(await codeOf(() => store.commit())).toBe('BACKEND_FAILED');
  expect((await store.hashByRev(0)).revision).toBe(2);
  expect(store.history(bytes('a'))).toHaveLength(1);
  await store.close();
});

test('law 8, R25: a commit that fails while a compaction runs ends that, too; reopening recovers', async () => {
  const medium = await makeMedium();
  const first = await reopen(medium, { compactionBatchLimit: 1, compactionPauseMs: 0 });
  for (let i = 0; i < 10; i++) await put(first.store, 'k', `${i}`);
  const compaction = await first.store.compact(9);
  medium.crash();
  expect(await codeOf(() => compaction.finished())).toBe('BACKEND_FAILED');
  expect(await list(first.store, 11)).toEqual(['k=9']);
  const second = await reopen(medium);
  await second.store.compactionBarrier();
  expect([second.store.rev(), second.store.firstRev(), await list(second.store)]).toEqual([11, 9, ['k=9']]);
});

test('P5: reads below a compaction answer until its decision is durable', async () => {
  const { store, next } = await held();
  store.put(bytes('a'), bytes('1'));
  store.put(bytes('a'), bytes('2'));
  const settled = store.settled();
  (await next()).resolve();
  await settled;
  const compacted = store.compact(3);
  const commit = await next();
  expect(store.get(bytes('a'), { revision: 2 })).toBeDefined();
  expect(store.firstRev()).toBe(0);
  commit.resolve();
  const compaction = await compacted;
  expect(await codeOf(() => store.get(bytes('a'), { revision: 2 }))).toBe('MVCC_COMPACTED');
  (await next()).resolve();
  await compaction.finished();
});

test('R8, R9: close waits for the commit under way', async () => {
  const { store, next } = await held();
  store.put(bytes('a'), bytes('1'));
  const settled = store.settled();
  let closed = false;
  const closing = store.close().then(() => {
    closed = true;
  });
  const commit = await next();
  expect(closed).toBe(false);
  commit.resolve();
  await Promise.all([settled, closing]);
  expect(store.rev()).toBe(2);
});

test('R15: a failed commit that nobody waits for makes no noise', async () => {
  const { store, next } = await held();
  store.put(bytes('a'), bytes('1'));
  (await next()).reject(new Error('EIO'));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(store.rev()).toBe(1);
});

test('law 9: admit is the backend’s', async () => {
  const { store } = await open();
  expect(store.admitting).toBe(true);
  await store.admit();
  await store.commit();
});
