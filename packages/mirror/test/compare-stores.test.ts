/** MRG1: two stores side by side, each at its revision. */
import { memory } from '@varve/kv';
import { expect, test } from 'vitest';
import { compareStores, mirror, type ByteKv } from '../src/index.ts';
import { pairs } from '../src/merge.ts';
import { b, instead, opened } from './support.ts';

test('each store is read at the revision that is named, or else at the present one', async () => {
  const [first, second] = [await opened(memory()), await opened(memory())];
  await second.put(b('only here'), b('x'));
  await second.delete(b('only here'));
  const was = [(await first.put(b('k'), b('1'))).revision, (await second.put(b('k'), b('1'))).revision] as const;
  await first.put(b('k'), b('2'));
  await first.put(b('l'), b('2'));
  await second.put(b('k'), b('3'));
  const then = await compareStores({ store: first, revision: was[0] }, { store: second, revision: was[1] });
  expect(then).toEqual({
    equal: true,
    keys: 1,
    firstRevision: was[0],
    secondRevision: was[1],
    differences: 0,
    examples: [],
  });
  const now = await compareStores({ store: first }, { store: second });
  expect(now).toMatchObject({ equal: false, keys: 2, firstRevision: was[0] + 2, secondRevision: was[1] + 1 });
  expect(now.examples).toEqual([
    { key: b('k'), kind: 'different' },
    { key: b('l'), kind: 'missing' },
  ]);
  expect(await compareStores({ store: first, revision: was[0] }, { store: second })).toMatchObject({
    equal: false,
    examples: [{ key: b('k'), kind: 'different' }],
  });
});

test('so many differences are kept as were asked for, and all are counted', async () => {
  const [first, second] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 5; i++) await first.put(b(`k${i}`), b('x'));
  for (const keep of [0, 2]) {
    const { differences, examples } = await compareStores({ store: first }, { store: second }, { keep });
    expect([differences, examples.length]).toEqual([5, keep]);
  }
  const range = { start: b('k1'), end: b('k3') };
  expect(await compareStores({ store: first }, { store: second }, { range })).toMatchObject({
    keys: 2,
    differences: 2,
  });
});

test('leaving the walk in the middle ends the lists of both stores', async () => {
  let ended = 0;
  const counting = async (): Promise<ByteKv> => {
    const store = await opened(memory());
    for (const key of ['a', 'b']) await store.put(b(key), b('x'));
    const list = async function* (...args: Parameters<ByteKv['list']>): AsyncGenerator {
      try {
        yield* store.list(...args);
      } finally {
        ended++;
      }
    };
    return instead(store, { list });
  };
  for await (const { key } of pairs(await counting(), await counting(), {})) {
    expect(key).toEqual(b('a'));
    break;
  }
  expect(ended).toBe(2);
});

test('an aborted signal ends it with its reason, and what is compacted with its code', async () => {
  const [first, second] = [await opened(memory()), await opened(memory())];
  await first.put(b('k'), b('1'));
  const { revision } = await first.put(b('k'), b('2'));
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(compareStores({ store: first }, { store: second }, { signal })).rejects.toThrow('enough');
  await first.compact(revision);
  await expect(compareStores({ store: first, revision: 2 }, { store: second })).rejects.toMatchObject({
    code: 'MVCC_COMPACTED',
  });
});

test('rows of mirrors are of one store each: a mirror of a mirror copies none, at once or later', async () => {
  const [a, between, z] = [await opened(memory()), await opened(memory()), await opened(memory())];
  await a.put(b('k'), b('1'));
  await using near = mirror(a, between);
  await near.caughtUp();
  await using far = mirror(between, z);
  await far.caughtUp();
  await a.put(b('k'), b('2'));
  const { targetRevision } = await near.fence();
  await far.caughtUp(targetRevision);
  await far.fence();
  expect(await compareStores({ store: a }, { store: z })).toMatchObject({ equal: true, keys: 1 });
  expect(far.status()).toMatchObject({ phase: 'following', events: 1, copied: 1 });
  expect(await z.count({})).toBe(2);
});
