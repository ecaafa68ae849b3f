/** MLI1: a watch of an etcd may leave out a deletion that a compaction has taken; then the whole is compared, before anything is applied on top. */
import { memory } from '@varve/kv';
import { expect, test } from 'vitest';
import { compareStores, mirror, type ByteKv } from '../src/index.ts';
import { b, instead, opened, storyOf } from './support.ts';

/** The watch of a store that tells of puts alone. @param between called before each batch, with how many there were */
function forgetful(from: ByteKv, between: (batches: number) => Promise<unknown> = async () => undefined): ByteKv {
  const watch = (...[selector, options]: Parameters<ByteKv['watch']>): unknown => {
    let close = async (): Promise<void> => undefined;
    const batches = async function* (): AsyncGenerator {
      let count = 0;
      await between(count);
      const inner = from.watch(selector, { ...options, only: 'put' });
      close = () => inner.close();
      for await (const batch of inner.batches()) {
        yield batch;
        await between(++count);
      }
    };
    return { batches, close: () => close() };
  };
  return instead(from, { watch });
}

/** Two stores with `goes` in both, and a mirror that has been there. */
async function begun(): Promise<{ readonly from: ByteKv; readonly to: ByteKv }> {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('goes'), b('1'));
  const first = mirror(from, to);
  await first.caughtUp();
  await first.close();
  return { from, to };
}

test('compacted before: nothing that comes after it is applied', async () => {
  const { from, to } = await begun();
  const { revision } = await from.delete(b('goes'));
  for (const key of ['x', 'y']) await from.put(b(key), b('1'));
  await from.compact(revision);
  await using second = mirror(forgetful(from), to);
  await second.caughtUp();
  expect(second.status()).toMatchObject({ copies: 1, events: 0 });
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 2 });
});

test('compacted after it was asked for', async () => {
  const { from, to } = await begun();
  let isDone = false;
  const between = async (batches: number): Promise<void> => {
    if (isDone || batches > 0) return;
    isDone = true;
    const { revision } = await from.delete(b('goes'));
    await from.put(b('x'), b('1'));
    await from.compact(revision);
  };
  await using second = mirror(forgetful(from, between), to);
  await second.caughtUp(4);
  expect(second.status().copies).toBe(1);
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 1 });
});

test('compacted while it catches up', async () => {
  const { from, to } = await begun();
  await from.put(b('x'), b('1'));
  const { revision } = await from.delete(b('goes'));
  await from.put(b('y'), b('1'));
  let isDone = false;
  const between = async (batches: number): Promise<void> => {
    if (isDone || batches === 0) return;
    isDone = true;
    await from.compact(revision);
  };
  await using second = mirror(forgetful(from, between), to);
  await second.caughtUp();
  expect(second.status().copies).toBe(1);
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 2 });
});

test('law 9: whether it is the source is asked once, whether it is complete twice, and neither for each change', async () => {
  const { from, to } = await begun();
  let asked = 0;
  const at = (revision: number): unknown => {
    asked++;
    return from.at(revision);
  };
  await using second = mirror(instead(from, { at }), to);
  for (let i = 0; i < 20; i++) await from.put(b('k'), b(`${i}`));
  await second.caughtUp();
  expect(asked).toBe(3);
  expect((await storyOf(to))['k']).toHaveLength(20);
});
