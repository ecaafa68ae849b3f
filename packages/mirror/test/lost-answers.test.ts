/** MIR2: a target whose answers get lost, before or after the write was done. */
import { KvError } from '@varve/api';
import { memory } from '@varve/kv';
import { expect, test } from 'vitest';
import { compareStores, mirror, type ByteKv } from '../src/index.ts';
import { b, opened, storyOf } from './support.ts';

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
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'txn') return txn;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
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
