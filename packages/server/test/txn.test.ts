import { TxnResponseSchema, type TxnResponse } from '@varve/etcd-api';
import { beforeEach, expect, test } from 'vitest';
import { fails, start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

const get = (key: string, more: object = {}): object => ({ requestRange: { key, ...more } });
const put = (key: string, value = '', more: object = {}): object => ({ requestPut: { key, value, ...more } });
const del = (key: string, rangeEnd = '', more: object = {}): object => ({
  requestDeleteRange: { key, rangeEnd, ...more },
});
const nested = (...success: readonly object[]): object => ({ requestTxn: { success } });
const txn = (...success: readonly object[]): Promise<unknown> => server.call('txn', { success });
const holds = async (compare: object): Promise<boolean> => {
  const answer = await server.call('txn', { compare: [compare] });
  return (answer as { readonly succeeded?: boolean }).succeeded === true;
};
/** Until the revision is that one. */
const reach = async (revision: number): Promise<void> => {
  while (server.store.rev() < revision) await server.put('filler');
};

test('S56: an empty transaction', async () => {
  await reach(7);
  expect(await txn()).toEqual({ rev: 7, succeeded: true });
});

test('S57, S58: reads see the writes before them, and headers tell the revision of their moment', async () => {
  await reach(7);
  expect(await txn(put('t1'), get('t1'), put('t2'), get('t', { rangeEnd: 'u' }))).toMatchObject({
    rev: 8,
    responses: [
      { responsePut: { rev: 8 } },
      { responseRange: { rev: 8, count: 1 } },
      { responsePut: { rev: 8 } },
      { responseRange: { rev: 8, count: 2 } },
    ],
  });
  expect(await txn(get('t1'), put('t1', '', { prevKv: true }), get('t1'))).toMatchObject({
    rev: 9,
    responses: [
      { responseRange: { rev: 8 } },
      { responsePut: { rev: 9, prevKv: { modRevision: 8 } } },
      { responseRange: { rev: 9, kvs: [{ version: 2 }] } },
    ],
  });
});

test('S59, S76: headers inside a transaction have the revision only, that of a nested one nothing', async () => {
  const request = {
    success: [put('a'), { requestTxn: { compare: [{ key: 'a', target: 0, version: 1 }], success: [] } }],
  };
  const { header, responses } = await server.client.raw<TxnResponse>('txn', request);
  expect(TxnResponseSchema.typeName).toBe('etcdserverpb.TxnResponse');
  expect(header).toMatchObject({ revision: 2n, raftTerm: 2n });
  const [first, second] = responses.map(({ response }) => response.value!);
  expect(first!.header).toMatchObject({ clusterId: 0n, memberId: 0n, raftTerm: 0n, revision: 2n });
  expect(second!.header).toMatchObject({ clusterId: 0n, memberId: 0n, raftTerm: 0n, revision: 0n });
  expect(second).toMatchObject({ succeeded: false });
});

test('S60, S61, S62: deletions', async () => {
  await reach(9);
  expect(await txn(del('missing'))).toMatchObject({ rev: 9, responses: [{ responseDeleteRange: { rev: 9 } }] });
  await server.put('t1', 't2');
  expect(await txn(del('t2', '', { prevKv: true }), get('t', { rangeEnd: 'u' }))).toMatchObject({
    responses: [
      { responseDeleteRange: { prevKvs: [{ key: 't2' }] } },
      { responseRange: { count: 1, kvs: [{ key: 't1' }] } },
    ],
  });
  await server.put('t3');
  expect(await txn(del('t1'), del('t1'), del('t', 'u'))).toMatchObject({
    rev: 14,
    responses: [
      { responseDeleteRange: { rev: 14, deleted: 1 } },
      { responseDeleteRange: { rev: 14 } },
      { responseDeleteRange: { rev: 14, deleted: 1 } },
    ],
  });
});

test.each<[string, readonly object[], boolean]>([
  ['S63: put a, put a', [put('a'), put('a')], false],
  ['S64: put a, delete a', [put('a'), del('a')], false],
  ['S64: delete a..c, put b', [del('a', 'c'), put('b')], false],
  ['S65: delete a..c, put c', [del('a', 'c'), put('c')], true],
  ['S65: put a, get a', [put('a'), get('a')], true],
  [
    'S68: both branches of one nested transaction',
    [{ requestTxn: { success: [put('n')], failure: [put('n')] } }],
    true,
  ],
  ['S69: two nested puts', [nested(put('n')), nested(put('n'))], false],
  ['S70: put n, nested put n', [put('n'), nested(put('n'))], false],
  ['S70: delete n, nested put n', [del('n'), nested(put('n'))], false],
  ['S70: put n, nested delete n', [put('n'), nested(del('n'))], false],
  ['S71: nested put n, nested delete n', [nested(put('n')), nested(del('n'))], true],
  ['S71: nested delete n, nested put n', [nested(del('n')), nested(put('n'))], false],
  ['S72: put a, delete from a on', [put('a'), del('a', '\0'), get('a')], true],
])('%s', async (_, success, isAllowed) => {
  const answer = await txn(...success);
  if (isAllowed) expect(answer).toMatchObject({ succeeded: true });
  else
    expect([answer, await server.call('range', { key: '\0', rangeEnd: '\0' })]).toEqual([fails.duplicate, { rev: 1 }]);
});

test('S66, S67: the branch that is not taken', async () => {
  expect(await server.call('txn', { success: [put('b')], failure: [put('a'), put('a')] })).toBe(fails.duplicate);
  expect(await server.call('txn', { success: [put('a')], failure: [put('a')] })).toMatchObject({ succeeded: true });
});

test('S71, S72, S73, S102: what executes in order', async () => {
  await server.put('n');
  using watch = server.watch();
  watch.send({ createRequest: { key: 'n' } });
  await watch.next();
  await txn(nested(put('n', '2')), nested(del('n')));
  expect(await server.call('range', { key: 'n' })).toEqual({ rev: 3 });
  expect(await watch.next()).toMatchObject({
    events: [{ kv: { key: 'n', value: '2', modRevision: 3 } }, { type: 1, kv: { key: 'n', modRevision: 3 } }],
  });
  expect(await txn(put('a'), del('a', '\0'), get('a'))).toMatchObject({
    responses: [{}, {}, { responseRange: { rev: 4 } }],
  });
  await server.put('a');
  await txn(del('a', '\0'), put('a'));
  expect(await server.call('range', { key: 'a' })).toMatchObject({ kvs: [{ createRevision: 6, version: 1 }] });
});

test('S74, S92, S93: a put that needs its key', async () => {
  await server.put('a=1');
  expect(await txn(del('a', '\0'), put('a', '', { ignoreValue: true }))).toBe(fails.keyNotFound);
  expect(await server.call('range', { key: 'a' })).toMatchObject({ rev: 2, kvs: [{ value: '1' }] });
  expect(await txn(put('b'), put('x', '', { ignoreValue: true }))).toBe(fails.keyNotFound);
  expect(await server.call('txn', { failure: [put('x', '', { ignoreValue: true })] })).toMatchObject({ rev: 2 });
});

test('S75: comparisons of a nested transaction see the state before', async () => {
  const inner = { requestTxn: { compare: [{ key: 'n5', target: 0, version: 0 }], success: [] } };
  expect(await txn(put('n5'), inner)).toMatchObject({ responses: [{}, { responseTxn: { succeeded: true } }] });
});

test('S77, S78, S79, S80, S81, S82: what a transaction may consist of', async () => {
  const gets = (count: number): object[] => Array.from({ length: count }, (_, at) => get(`k${at}`));
  const compares = (count: number): object[] =>
    Array.from({ length: count }, () => ({ key: 'a', target: 0, version: 0 }));
  expect(await txn({})).toBe(fails.keyNotFound);
  expect(await server.call('txn', { compare: [{ target: 0 }] })).toBe(fails.emptyKey);
  expect(await txn(...gets(128))).toMatchObject({ succeeded: true });
  expect(await txn(...gets(129))).toBe(fails.tooManyOps);
  const full = { compare: compares(128), success: gets(128), failure: gets(128) };
  expect(await server.call('txn', full)).toMatchObject({ succeeded: true });
  expect(await txn(nested(...gets(127)))).toMatchObject({ succeeded: true });
  expect(await txn(nested(...gets(128)))).toBe(fails.tooManyOps);
  expect(await server.call('txn', { compare: compares(129) })).toBe(fails.tooManyOps);
});

test('S83, S84, S85: a missing key', async () => {
  const [EQUAL, LESS, NOT_EQUAL] = [0, 2, 3];
  expect(await holds({ key: 'k', target: 3, result: NOT_EQUAL, value: 'x' })).toBe(false);
  expect(await holds({ key: 'k', target: 3, result: EQUAL, value: '' })).toBe(false);
  expect(await holds({ key: 'k', target: 0, version: 0 })).toBe(true);
  expect(await holds({ key: 'k', target: 1, createRevision: 0 })).toBe(true);
  expect(await holds({ key: 'k', target: 2, result: LESS, modRevision: 1 })).toBe(true);
  expect(await holds({ key: 'k', target: 4, lease: 0 })).toBe(true);
  expect(await holds({ key: 'k', target: 0, result: EQUAL })).toBe(true);
});

test('S86, S87, S91: operands', async () => {
  const [EQUAL, GREATER, LESS, NOT_EQUAL] = [0, 1, 2, 3];
  await server.put('k=1', 'k=2', 'k=5');
  expect(await holds({ key: 'k', target: 0, result: GREATER, value: 'zzz' })).toBe(true);
  expect(await holds({ key: 'k', target: 0, result: EQUAL, value: 'zzz' })).toBe(false);
  for (const [value, order] of [
    ['4', GREATER],
    ['5', EQUAL],
    ['6', LESS],
  ] as const) {
    for (const result of [EQUAL, GREATER, LESS]) {
      expect(await holds({ key: 'k', target: 3, result, value })).toBe(result === order);
    }
    expect(await holds({ key: 'k', target: 3, result: NOT_EQUAL, value })).toBe(order !== EQUAL);
  }
  await server.call('leaseGrant', { ID: 7, TTL: 100 });
  await server.call('put', { key: 'k', lease: 7 });
  expect(await holds({ key: 'k', target: 4, lease: 7 })).toBe(true);
});

test('S88, S89, S90: comparisons over ranges', async () => {
  const [GREATER, NOT_EQUAL] = [1, 3];
  await server.put('a1', 'a2');
  expect(await holds({ key: 'a', rangeEnd: 'b', target: 1, result: GREATER, createRevision: 0 })).toBe(true);
  expect(await holds({ key: 'a', rangeEnd: 'b', target: 1, result: GREATER, createRevision: 2 })).toBe(false);
  expect(await holds({ key: 'x', rangeEnd: 'y', target: 0, version: 0 })).toBe(true);
  expect(await holds({ key: 'x', rangeEnd: 'y', target: 3, result: NOT_EQUAL, value: 'x' })).toBe(false);
  expect(await holds({ key: 'a', rangeEnd: '\0', target: 1, result: GREATER, createRevision: 0 })).toBe(true);
});

test('S94, S95, S96, S97, S98: revisions', async () => {
  await reach(7);
  expect(await txn(get('a', { revision: -1 }))).toMatchObject({ succeeded: true });
  expect(await txn(get('a', { revision: -2 }))).toBe(fails.compacted);
  expect(await txn(get('a', { revision: 8 }))).toBe(fails.future);
  expect(await txn(put('a'), get('a', { revision: 8 }))).toBe(fails.future);
  await server.call('compact', { revision: 4 });
  expect(await txn(put('a'), get('a', { revision: 3 }))).toBe(fails.compacted);
  expect(await txn(get('a', { revision: -1 }))).toBe(fails.compacted);
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 7 });
  expect(await server.call('range', { key: 'a', revision: -1 })).toEqual({ rev: 7 });
  expect(await txn(put('a'), get('a', { revision: 7 }))).toMatchObject({
    rev: 8,
    responses: [{}, { responseRange: { rev: 8 } }],
  });
});

test('S99, S100, L23, L24: what cannot be done is found out in the order of the operations', async () => {
  await server.call('leaseGrant', { ID: 1, TTL: 100 });
  expect(await server.call('put', { key: 'foo', lease: 99 })).toBe(fails.leaseNotFound);
  expect(await txn(put('b', '', { lease: 1 }), put('a', '', { lease: 99 }))).toBe(fails.leaseNotFound);
  expect(await server.call('range', { key: 'a', rangeEnd: 'z' })).toEqual({ rev: 1 });
  expect(await txn(get('a', { revision: 1_000_000 }), put('x', '', { ignoreValue: true }))).toBe(fails.future);
  expect(await txn(put('x', '', { ignoreValue: true }), get('a', { revision: 1_000_000 }))).toBe(fails.keyNotFound);
});

test('S101, W93: watchers get a transaction in one answer', async () => {
  using watch = server.watch();
  for (const [key, rangeEnd] of [
    ['a', 'z'],
    ['c', ''],
  ]) {
    watch.send({ createRequest: { key, rangeEnd } });
    await watch.next();
  }
  await txn(put('b'), put('c'), put('d'));
  expect(await watch.next()).toMatchObject({
    rev: 2,
    events: [{ kv: { key: 'b' } }, { kv: { key: 'c' } }, { kv: { key: 'd' } }],
  });
  expect(await watch.next()).toMatchObject({ rev: 2, watchId: 1, events: [{ kv: { key: 'c' } }] });
});

test('S103: increments at once, each of which must win', async () => {
  await server.put('n=0');
  const each = process.env['VARVE_LARGE'] === '1' ? 250 : 50;
  const won: number[] = [];
  const worker = async (): Promise<void> => {
    for (let successes = 0; successes < each;) {
      const { kvs } = (await server.call('range', { key: 'n' })) as {
        readonly kvs: readonly [{ value: string; modRevision: number }];
      };
      const [{ value, modRevision }] = kvs;
      const compare = [{ key: 'n', target: 2, modRevision }];
      const answer = await server.call('txn', { compare, success: [put('n', `${Number(value) + 1}`)] });
      const { succeeded, rev } = answer as { readonly succeeded?: boolean; readonly rev: number };
      if (succeeded !== true) continue;
      won.push(rev);
      successes++;
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  expect(new Set(won).size).toBe(4 * each);
  expect(await server.call('range', { key: 'n' })).toMatchObject({ kvs: [{ value: `${4 * each}` }] });
});

test('S104: two ranges of one transaction are of one state', async () => {
  let done = false;
  const writing = (async () => {
    for (let at = 0; !done; at++) await txn(put('a', `${at}`), put('b', `${at}`));
  })();
  for (let at = 0; at < 50; at++) {
    const { responses = [] } = (await txn(get('a'), get('b'))) as {
      readonly responses?: readonly { responseRange: { kvs?: { value?: string }[] } }[];
    };
    const [a, b] = responses.map(({ responseRange }) => responseRange.kvs?.[0]?.value);
    expect(a).toBe(b);
  }
  done = true;
  await writing;
});
