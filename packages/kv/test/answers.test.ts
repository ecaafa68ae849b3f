/** D, B6: what somebody gets who has made a mistake: which argument, what it was, what to use; never a value (R3). */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { openBackend } from '@varve/backend';
import { openWatchableStore } from '@varve/watch';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  compare,
  exists,
  file,
  get,
  json,
  level,
  memory,
  missing,
  nested,
  open,
  put,
  range,
  remove,
  type EmbeddedKv,
  type Range,
} from '../src/index.ts';
import { childOutput, codeOf, collect, engines, failure, temporaryFolder } from './helpers.ts';

const secret = 'hunter2';
/** Anything, where the types would say first that it is wrong. */
const any = (value: unknown): never => value as never;

describe.each(engines)('XD1: on %s', (_engine, place) => {
  const mistakes: readonly [string, (kv: EmbeddedKv) => unknown, RegExp][] = [
    ['a number for a key', (kv) => kv.put(any(7), 'x'), /must be a string, not a number;.*bytes.*tuple/],
    ['a Buffer for a key', (kv) => kv.get(any(Buffer.from(secret))), /must be a string, not a Buffer;.*bytes for/],
    ['a Uint8Array for a key', (kv) => kv.delete(any(new Uint8Array(3))), /not a Uint8Array;.*bytes for/],
    ['a number for a value', (kv) => kv.put('a', any(7)), /the value must be a string, not a number;.*json/],
    ['a symbol for a key', (kv) => kv.get(any(Symbol(secret))), /not a symbol/],
    ['a range for get', (kv) => kv.get(any({ prefix: 'a' })), /one key.*use list/],
    ['a range for put', (kv) => kv.put(any({ prefix: 'a' }), 'x'), /one key/],
    ['a range for history', (kv) => kv.history(any({})), /one key/],
    ['a range for at().get', (kv) => kv.at(1).get(any({})), /one key.*use list/],
    ['a range for tx.get', (kv) => kv.transaction((tx) => tx.get(any({ prefix: 'a' }))), /one key.*use list/],
    ['a range for section.get', (kv) => kv.write((section) => void section.get(any({}))), /one key.*use list/],
    ['a range for a get operation', (kv) => kv.txn({ then: [get({ prefix: 'a' } as unknown as string)] }), /one key/],
    ['a range for a name space', (kv) => kv.namespace(any({ prefix: 'a' })), /the prefix of a name space/],
    ['no key for get', (kv) => (kv as unknown as { get(): unknown }).get(), /one key.*list/],
    ['no key for watch', (kv) => (kv as unknown as { watch(): unknown }).watch(), /one key.*range/],
    ['an array for watch', (kv) => kv.watch(any(['a'])), /not an array.*one key.*range/],
    ['an array for get', (kv) => kv.get(any(['a'])), /not an array.*one key/],
    ['an array for delete', (kv) => kv.delete(any(['a', 'b'])), /not an array.*one key/],
    ['a key for list', (kv) => kv.list(any('a')), /range must be a plain object.*use get/],
    ['no range for list', (kv) => (kv as unknown as { list(): unknown }).list(), /range must be a plain object/],
    ['text for tests', () => compare('k', 'x' as unknown as object), /compare\(key, \{ value: \{ equals/],
    ['an unknown test', () => compare('k', { equals: secret } as unknown as object), /no "equals"/],
    ['text for options of an operation', () => put('a', 'b', any('x')), /options must be an object/],
    ['an unknown option of an operation', () => remove('a', any({ prev: true })), /no "prev"/],
    ['an unknown option of a range', () => range({}, any({ sort: 1 })), /no "sort"/],
    [
      'an array for a nested transaction',
      () => nested([put('a', 'b')] as unknown as object),
      /nested transaction must be an object/,
    ],
    ['no schema', () => json({ parse: () => secret } as unknown as StandardSchemaV1), /Standard Schema/],
    ['null for a schema', () => json(null as unknown as StandardSchemaV1), /Standard Schema/],
    ['a function for a schema', () => json((() => true) as never), /Standard Schema/],
    ['file without path', () => (file as unknown as () => unknown)(), /path must be a string, as in file/],
    ['level without path', () => (level as unknown as () => unknown)(), /path must be a string, as in level/],
    ['file with an empty path', () => file(''), /must not be empty/],
    ['file with a number', () => file(any(7)), /not a number/],
    ['a zero character', () => open('a\0b'), /zero character/],
    ['an unknown option of file', () => file('x.db', any({ readonly: true })), /no "readonly"/],
    ['text for readOnly', () => file('x.db', { readOnly: any('no') }), /readOnly must be/],
    ['NaN for lockTimeoutMs', () => file('x.db', { lockTimeoutMs: Number.NaN }), /lockTimeoutMs must be/],
    ['an unknown option of level', () => level('x', any({ cache: 1 })), /no "cache"/],
    ['NaN for cacheBytes', () => level('x', { cacheBytes: Number.NaN }), /cacheBytes must be/],
    ['an asynchronous body of write', (kv) => kv.write(any(async () => secret)), /synchronous.*transaction\(\)/],
    ['a body of write that gives a thenable', (kv) => kv.write(any(() => ({ then: () => secret }))), /synchronous/],
    ['null for options', (kv) => kv.get('a', any(null)), /options must be an object/],
    ['null for options of put', (kv) => kv.put('a', 'b', any(null)), /options must be an object/],
    ['null for options of write', (kv) => kv.write(() => undefined, any(null)), /options must be an object/],
    ['an unknown option of count', (kv) => kv.count({}, any({ reverse: true })), /no "reverse"/],
    ['an unknown option of status', (kv) => kv.status(any({ verbose: true })), /no "verbose"/],
    ['an unknown option of snapshot', (kv) => kv.snapshot(any({ path: secret })), /no "path"/],
    ['an unknown option of transaction', (kv) => kv.transaction(() => 1, any({ retries: 1 })), /no "retries"/],
    ['an unknown option of txn', (kv) => kv.txn({}, any({ previous: true })), /no "previous"/],
    ['an unknown option of backup', (kv) => kv.backup('x', any({ force: true })), /no "force"/],
    ['an unknown option of a section list', (kv) => kv.write((s) => s.list({}, any({ from: 1 })).length), /no "from"/],
    ['NaN for a limit', (kv) => kv.list({}, { limit: Number.NaN }), /limit must be an integer/],
    ['NaN for from', (kv) => kv.watch('a', { from: Number.NaN }), /from must be an integer/],
    ['NaN for attempts', (kv) => kv.transaction(() => 1, { attempts: Number.NaN }), /attempts must be/],
    ['NaN for progressIntervalMs', (kv) => kv.watch('a', { progressIntervalMs: Number.NaN }), /progressIntervalMs/],
    ['text for total', (kv) => kv.page({}, { total: any('yes') }), /total must be/],
    ['a number for a cursor', (kv) => kv.page({}, { cursor: any(7) }), /cursor must be/],
    ['text for physical', (kv) => kv.compact(1, { physical: any('yes') }), /physical must be/],
    ['NaN for maxDeletes', () => open(memory(), { limits: { maxDeletes: Number.NaN } }), /limits.maxDeletes must be/],
    ['NaN for maxDepth', () => open(memory(), { limits: { maxDepth: Number.NaN } }), /limits.maxDepth must be/],
  ];
  test.each(mistakes)('%s', async (_name, call, message) => {
    await using kv = await open(place());
    const error = await failure(() => call(kv));
    expect(error).toMatchObject({ code: 'KV_INVALID' });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(secret);
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect(kv.revision).toBe(1);
  });

  test('what has ended is of no use, and says so', async () => {
    await using kv = await open(place());
    let kept: { get(key: string): unknown; put(key: string, value: string): void } | undefined;
    await kv.write((section) => void (kept = section));
    for (const call of [() => kept!.get('a'), () => kept!.put('a', 'b')]) {
      expect(await failure(call)).toMatchObject({ code: 'KV_INVALID', message: /section is over/ });
    }
  });

  test('after close it is KV_CLOSED, for all that was opened before, too', async () => {
    const kv = await open(place());
    await kv.write((section) => {
      for (let i = 0; i < 2000; i++) section.put(`k${i}`, 'x'.repeat(100));
    });
    const space = kv.namespace('k');
    const reader = kv.at(2);
    const list = kv.list({});
    const begun = kv.list({})[Symbol.asyncIterator]();
    await begun.next();
    const history = kv.history('k1');
    const snapshot = await kv.snapshot();
    let section: { get(key: string): unknown } | undefined;
    await kv.write((open) => void (section = open));
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const inTransaction = kv.transaction(async (tx) => {
      await held;
      return tx.get('k1');
    });
    const outcome = codeOf(() => inTransaction);
    const watch = kv.watch({});
    await kv.close();
    release();
    expect(await outcome).toBe('KV_CLOSED');
    const calls: readonly (() => unknown)[] = [
      () => collect(list),
      async () => {
        for (let next = await begun.next(); next.done !== true; next = await begun.next());
      },
      () => collect(history),
      () => reader.get('k1'),
      () => reader.page({}),
      () => reader.count({}),
      () => collect(reader.list({})),
      () => space.get('1'),
      () => space.put('1', 'x'),
      () => space.watch({}),
      () => collect(space.list({})),
      () => space.txn({}),
      () => space.status(),
      () => section!.get('k1'),
      () => collect(snapshot),
      () => kv.transaction(() => undefined),
    ];
    for (const call of calls) expect(await codeOf(call), String(call)).toBe('KV_CLOSED');
    // Closing ends a watch without error.
    expect(await collect(watch)).toEqual([]);
  });

  test('a store that is closed under calls: each is answered, or is KV_CLOSED', async () => {
    const kv = await open(place());
    await kv.write((section) => {
      for (let i = 0; i < 20_000; i++) section.put(`k${i}`, 'x');
    });
    const revision = kv.revision;
    const outcomes = Promise.allSettled([
      kv.count({}),
      kv.page({}, { limit: 20_000 }),
      collect(kv.list({})),
      collect(kv.watch({}, { initial: true })),
      kv.hashByRev(),
      kv.transaction((tx) => tx.list({})),
      kv.put('last', 'x'),
      kv.compact(revision).then((compaction) => compaction.finished()),
    ]);
    await kv.close();
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'KV_CLOSED' });
    }
  });

  test('a range that was made in another realm, and its bytes and signal', async () => {
    await using kv = await open(place());
    await kv.put('a/1', 'x');
    await kv.put('b', 'x');
    const realm = createContext({});
    const foreign = (source: string): never => any(runInContext(source, realm));
    expect((await collect(kv.list(foreign('({ prefix: "a/" })')))).map(({ key }) => key)).toEqual(['a/1']);
    expect(await kv.count(foreign('({})'))).toBe(2);
    expect(
      await kv.count(Object.assign(Object.create(null) as unknown as object, { start: 'b' }) as Range<string>),
    ).toBe(1);
    expect(await kv.delete(foreign('({ start: "a", end: "b" })'))).toMatchObject({ deleted: 1 });
    expect(await codeOf(() => kv.list(foreign('(new (class { prefix = "a" })())')))).toBe('KV_INVALID');
    expect(await codeOf(() => kv.list(foreign('(new Map())')))).toBe('KV_INVALID');
    await using raw = await open(place(), { key: bytes, value: bytes });
    await raw.put(foreign('Uint8Array.of(1, 2)'), foreign('Uint8Array.of(3)'));
    expect(await collect(raw.list({ prefix: foreign('Uint8Array.of(1)') }))).toMatchObject([
      { key: Uint8Array.of(1, 2), value: Uint8Array.of(3) },
    ]);
  });

  test('entries, pages and events survive JSON.stringify', async () => {
    await using kv = await open(place());
    await kv.put('a', '1');
    const result = await kv.txn({ then: [get('a'), range({}), put('b', '2')] });
    const events = await collect(kv.watch({}, { from: 1, previous: true }), 2);
    const all = [await kv.get('a'), await kv.page({}, { total: true }), await kv.status(), kv.stats(), result, events];
    for (const one of all) expect(JSON.parse(JSON.stringify(one))).toEqual(one);
    expect(await kv.get('a')).not.toHaveProperty('lease');
  });
});

test('XD1: a lease is hexadecimal text in entries and events, and can be compared with', async () => {
  const path = temporaryFolder('store.db');
  const backend = await openBackend(await file(path));
  const store = await openWatchableStore(backend);
  store.put(Buffer.from('a'), Buffer.from('1'), 0x1234abcdn);
  store.put(Buffer.from('b'), Buffer.from('1'), -1n);
  await store.commit();
  await store.close();
  await backend.close();
  await using kv = await open(file(path));
  const entry = await kv.get('a');
  expect(entry).toMatchObject({ lease: '1234abcd' });
  expect(await kv.get('b')).toMatchObject({ lease: 'ffffffffffffffff' });
  expect(JSON.parse(JSON.stringify(entry))).toEqual(entry);
  expect(await collect(kv.watch({}, { from: 1 }), 2)).toMatchObject([{ lease: '1234abcd' }, { key: 'b' }]);
  const holds = async (...tests: Parameters<typeof compare<string>>[]) =>
    (await kv.txn({ if: tests.map(([key, test]) => compare(key, test)) })).succeeded;
  expect(await holds(['a', { lease: { equals: entry?.lease } }], ['a', { lease: { equals: 0x1234abcdn } }])).toBe(true);
  expect(await holds(['b', { lease: { equals: 'ffffffffffffffff' } }])).toBe(true);
  expect(await holds(['a', { lease: { equals: '0' } }])).toBe(false);
  expect(await holds(['none', { lease: { equals: '0' } }])).toBe(true);
});

test('XD1: on a file that is open for reading only, a transaction that writes nothing works', async () => {
  const path = temporaryFolder('store.db');
  const first = await open(file(path));
  await first.write((section) => {
    for (let i = 0; i < 1000; i++) section.put(`k${i}`, 'x');
  });
  await first.close();
  await using kv = await open(file(path, { readOnly: true }));
  const found = await kv.txn({
    if: [exists({ prefix: 'k' }), compare({ prefix: 'k' }, { value: { equals: 'x' } })],
    then: [get('k1'), range({ prefix: 'k' }, { limit: 2 }), nested({ if: [missing('k1')], else: [get('none')] })],
    else: [get('k2')],
  });
  expect(found).toMatchObject({
    succeeded: true,
    revision: 2,
    results: [
      { key: 'k1', value: 'x' },
      { entries: [{ key: 'k0' }, { key: 'k1' }], total: 1000 },
      { succeeded: false, revision: 2, results: [undefined] },
    ],
  });
  expect(await kv.txn({ if: [missing({ prefix: 'k' })], else: [] })).toMatchObject({ succeeded: false });
  expect(await kv.transaction((tx) => tx.get('k1'))).toMatchObject({ value: { key: 'k1' } });
  expect(await codeOf(() => kv.txn({ if: [missing('k1')], then: [put('k1', 'y')] }))).toBe('BACKEND_READ_ONLY');
});

test('XD1: KV_ENCODE and KV_DECODE name the key, and keep what the codec said for the cause', async () => {
  const cause = new Error(`refused: ${secret}`);
  const refusing = {
    encode(value: string): Uint8Array {
      if (value === secret) throw cause;
      return Buffer.from(value);
    },
    decode(stored: Uint8Array): string {
      if (stored.length === 3) throw cause;
      return Buffer.from(stored).toString();
    },
  };
  await using kv = await open(memory(), { value: refusing });
  await kv.put('short\n', 'abc');
  const errors = [
    await failure(() => kv.put('the key', secret)),
    await failure(() => kv.txn({ then: [put('the key', secret)] })),
    await failure(() => kv.transaction((tx) => tx.put('the key', secret))),
    await failure(() => kv.write((section) => section.put('the key', secret))),
    await failure(() => kv.put('the key', secret, { previous: true })),
  ];
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'KV_ENCODE', cause, key: new Uint8Array(Buffer.from('the key')) });
    expect(error.message).toMatch(/the value of "the key" cannot be encoded; the cause/);
    expect(error.message).not.toContain(secret);
  }
  const decoding = await failure(() => kv.get('short\n'));
  expect(decoding).toMatchObject({ code: 'KV_DECODE', cause, revision: 2 });
  expect(decoding.message).toMatch(/the value of 0x73686f72740a, revision 2, cannot be decoded/);
  await using wrong = await open(memory(), { value: { ...refusing, encode: () => secret as unknown as Uint8Array } });
  expect(await failure(() => wrong.put('the key', 'x'))).toMatchObject({ code: 'KV_ENCODE', message: /of "the key"/ });
  await using values = await open(memory(), { value: json() });
  expect(await failure(() => values.put('the key', undefined))).toMatchObject({
    message: /undefined has no JSON form/,
  });
  expect((await failure(() => kv.put('\uD800', 'x'))).message).toMatch(/the key cannot be encoded: it has a surrogate/);
});

test('R126, XC7: a backup is for its owner only; a target that cannot be made is KV_BACKUP', async () => {
  await using kv = await open(memory());
  await kv.put('a', '1');
  const folder = dirname(temporaryFolder());
  const { path } = await kv.backup(`${folder}/copy.db`);
  const child = spawn('stat', ['-c', '%a', path]);
  expect(await childOutput(child)).toBe('600\n');
  for (const target of [`${path}/inside`, `${folder}/${'n'.repeat(300)}`, `${folder}/none/copy.db`]) {
    expect(await codeOf(() => kv.backup(target))).toBe('KV_BACKUP');
  }
});
