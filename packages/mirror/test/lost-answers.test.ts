/** MIR2, MPL1, MLI1: stores whose answers get lost, come late, or leave something out. */
import { KvError } from '@varve/api';
import { memory } from '@varve/kv';
import { expect, test } from 'vitest';
import { deferred } from '@varve/base/deferred';
import { compareStores, mirror, type ByteKv } from '../src/index.ts';
import { b, instead, opened, storyOf } from './support.ts';

/** The store, of whose transactions some are told to have an unknown outcome: every third was done, every fifth was not. */
function losing(store: ByteKv, lost: string[]): ByteKv {
  let calls = 0;
  const txn = async (...args: Parameters<ByteKv['txn']>): Promise<unknown> => {
    calls++;
    if (calls % 5 === 0) {
      lost.push('before');
      throw new KvError('KV_UNAVAILABLE', 'nobody answers');
    }
    const answer = await store.txn(...args);
    if (calls % 3 === 0) {
      lost.push('after');
      throw new KvError('KV_UNKNOWN_OUTCOME', 'the answer was lost');
    }
    return answer;
  };
  return instead(store, { txn });
}

test('nothing is lost or doubled when answers of the target are', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const lost: string[] = [];
  for (let i = 0; i < 20; i++) await from.put(b(`old${i}`), b('x'));
  await using running = mirror(from, losing(to, lost), { maxOps: 4, retryMs: 5 });
  await running.caughtUp();
  for (let i = 0; i < 60; i++) await from.put(b(`k${i % 5}`), b(`${i}`));
  await running.caughtUp();
  expect(lost).toContain('before');
  expect(lost).toContain('after');
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 25 });
  const [want, got] = [await storyOf(from), await storyOf(to)];
  for (const key of ['k0', 'k1', 'k2', 'k3', 'k4']) expect(got[key]).toEqual(want[key]);
  expect(running.status().phase).toBe('following');
});

test('a write of its own that comes late is known as its own, and one of a copy does not undo what came after it', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 6; i++) await from.put(b(`k${i}`), b('old'));
  const hold = deferred<void>();
  const late: Promise<unknown>[] = [];
  let calls = 0;
  const txn = async (...args: Parameters<ByteKv['txn']>): Promise<unknown> => {
    calls++;
    // The first part of the copy, and a change later, are done long after their answer was given up.
    if (calls !== 1 && calls !== 5) return to.txn(...args);
    late.push(hold.promise.then(() => to.txn(...args)));
    if (calls === 5) {
      hold.resolve();
      await Promise.all(late);
    }
    throw new KvError('KV_UNKNOWN_OUTCOME', 'the answer was lost');
  };
  await using running = mirror(from, instead(to, { txn }), { maxOps: 3, retryMs: 5 });
  await running.caughtUp();
  await from.put(b('k0'), b('new'));
  await from.put(b('k1'), b('new'));
  await running.caughtUp();
  await from.put(b('k2'), b('new'));
  await running.caughtUp();
  expect(late).toHaveLength(2);
  expect(running.status()).toMatchObject({ phase: 'following' });
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 6 });
});

test.each([
  ['of a copy', 1],
  ['of what is followed', 4],
] as const)('a write %s that comes after the place was looked up is known as its own', async (_, lost) => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 6; i++) await from.put(b(`k${i}`), b('old'));
  type Args = Parameters<ByteKv['txn']>;
  let held: Args | undefined;
  let calls = 0;
  const txn = async (...args: Args): Promise<unknown> => {
    if (++calls === lost) {
      held = args;
      throw new KvError('KV_UNKNOWN_OUTCOME', 'the answer was lost');
    }
    const late = held;
    held = undefined;
    if (late !== undefined) expect((await to.txn(...late)).succeeded).toBe(true);
    return to.txn(...args);
  };
  await using running = mirror(from, instead(to, { txn }), { maxOps: 3, retryMs: 5 });
  await running.caughtUp();
  for (const value of ['new', 'newer']) await from.put(b('k0'), b(value));
  await running.caughtUp();
  expect(calls).toBeGreaterThan(lost);
  expect(running.status()).toMatchObject({ phase: 'following', copies: lost === 1 ? 3 : 1 });
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 6 });
  expect((await storyOf(to))['k0']).toEqual(['old', 'new', 'newer']);
});

test('a member that is behind may tell of what is known: what is begun is not applied twice', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  let calls = 0;
  const txn = async (...args: Parameters<ByteKv['txn']>): Promise<unknown> => {
    // The copy, then the first part of what follows.
    if (++calls > 2) throw new KvError('KV_DENIED', 'no more');
    return to.txn(...args);
  };
  const first = mirror(from, instead(to, { txn }), { maxOps: 2 });
  await first.caughtUp();
  const ops = Array.from({ length: 5 }, (_, i) => ({ type: 'put' as const, key: b(`k${i}`), value: b('x') }));
  await from.txn({ then: ops });
  await expect(first.ended).rejects.toMatchObject({ code: 'KV_DENIED' });
  expect(await to.count({ prefix: b('k') })).toBe(2);
  const watch = (...args: Parameters<ByteKv['watch']>): unknown => {
    const inner = from.watch(...args);
    const batches = async function* (): AsyncGenerator {
      yield { revision: 1, events: [], initial: false };
      yield* inner.batches();
    };
    return { batches, close: () => inner.close() };
  };
  await using second = mirror(instead(from, { watch }), to, { maxOps: 2 });
  await from.put(b('k0'), b('y'));
  await second.caughtUp();
  expect(await storyOf(to)).toEqual(await storyOf(from));
});
