import { expect, expectTypeOf, test } from 'vitest';
import {
  bytes,
  exists,
  json,
  memory,
  missing,
  open,
  put,
  range,
  remove,
  within,
  type EmbeddedKv,
} from '../src/index.ts';
import { codeOf, collect } from './helpers.ts';

interface User {
  readonly name: string;
}

test('a name space has keys and values of its own, and no way out', async () => {
  await using kv = await open(memory());
  const users = kv.namespace('users/', { value: json<User>() });
  expectTypeOf(users).toEqualTypeOf<EmbeddedKv<string, User>>();
  await kv.put('users', 'before');
  await kv.put('users/', 'the prefix itself');
  await kv.put('users0', 'after');
  await users.put('ann', { name: 'Ann' });
  await users.put('bob', { name: 'Bob' });

  expect((await kv.get('users/ann'))?.value).toBe('{"name":"Ann"}');
  expect(await users.get('ann')).toMatchObject({ key: 'ann', value: { name: 'Ann' } });
  expect((await collect(users.list({}))).map((entry) => entry.key)).toEqual(['ann', 'bob']);
  expect((await collect(users.list({ prefix: 'b' }))).map((entry) => entry.key)).toEqual(['bob']);
  expect((await collect(users.list({ start: 'b' }))).map((entry) => entry.key)).toEqual(['bob']);
  expect((await collect(users.list({ end: 'b' }))).map((entry) => entry.key)).toEqual(['ann']);
  expect(await users.count({})).toBe(2);
  const page = await users.page({}, { limit: 1 });
  expect((await users.page({}, { limit: 1, cursor: page.next })).entries).toMatchObject([{ key: 'bob' }]);
  expect(await users.at(5).count({})).toBe(1);
  expect(await users.delete({ all: true })).toMatchObject({ deleted: 2 });
  expect(await kv.count({})).toBe(3);
  expect(await codeOf(() => users.put('', { name: 'nobody' }))).toBe('KV_INVALID');
});

test('watches, histories, transactions and sections stay inside', async () => {
  await using kv = await open(memory());
  const space = kv.namespace('n/');
  const watch = space.watch({});
  await kv.put('outside', 'x');
  expect(await space.txn({ if: [missing({})], then: [put('a', '1')] })).toMatchObject({ succeeded: true });
  await space.transaction(async (tx) => tx.put('b', (await tx.get('a'))?.value ?? ''));
  await space.write((section) => section.put('c', String(section.count({}))));
  expect((await collect(watch, 3)).map((event) => event.key)).toEqual(['a', 'b', 'c']);
  expect(await collect(space.history('a'))).toMatchObject([{ key: 'a', value: '1' }]);
  const result = await space.txn({ if: [exists('c')], then: [range({}), remove({ all: true })] });
  expect(result).toMatchObject({
    results: [{ total: 3, entries: [{ key: 'a' }, { key: 'b' }, { key: 'c' }] }, { deleted: 3 }],
  });
  expect(await kv.count({})).toBe(1);
});

test('name spaces nest, also under a prefix of 0xff', async () => {
  await using kv = await open(memory(), { key: bytes });
  const inner = kv.namespace(Uint8Array.of(0xff)).namespace(Uint8Array.of(0xff, 0xff));
  await inner.put(Uint8Array.of(0xff), 'deep');
  await inner.put(Uint8Array.of(0), 'low');
  expect([...((await collect(kv.list({})))[1]?.key ?? [])]).toEqual([0xff, 0xff, 0xff, 0xff]);
  expect((await collect(inner.list({}))).map((entry) => entry.key)).toEqual([Uint8Array.of(0), Uint8Array.of(0xff)]);
  expect(await inner.count({ prefix: Uint8Array.of(0xff) })).toBe(1);
});

test('closing a name space closes nothing; closing the store closes it', async () => {
  const kv = await open(memory());
  const space = kv.namespace('n/');
  await space.close();
  await space.put('a', '1');
  await kv.close();
  expect(await codeOf(() => space.get('a'))).toBe('KV_CLOSED');
});

test('law 3: a section writes several name spaces as one revision; those of another store are refused, and undo it', async () => {
  await using kv = await open(memory());
  await using other = await open(memory());
  const numbers = kv.namespace('n/', { value: json<number>() });
  const { revision } = await kv.write((section) => {
    const inside = section.in(numbers);
    inside.put('k', 7);
    section.put('a', `${inside.get('k')?.value} ${section.get('n/k')?.value}`);
    expect(inside.in(kv).count({})).toBe(2);
    expect(inside.list({}).map(({ key, value }) => [key, value])).toEqual([['k', 7]]);
  });
  expect([(await numbers.get('k'))?.modRevision, (await kv.get('a'))?.value]).toEqual([revision, '7 7']);
  const lost = kv.write((section) => {
    section.put('a', 'lost');
    section.in(other.namespace('n/')).put('k', 'x');
  });
  await expect(lost).rejects.toMatchObject({ code: 'KV_INVALID' });
  expect((await kv.get('a'))?.value).toBe('7 7');
  const twice = kv.txn({ then: [put('n/k', '1'), within(numbers, put('k', 2))] });
  await expect(twice).rejects.toMatchObject({ code: 'KV_DUPLICATE_KEY', key: new Uint8Array([0x6b]) });
});
