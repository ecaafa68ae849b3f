import { beforeEach, expect, test } from 'vitest';
import { fails, start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

const kv = (key: string, value: string, createRevision: number, modRevision = createRevision, version = 1): object => ({
  key,
  value,
  createRevision,
  modRevision,
  version,
});

test('S1, S2, S3, S4, S5, S6: puts and point reads', async () => {
  expect(await server.call('range', {})).toBe(fails.emptyKey);
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
  expect(await server.call('put', { key: 'a', value: '1' })).toEqual({ rev: 2 });
  expect(await server.call('put', { key: 'a', value: '2', prevKv: true })).toEqual({ rev: 3, prevKv: kv('a', '1', 2) });
  expect(await server.call('put', { key: 'b', value: '1', prevKv: true })).toEqual({ rev: 4 });
  expect(await server.call('put', { key: 'a', value: '2' })).toEqual({ rev: 5 });
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 5, count: 1, kvs: [kv('a', '2', 2, 5, 3)] });
});

test('S7, S8, S9, S10, S11, S12: values and leases that are kept', async () => {
  await server.put('a=2');
  expect(await server.call('put', { key: 'a', value: 'x', ignoreValue: true })).toBe(fails.valueProvided);
  expect(await server.call('put', { key: 'a', lease: 5, ignoreLease: true })).toBe(fails.leaseProvided);
  expect(await server.call('put', { key: 'zz', ignoreValue: true })).toBe(fails.keyNotFound);
  expect(await server.call('put', { key: 'zz', ignoreLease: true })).toBe(fails.keyNotFound);
  expect(await server.call('range', { key: 'zz' })).toEqual({ rev: 2 });
  expect(await server.call('put', { key: 'a', ignoreValue: true })).toEqual({ rev: 3 });
  expect(await server.call('range', { key: 'a' })).toMatchObject({ kvs: [{ value: '2', version: 2 }] });
  expect(await server.call('put', { key: 'a', lease: 77 })).toBe(fails.leaseNotFound);
  expect(await server.call('put', { key: 'zz', ignoreValue: true, lease: 77 })).toBe(fails.leaseNotFound);
});

test('S13, S14: an empty value, a key of one zero byte', async () => {
  await server.call('put', { key: 'a' });
  expect(await server.call('range', { key: 'a' })).toMatchObject({ kvs: [{ key: 'a', version: 1 }] });
  await server.call('put', { key: '\0', value: 'zero' });
  expect(await server.call('range', { key: '\0' })).toMatchObject({ count: 1, kvs: [{ key: '\0', value: 'zero' }] });
  expect(await server.call('range', { key: '\0', rangeEnd: '\0' })).toMatchObject({ count: 2 });
});

test('S15 to S30: ranges of a and b', async () => {
  await server.put('a=1', 'a=2', 'b=1', 'a=3');
  const a = kv('a', '3', 2, 5, 3);
  const b = kv('b', '1', 4);
  const range = (more: object = {}) => server.call('range', { key: 'a', rangeEnd: 'z', ...more });
  const both = { rev: 5, count: 2, kvs: [a, b] };
  expect(await range()).toEqual(both);
  expect(await server.call('range', { key: '\0', rangeEnd: '\0' })).toEqual(both);
  expect(await range({ revision: 2 })).toEqual({ rev: 5, count: 1, kvs: [kv('a', '1', 2)] });
  expect(await range({ revision: 1 })).toEqual({ rev: 5 });
  expect(await range({ revision: 100 })).toBe(fails.future);
  for (const revision of [-1, -5]) expect(await range({ revision })).toEqual(both);
  for (const limit of [-1, 0, '9223372036854775807']) expect(await range({ limit })).toEqual(both);
  expect(await range({ limit: 1 })).toEqual({ rev: 5, count: 2, more: true, kvs: [a] });
  expect(await range({ limit: 2 })).toEqual(both);
  expect(await range({ countOnly: true, limit: 1 })).toEqual({ rev: 5, count: 2 });
  expect(await range({ countOnly: true, minModRevision: 100 })).toEqual({ rev: 5, count: 2 });
  expect(await range({ keysOnly: true })).toEqual({
    rev: 5,
    count: 2,
    kvs: [
      { key: 'a', createRevision: 2, modRevision: 5, version: 3 },
      { key: 'b', createRevision: 4, modRevision: 4, version: 1 },
    ],
  });
  expect(await range({ minModRevision: 5 })).toEqual({ rev: 5, count: 2, kvs: [a] });
  expect(await range({ minModRevision: 1, limit: 1 })).toEqual({ rev: 5, count: 2, more: true, kvs: [a] });
  expect(await range({ maxModRevision: -1 })).toEqual({ rev: 5, count: 2 });
  expect(await server.call('range', { key: 'z', rangeEnd: 'a' })).toEqual({ rev: 5 });
  expect(await range({ rangeEnd: 'a' })).toEqual({ rev: 5 });
  expect(await range({ rangeEnd: 'a', revision: 100 })).toBe(fails.future);
});

test.each([
  ['minModRevision', 4, 'cd'],
  ['maxModRevision', 4, 'bc'],
  ['minCreateRevision', 4, 'cd'],
  ['maxCreateRevision', 4, 'bc'],
  ['minModRevision', 6, ''],
  ['maxModRevision', 2, ''],
  ['minCreateRevision', 3, 'bcd'],
  ['maxCreateRevision', 5, 'bcd'],
])('S31: %s %i is inclusive', async (bound, revision, keys) => {
  await server.put('x', 'b', 'c', 'd');
  const answer = await server.call('range', { key: 'b', rangeEnd: 'e', [bound]: revision });
  const kvs = (answer as { readonly kvs?: readonly { readonly key: string }[] }).kvs ?? [];
  expect(kvs.map(({ key }) => key).join('')).toBe(keys);
});

test('S32 to S37: orders', async () => {
  await server.put('sa=0', 'sa=3', 'sb=2', 'sc=1', 'sd=2');
  const [ASCEND, DESCEND] = [1, 2];
  const [VERSION, CREATE, MOD, VALUE] = [1, 2, 3, 4];
  const keys = async (more: object): Promise<string[]> => {
    const answer = await server.call('range', { key: 'sa', rangeEnd: 'sz', ...more });
    return (answer as { readonly kvs: readonly { readonly key: string }[] }).kvs.map(({ key }) => key);
  };
  expect(await keys({ sortTarget: VALUE, sortOrder: ASCEND, limit: 1 })).toEqual(['sc']);
  expect(await keys({ sortTarget: VALUE, limit: 1 })).toEqual(['sb']);
  expect(await keys({ sortTarget: VALUE })).toEqual(['sc', 'sb', 'sd', 'sa']);
  expect(await keys({ sortTarget: VERSION, sortOrder: DESCEND, limit: 1 })).toEqual(['sa']);
  expect(await keys({ sortTarget: CREATE, sortOrder: DESCEND, limit: 1 })).toEqual(['sd']);
  expect(await keys({ sortTarget: MOD, sortOrder: DESCEND, limit: 1 })).toEqual(['sd']);
  const last = await server.call('range', { key: 'sa', rangeEnd: 'sz', sortOrder: DESCEND, limit: 2 });
  expect(last).toMatchObject({ more: true, count: 4, kvs: [{ key: 'sd' }, { key: 'sc' }] });
  const byValue = await server.call('range', {
    key: 'sa',
    rangeEnd: 'sz',
    keysOnly: true,
    sortTarget: VALUE,
    sortOrder: DESCEND,
  });
  expect((byValue as { readonly kvs: readonly object[] }).kvs[0]).toEqual({
    key: 'sa',
    createRevision: 2,
    modRevision: 3,
    version: 2,
  });
});

test('S38: orders that there are not', async () => {
  expect(await server.call('range', { key: 'a', sortOrder: 9 })).toBe(fails.sort);
  expect(await server.call('range', { key: 'a', sortTarget: 9 })).toBe(fails.sort);
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});

test('S39: everybody reads what they have written', async () => {
  const writers = Array.from({ length: 100 }, async (_, at) => {
    await server.call('put', { key: `k${at}`, value: `${at}` });
    return server.call('range', { key: `k${at}`, serializable: true });
  });
  const answers = await Promise.all(writers);
  for (const [at, answer] of answers.entries())
    expect(answer).toMatchObject({ kvs: [{ key: `k${at}`, value: `${at}` }] });
});

test('a streamed range comes in pieces that are one range', async () => {
  await server.put(...Array.from({ length: 35 }, (_, at) => `k${String(at).padStart(2, '0')}=${at}`));
  const { answers, end } = await server.client.all('rangeStream', { key: 'k', rangeEnd: 'l', limit: 33 });
  const pieces = answers.map(
    ({ rangeResponse }) => rangeResponse as { readonly kvs: readonly object[]; readonly rev?: number },
  );
  expect(end).toBe('OK');
  expect(pieces.map(({ kvs }) => kvs.length)).toEqual([10, 20, 3]);
  expect(pieces.map(({ rev }) => rev)).toEqual([undefined, undefined, 36]);
  expect(pieces.at(-1)).toMatchObject({ count: 35, more: true });
  const sorted = await server.client.all('rangeStream', { key: 'k', sortOrder: 2 });
  expect(sorted.end).toBe('UNIMPLEMENTED RangeStream does not support custom sort orders');
});
