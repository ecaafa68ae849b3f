/** MIR1, MRR1: what a copy reads and writes. */
import { memory } from '@varve/kv';
import { expect, test } from 'vitest';
import { compareStores, mirror, type ByteKv } from '../src/index.ts';
import { b, instead, opened, storyOf } from './support.ts';

/** The store, and how many operations and bytes each of its transactions had, the mirror's own row aside. */
function weighed(to: ByteKv): { readonly store: ByteKv; readonly txns: { ops: number; bytes: number }[] } {
  const txns: { ops: number; bytes: number }[] = [];
  const txn = async (...args: Parameters<ByteKv['txn']>): Promise<unknown> => {
    const ops = (args[0].then ?? []).slice(0, -1) as { key: Uint8Array; value?: Uint8Array }[];
    const bytes = ops.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
    txns.push({ ops: ops.length, bytes });
    return to.txn(...args);
  };
  return { store: instead(to, { txn }), txns };
}

test('no transaction of a copy has more operations or bytes than it may, but for a single value that is larger', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 10; i++) await from.put(b(`a${i}`), b('x'));
  for (let i = 0; i < 6; i++) await from.put(b(`b${i}`), b('x'.repeat(38)));
  await from.put(b('c'), b('x'.repeat(500)));
  await from.put(b('d'), b('x'));
  const target = weighed(to);
  await using running = mirror(from, target.store, { maxOps: 4, maxBytes: 100 });
  await running.caughtUp();
  expect(target.txns.map(({ ops }) => ops)).toEqual([4, 4, 4, 2, 2, 1, 1]);
  expect(target.txns.filter(({ bytes }) => bytes > 100)).toEqual([{ ops: 1, bytes: 501 }]);
  expect(running.status()).toMatchObject({ copies: 1, copied: 18 });
});

test('it copies one revision of the source: what is written meanwhile comes once, as a change', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('a'), b('1'));
  let late: Promise<unknown> | undefined;
  const status = async (): Promise<unknown> => {
    const found = await from.status();
    late ??= Promise.all([from.put(b('a'), b('2')), from.put(b('b'), b('1'))]);
    await late;
    return found;
  };
  await using running = mirror(instead(from, { status }), to);
  await running.caughtUp((await from.status()).revision + 2);
  expect(running.status()).toMatchObject({ copied: 1, events: 2 });
  expect(await storyOf(to)).toEqual({ a: ['1', '2'], b: ['1'] });
});

test('a range that the caller changes afterwards is the one that was given', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('in/1'), b('x'));
  await from.put(b('out/1'), b('x'));
  const range = { prefix: b('in/') };
  await using running = mirror(from, to, { range });
  range.prefix = b('out/');
  await running.caughtUp();
  expect(await compareStores({ store: from }, { store: to }, { range: { prefix: b('in/') } })).toMatchObject({
    equal: true,
  });
  expect(await to.get(b('out/1'))).toBeUndefined();
});
