import { describe, expect, test } from 'vitest';
import {
  compare,
  exists,
  get,
  memory,
  missing,
  nested,
  open,
  put,
  range,
  remove,
  type Compare,
  type EmbeddedKv,
  type Op,
  type Txn,
} from '../src/index.ts';
import { codeOf, collect, failure } from './helpers.ts';

type Ops = readonly Op<string, string>[];

async function state(kv: EmbeddedKv): Promise<Record<string, string>> {
  return Object.fromEntries((await collect(kv.list({}))).map((entry) => [entry.key, entry.value]));
}

function puts(count: number): Ops {
  return Array.from({ length: count }, (_, i) => put(`k${i}`, 'x'));
}

function deep(depth: number): Txn<string, string> {
  let txn: Txn<string, string> = { then: [put('deep', 'x')] };
  for (let i = 0; i < depth; i++) txn = { then: [nested(txn)] };
  return txn;
}

describe('M98, D8: a transaction changes a key once', () => {
  const duplicates: readonly [string, Ops][] = [
    ['put a, put a', [put('a', '1'), put('a', '2')]],
    ['delete [a, from-key) and put b', [remove({ start: 'a' }), put('b', '1')]],
    ['delete a..c and put b', [remove({ start: 'a', end: 'c' }), put('b', '1')]],
    ['delete all and put b', [remove({ all: true }), put('b', '1')]],
    ['delete by prefix and put in it', [put('a/b', '1'), remove({ prefix: 'a/' })]],
    ['S64: put a, delete a', [put('a', '1'), remove('a')]],
    ['S69: two nested ones put n', [nested({ then: [put('n', '1')] }), nested({ then: [put('n', '2')] })]],
    ['S70: put n, nested put n', [put('n', '1'), nested({ then: [put('n', '2')] })]],
    ['S70: delete n, nested put n', [remove('n'), nested({ then: [put('n', '2')] })]],
    ['S70: put n, nested delete n', [put('n', '1'), nested({ else: [remove('n')] })]],
    ['S71: nested delete n, nested put n', [nested({ then: [remove('n')] }), nested({ then: [put('n', '1')] })]],
  ];
  test.each(duplicates)('refused, in either branch: %s', async (_, ops) => {
    await using kv = await open(memory());
    await kv.put('a', 'old');
    expect(await codeOf(() => kv.txn({ then: ops }))).toBe('KV_DUPLICATE_KEY');
    expect(await codeOf(() => kv.txn({ else: ops }))).toBe('KV_DUPLICATE_KEY');
    expect(kv.revision).toBe(2);
    expect(await state(kv)).toEqual({ a: 'old' });
  });

  test('R5: as many nested deletions as the limits allow', async () => {
    await using kv = await open(memory(), { limits: { maxOps: 200_000 } });
    const deletions = Array.from({ length: 150_000 }, (_, i) => remove({ start: `a${i}`, end: `b${i}` }));
    expect(await kv.txn({ else: [nested({ then: deletions })] })).toEqual({
      succeeded: true,
      revision: 1,
      results: [],
    });
  });

  test('delete a twice: the last row, n = 1 then 0', async () => {
    await using kv = await open(memory());
    await kv.put('a', 'old');
    const result = await kv.txn({ then: [remove('a'), remove('a')] });
    expect(result).toEqual({
      succeeded: true,
      revision: 3,
      results: [
        { revision: 3, deleted: 1 },
        { revision: 3, deleted: 0 },
      ],
    });
  });

  test('S65, S67, S68, S71: what is no duplicate', async () => {
    await using kv = await open(memory());
    const fine: readonly Txn<string, string>[] = [
      { then: [remove({ start: 'a', end: 'c' }), put('c', '1')] },
      { then: [put('a', '1'), get('a')] },
      { then: [put('a', '1')], else: [put('a', '2')] },
      { then: [nested({ then: [put('n', '1')], else: [put('n', '2')] })] },
      { then: [nested({ then: [put('n', '1')] }), nested({ then: [remove('n')] })] },
    ];
    for (const txn of fine) expect(await kv.txn(txn)).toMatchObject({ succeeded: true });
    expect(await state(kv)).toEqual({ a: '1', c: '1' });
  });
});

describe('conditions', () => {
  const rows: readonly [string, Compare<string, string>, boolean][] = [
    ['missing a missing key', missing('k'), true],
    ['missing a key that is there', missing('a'), false],
    ['exists', exists('a'), true],
    ['exists, missing', exists('k'), false],
    ['missing in an empty range', missing({ prefix: 'x/' }), true],
    ['missing in a range with keys', missing({ prefix: 'a' }), false],
    ['exists in a range', exists({ prefix: 'a' }), true],
    ['S83: value of a missing key is not different', compare('k', { value: { not: 'x' } }), false],
    ['S83: value of a missing key is not empty', compare('k', { value: { equals: '' } }), false],
    ['S84: version 0 of a missing key', compare('k', { version: { equals: 0 } }), true],
    ['S84: createRevision 0', compare('k', { createRevision: { equals: 0 } }), true],
    ['S84: modRevision below 1', compare('k', { modRevision: { less: 1 } }), true],
    ['S84: lease 0', compare('k', { lease: { equals: 0n } }), true],
    ['value equals', compare('a', { value: { equals: '2' } }), true],
    ['value greater', compare('a', { value: { greater: '1' } }), true],
    ['value not greater than itself', compare('a', { value: { greater: '2' } }), false],
    ['value less', compare('a', { value: { less: '20' } }), true],
    ['modRevision equals', compare('a', { modRevision: { equals: 3 } }), true],
    ['modRevision not', compare('a', { modRevision: { not: 3 } }), false],
    ['version between', compare('a', { version: { greater: 1, less: 3 } }), true],
    ['two tests, one fails', compare('a', { version: { equals: 2 }, createRevision: { equals: 3 } }), false],
    ['every key of a range', compare({ prefix: 'a' }, { version: { greater: 0 } }), true],
    ['not every key of a range', compare({ prefix: 'a' }, { version: { greater: 1 } }), false],
  ];
  test.each(rows)('%s', async (_, condition, holds) => {
    await using kv = await open(memory());
    await kv.put('a', '1');
    await kv.put('a', '2');
    await kv.put('aa', '1');
    expect((await kv.txn({ if: [condition] })).succeeded).toBe(holds);
    expect((await kv.txn({ if: [exists('a'), condition] })).succeeded).toBe(holds);
  });

  test('S56: a transaction of nothing succeeds and changes nothing', async () => {
    await using kv = await open(memory());
    expect(await kv.txn({})).toEqual({ succeeded: true, revision: 1, results: [] });
  });

  test('S75: a nested condition sees the state before the transaction', async () => {
    await using kv = await open(memory());
    const inner = nested({ if: [missing('n')], then: [get('n')], else: [] });
    const result = await kv.txn({ then: [put('n', '1'), inner] });
    expect(result).toMatchObject({
      revision: 2,
      results: [{ revision: 2 }, { succeeded: true, revision: 2, results: [{ key: 'n', value: '1' }] }],
    });
  });
});

describe('operations', () => {
  test('S57, S61, S62: each sees those before it, all share one revision', async () => {
    await using kv = await open(memory());
    await kv.put('t1', 'old');
    const result = await kv.txn({
      then: [
        put('t1', 'new', { previous: true }),
        get('t1'),
        put('t2', 'x'),
        range({ prefix: 't' }, { limit: 1 }),
        remove({ prefix: 'u' }, { previous: true }),
      ],
    });
    expect(result).toMatchObject({
      succeeded: true,
      revision: 3,
      results: [
        { revision: 3, previous: { value: 'old', modRevision: 2 } },
        { value: 'new', version: 2, modRevision: 3 },
        { revision: 3 },
        { entries: [{ key: 't1' }], total: 2 },
        { deleted: 0, previous: [] },
      ],
    });
    expect(kv.revision).toBe(3);
  });

  test('law 1: the answer of a failed condition waits for the state it saw', async () => {
    await using kv = await open(memory());
    const first = kv.txn({ if: [missing('a')], then: [put('a', '1')] });
    const second = kv.txn({ if: [missing('a')], then: [put('a', '2')], else: [get('a')] });
    expect(await second).toMatchObject({ succeeded: false, revision: 2, results: [{ value: '1' }] });
    expect(kv.revision).toBe(2);
    expect((await first).succeeded).toBe(true);
  });
});

describe('sizes', () => {
  test('R5, S79: 128 operations work, 129 and 10,000 are refused as a whole', async () => {
    await using kv = await open(memory());
    await kv.txn({ then: puts(128) });
    for (const count of [129, 10_000]) {
      expect(await failure(() => kv.txn({ then: puts(count) }))).toMatchObject({ code: 'KV_TOO_LARGE', limit: 128 });
      expect(await codeOf(() => kv.txn({ else: puts(count) }))).toBe('KV_TOO_LARGE');
    }
    const many = Array.from({ length: 129 }, () => missing('a'));
    expect(await codeOf(() => kv.txn({ if: many }))).toBe('KV_TOO_LARGE');
    expect(kv.revision).toBe(2);
  });

  test('S80, S81: branches count apart, nested ones share', async () => {
    await using kv = await open(memory());
    await kv.txn({ if: Array.from({ length: 128 }, () => missing('a')), then: puts(128), else: puts(128) });
    await kv.txn({ then: [nested({ then: puts(127) })] });
    expect(await codeOf(() => kv.txn({ then: [nested({ then: puts(128) })] }))).toBe('KV_TOO_LARGE');
  });

  test('R6: nested 1 and 100 deep work; 101 and 10,000 are refused, without exhausting the stack', async () => {
    await using kv = await open(memory());
    for (const depth of [1, 100]) expect((await kv.txn(deep(depth))).succeeded).toBe(true);
    const before = kv.revision;
    for (const depth of [101, 10_000]) {
      expect(await failure(() => kv.txn(deep(depth)))).toMatchObject({ name: 'KvError', code: 'KV_TOO_LARGE' });
    }
    expect(kv.revision).toBe(before);
    await using large = await open(memory(), { limits: { maxOps: 1_000_000, maxDepth: 1000 } });
    expect((await large.txn(deep(1000))).succeeded).toBe(true);
    expect(await codeOf(() => large.txn(deep(1001)))).toBe('KV_TOO_LARGE');
  });

  test('XE7: everything nested counts once, in whichever branch, conditions as well', async () => {
    await using kv = await open(memory());
    const side = (count: number) =>
      Array.from({ length: count }, (_, i) => nested({ then: puts(10).map((op, j) => ({ ...op, key: `${i}/${j}` })) }));
    await kv.txn({ then: side(11) });
    const wide: readonly Txn<string, string>[] = [
      { then: side(12) },
      { else: side(200) },
      { then: [nested({ then: puts(64), else: puts(64) })] },
      { if: [missing('a')], then: [nested({ if: Array.from({ length: 128 }, () => missing('a')) })] },
      {
        then: [
          nested({ if: Array.from({ length: 65 }, () => missing('a')) }),
          nested({ if: Array.from({ length: 65 }, () => missing('a')) }),
        ],
      },
    ];
    const { revision } = kv;
    for (const txn of wide) {
      expect(await failure(() => kv.txn(txn))).toMatchObject({ code: 'KV_TOO_LARGE', limit: 128 });
    }
    expect(kv.revision).toBe(revision);
    await kv.txn({ then: [nested({ then: puts(63), else: puts(64) })] });
  });

  test('XE7: parts that are shared cost no more than the limit, however deep they are', async () => {
    await using kv = await open(memory(), { limits: { maxDepth: 1000, maxOps: 10_000 } });
    let encoded = 0;
    const counting = { encode: (text: string) => (encoded++, Buffer.from(text)), decode: String };
    const space = kv.namespace('n/', { value: counting });
    let txn: Txn<string, string> = { then: [put('a', 'x')], else: [put('a', 'x')] };
    for (let i = 0; i < 60; i++) txn = { then: [nested(txn), nested(txn)], else: [nested(txn), nested(txn)] };
    const began = process.cpuUsage();
    expect(await codeOf(() => space.txn(txn))).toBe('KV_TOO_LARGE');
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1000).toBeLessThan(1000);
    expect(encoded).toBe(0);
    const endless: { then: unknown[] } = { then: [] };
    endless.then.push({ type: 'txn', ...endless });
    Object.assign(endless.then[0] as object, { then: endless.then });
    expect(await codeOf(() => kv.txn(endless as Txn<string, string>))).toBe('KV_TOO_LARGE');
  });

  test('XE7: a codec that changes the transaction while it is encoded changes nothing of it', async () => {
    const ops: Op<string, string>[] = [put('a', '1'), put('b', '2')];
    const meddling = {
      encode(text: string): Uint8Array {
        for (let i = 0; i < 500; i++) ops.push(put(`more ${i}`, '3'));
        return Buffer.from(text);
      },
      decode: (stored: Uint8Array) => Buffer.from(stored).toString(),
    };
    await using kv = await open(memory(), { value: meddling });
    expect((await kv.txn({ then: ops })).results).toHaveLength(2);
    expect(await kv.count({})).toBe(2);
  });

  test('R5: the limit is an option', async () => {
    await using kv = await open(memory(), { limits: { maxOps: 10_000 } });
    await kv.txn({ then: puts(10_000) });
    expect(await kv.count({})).toBe(10_000);
  });
});

test('R3: what is no transaction is refused by name, in the branch not taken, too', async () => {
  await using kv = await open(memory());
  const wrong: readonly [unknown, RegExp][] = [
    [undefined, /the transaction must be an object/],
    [{ than: [] }, /no "than"/],
    [{ then: put('a', 'b') }, /then must be an array/],
    [{ else: [undefined] }, /an operation must be an object/],
    [{ else: [{ type: 'swap' }] }, /type of an operation.*make it with put\(key, value\)/],
    [() => undefined, /txn takes an object with if, then, else; transaction a function/],
    [{ else: [{ type: 'put', key: 'a', value: 'b', leese: 1 }] }, /no "leese"/],
    [{ else: [put('', 'b')] }, /key must not be empty/],
    [{ else: [put(7, 'b')] }, /key must be a string/],
    [{ else: [put('a', 7)] }, /value must be a string/],
    [{ else: [range({ prefix: 'a' }, { limit: -1 })] }, /limit must be/],
    [{ else: [remove('a', { previous: 'yes' as unknown as boolean })] }, /previous must be/],
    [{ if: [{ key: 'a' }] }, /must test something/],
    [{ if: [{ key: 'a', version: {} }] }, /must have one of/],
    [{ if: [{ key: 'a', version: { equals: '1' } }] }, /version.equals must be a number/],
    [{ if: [{ key: 'a', version: { equals: Number.NaN } }] }, /version.equals must be a number/],
    [{ if: [{ key: 'a', lease: { equals: 1 } }] }, /lease.equals must be a bigint/],
    [{ if: [{ key: 'a', lease: { equals: 'none' } }] }, /lease.equals must be a bigint, or the hex/],
    [{ if: [{ key: 'a', modrevision: { equals: 1 } }] }, /no "modrevision"/],
    [{ if: [{ key: '', version: { equals: 1 } }] }, /key must not be empty/],
    [{ then: [{ type: 'txn', then: [], when: [] }] }, /no "when"/],
  ];
  for (const [txn, message] of wrong) {
    const error = await failure(() => kv.txn(txn as Txn<string, string, readonly [], readonly []>));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'KV_INVALID' });
  }
  expect(kv.revision).toBe(1);
});
