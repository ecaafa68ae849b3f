import type { StandardSchemaV1 } from '@standard-schema/spec';
import v8 from 'node:v8';
import * as fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { bytes, json, memory, open, utf8, type Codec } from '../src/index.ts';
import { codeOf, collect, failure, temporaryFolder } from './helpers.ts';

interface Config {
  readonly theme: 'dark' | 'light';
  readonly since: Date;
}

/** A schema as any validation library offers it, with a default and a transformation. */
const configSchema: StandardSchemaV1<unknown, Config> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { theme = 'dark', since } = value as Partial<Record<string, unknown>>;
      if (theme !== 'dark' && theme !== 'light') return { issues: [{ message: 'no such theme', path: ['theme'] }] };
      return { value: { theme, since: new Date(String(since)) } };
    },
  },
};

test('utf8 keeps every string it accepts, and sorts by code point', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre((text as unknown as { isWellFormed(): boolean }).isWellFormed());
      expect(utf8.decode(utf8.encode(text))).toBe(text);
    }),
  );
  expect(Buffer.compare(utf8.encode('\uFF61'), utf8.encode('😀'))).toBe(-1);
  expect(utf8.decode(utf8.encode('\uFEFFwith a mark'))).toBe('\uFEFFwith a mark');
  expect(utf8.decode(utf8.encode('\uFFFD'))).toBe('\uFFFD');
});

test('R4: what cannot be read back equal is refused, not replaced', async () => {
  await using kv = await open(memory());
  expect(await codeOf(() => kv.put('a', '\uD800'))).toBe('KV_ENCODE');
  expect(await codeOf(() => kv.put('\uDC00', 'a'))).toBe('KV_ENCODE');
  await using values = await open(memory(), { value: json() });
  for (const value of [undefined, () => 1, 1n, Symbol('s')]) {
    expect(await codeOf(() => values.put('a', value))).toBe('KV_ENCODE');
  }
  expect(kv.revision).toBe(1);
  expect(values.revision).toBe(1);
});

test('R13: bytes that are not UTF-8 are KV_DECODE, in a value and in a key', async () => {
  const folder = temporaryFolder();
  {
    await using raw = await open(folder, { key: bytes, value: bytes });
    await raw.put(Buffer.from('a value'), Uint8Array.of(0x61, 0xff));
    await raw.put(Uint8Array.of(0xff), Buffer.from('under a key'));
    await raw.put(Buffer.from('fine'), Buffer.from('fine'));
  }
  await using kv = await open(folder);
  expect(await failure(() => kv.get('a value'))).toMatchObject({ code: 'KV_DECODE', revision: 2 });
  expect(await failure(() => collect(kv.list({ start: 'g' })))).toMatchObject({ code: 'KV_DECODE', revision: 3 });
  expect((await kv.get('fine'))?.value).toBe('fine');
});

test('json with a schema: typed, transformed, and refused where it does not fit', async () => {
  await using kv = await open(memory(), { value: json(configSchema) });
  const since = new Date(0);
  await kv.put('a', { theme: 'light', since });
  const entry = await kv.get('a');
  expectTypeOf(entry?.value).toEqualTypeOf<Config | undefined>();
  expect(entry?.value).toEqual({ theme: 'light', since });
  const error = await failure(() => kv.put('a', { theme: 'blue' as 'dark', since }));
  expect(error).toMatchObject({ code: 'KV_ENCODE' });
  expect(error.message).not.toMatch(/theme|blue/);
  expect(error).toHaveProperty('cause.message', 'theme: no such theme');
  expect(kv.revision).toBe(2);
});

test('json with a schema takes what it takes, stores it as it is, and gives what it gives', async () => {
  await using kv = await open(memory(), { value: json(configSchema) });
  const text = kv.namespace('', { value: utf8 });
  await kv.put('a', { since: '1970-01-01T00:00:00.000Z' });
  expect((await text.get('a'))?.value).toBe('{"since":"1970-01-01T00:00:00.000Z"}');
  expect((await kv.get('a'))?.value).toEqual({ theme: 'dark', since: new Date(0) });
  // What was read can be put again.
  await kv.put('b', (await kv.get('a'))?.value);
  expect((await kv.get('b'))?.value).toEqual({ theme: 'dark', since: new Date(0) });
});

test('what a schema says is on the error, of a put and of a read', async () => {
  await using kv = await open(memory(), { value: json(configSchema) });
  const issues = [{ message: 'no such theme', path: ['theme'] }];
  expect(await failure(() => kv.put('a', { theme: 'blue' }))).toMatchObject({ code: 'KV_ENCODE', issues });
  await kv.namespace('', { value: utf8 }).put('a', '{"theme":"blue"}');
  const error = await failure(() => kv.get('a'));
  expect(error).toMatchObject({ code: 'KV_DECODE', issues, key: new Uint8Array(Buffer.from('a')) });
  await kv.namespace('', { value: utf8 }).put('a', 'no JSON');
  expect(await failure(() => kv.get('a'))).toHaveProperty('issues', undefined);
});

test('a codec made of a library that packs values into bytes', async () => {
  // As in the README: anything with two such functions, msgpackr and cbor-x for two.
  const packed = <T>(library: { serialize(value: T): Uint8Array; deserialize(bytes: Uint8Array): T }): Codec<T> => ({
    encode: (value) => library.serialize(value),
    decode: (stored) => library.deserialize(stored),
  });
  await using kv = await open(memory(), { value: packed<{ readonly at: Date; readonly tags: Set<string> }>(v8) });
  const value = { at: new Date(7), tags: new Set(['a', 'b']) };
  await kv.put('a', value);
  expect((await kv.get('a'))?.value).toEqual(value);
  await kv.namespace('', { value: bytes }).put('b', Uint8Array.of(1, 2, 3));
  expect(await codeOf(() => kv.get('b'))).toBe('KV_DECODE');
  expect((await kv.list({}, { undecodable: 'skip' }).toArray()).map(({ key }) => key)).toEqual(['a']);
});

test('json with an asynchronous schema says so', async () => {
  const later: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('later')) },
  };
  await using kv = await open(memory(), { value: json(later) });
  expect((await failure(() => kv.put('a', 1))).message).toMatch(/asynchronous/);
});

test('R13: a codec that throws on a stored value gives KV_DECODE with key, revision and cause', async () => {
  const cause = new Error('no');
  const choosy: Codec<string> = {
    encode: (value) => utf8.encode(value),
    decode(stored) {
      const text = utf8.decode(stored);
      if (text === 'bad') throw cause;
      return text;
    },
  };
  await using kv = await open(memory(), { value: choosy });
  await kv.put('a', 'good');
  const { revision } = await kv.put('b', 'bad');
  await kv.put('c', 'good');
  const error = await failure(() => kv.get('b'));
  expect(error).toMatchObject({ name: 'KvError', code: 'KV_DECODE', revision, cause });
  expect(error).toHaveProperty('key', new Uint8Array(Buffer.from('b')));
  expect((await kv.get('a'))?.value).toBe('good');
  expect((await kv.get('c'))?.value).toBe('good');
  expect(await codeOf(() => collect(kv.list({})))).toBe('KV_DECODE');
  expect(await codeOf(() => collect(kv.watch({}, { from: 1 })))).toBe('KV_DECODE');
  expect(await codeOf(() => collect(kv.history('b')))).toBe('KV_DECODE');
  // Rejected means not done: the answer is decoded before the transaction counts.
  const before = kv.revision;
  expect(await codeOf(() => kv.put('b', 'new', { previous: true }))).toBe('KV_DECODE');
  expect(await codeOf(() => kv.delete('b', { previous: true }))).toBe('KV_DECODE');
  expect(kv.revision).toBe(before);
  await kv.put('b', 'new');
  expect((await kv.get('b'))?.value).toBe('new');
});

test('R7: a codec that keeps what it is given cannot reach the store', async () => {
  const kept: Uint8Array[] = [];
  const keeping: Codec<Uint8Array> = {
    encode(value) {
      kept.push(value);
      return value;
    },
    decode(stored) {
      kept.push(stored);
      return stored;
    },
  };
  await using kv = await open(memory(), { value: keeping });
  await kv.put('a', Uint8Array.of(1, 2, 3));
  await kv.get('a');
  for (const array of kept) array.fill(9);
  expect([...((await kv.get('a'))?.value ?? [])]).toEqual([1, 2, 3]);
});

test('a codec that does not give bytes is refused at open or at the put', async () => {
  expect(await codeOf(() => open(memory(), { value: {} as Codec<string> }))).toBe('KV_INVALID');
  await using kv = await open(memory(), { value: { encode: () => 'text' as unknown as Uint8Array, decode: String } });
  expect(await codeOf(() => kv.put('a', 'b'))).toBe('KV_ENCODE');
});
