/** MPL1, MPL2: the row that says where a mirror is. */
import { memory } from '@varve/kv';
import { expect, test } from 'vitest';
import { Checkpoint, checkpointKey, fenceKey, type Place } from '../src/checkpoint.ts';
import type { ByteKv } from '../src/index.ts';
import { b, opened, s } from './support.ts';

const { signal } = new AbortController();

async function checkpointOf(to: ByteKv): Promise<Checkpoint> {
  const checkpoint = new Checkpoint(to, 'm', 'prefix:61');
  await checkpoint.read(signal);
  return checkpoint;
}

/** As a mirror writes it. */
async function write(to: ByteKv, checkpoint: Checkpoint, place?: Place): Promise<boolean> {
  const row = checkpoint.rowOf(place);
  const { succeeded, revision } = await to.txn({ if: [checkpoint.condition], then: [checkpoint.write(row)] });
  if (succeeded) checkpoint.written(row, place, revision);
  return succeeded;
}

test('the parts of a copy are counted, by whoever goes on with it, and the place is what was written last', async () => {
  const to = await opened(memory());
  const first = await checkpointOf(to);
  expect([first.place, first.targetRevision]).toEqual([undefined, 0]);
  const rows: unknown[] = [];
  const note = async (): Promise<void> => {
    rows.push(JSON.parse(s((await to.get(checkpointKey('m')))!.value)));
  };
  for (let i = 0; i < 2; i++) {
    expect(await write(to, first)).toBe(true);
    await note();
  }
  const second = await checkpointOf(to);
  expect(second.place).toBeUndefined();
  expect(await write(to, second)).toBe(true);
  await note();
  expect(await write(to, second, { revision: 9, part: 2 })).toBe(true);
  expect(await write(to, second)).toBe(true);
  await note();
  const head = { format: 1, range: 'prefix:61' };
  expect(rows).toEqual([1, 2, 3, 1].map((copying) => ({ ...head, copying })));
  // What the first one knows is not so any more.
  expect(await write(to, first)).toBe(false);
  expect(await write(to, second, { revision: 9, part: 2 })).toBe(true);
  const third = await checkpointOf(to);
  expect(third.place).toEqual({ revision: 9, part: 2 });
  expect(third.targetRevision).toBe((await to.status()).revision);
});

test('a row is known as its own that came late while its outcome is in doubt, and no longer', async () => {
  const to = await opened(memory());
  const [one, other] = [await checkpointOf(to), await checkpointOf(to)];
  const place = { revision: 3, part: 0 };
  expect(one.isOwnLate).toBe(false);
  one.doubt(one.rowOf(place));
  expect(one.isOwnLate).toBe(false);
  await write(to, other, { revision: 2, part: 0 });
  await one.read(signal);
  expect(one.isOwnLate).toBe(false);
  await write(to, other, place);
  await one.read(signal);
  expect(one.isOwnLate).toBe(true);
  await write(to, one, { revision: 4, part: 0 });
  await write(to, await checkpointOf(to), place);
  await one.read(signal);
  expect(one.isOwnLate).toBe(false);
});

test.each([
  'no JSON',
  'null',
  '3',
  '{"format":2,"range":"prefix:61","revision":3,"part":0}',
  '{"format":1,"range":"prefix:61"}',
  '{"format":1,"range":"prefix:61","revision":3}',
  '{"format":1,"range":"prefix:61","revision":3,"part":-1}',
  '{"format":1,"range":"prefix:61","revision":0,"part":0}',
  '{"format":1,"range":"prefix:61","revision":"3","part":0}',
  '{"format":1,"range":"prefix:61","copying":0}',
])('something else in its place is KV_DECODE, and left as it is: %s', async (row) => {
  const to = await opened(memory());
  await to.put(checkpointKey('m'), b(row));
  await expect(checkpointOf(to)).rejects.toMatchObject({ code: 'KV_DECODE', key: checkpointKey('m') });
});

test('each name has a row and a fence of its own', () => {
  const keys = ['m', 'n'].flatMap((name) => [s(checkpointKey(name)), s(fenceKey(name))]);
  expect(new Set(keys).size).toBe(4);
});
