/** XA1: what a codec gives is the store's own before any other code of the caller's runs. */
import { describe, expect, test } from 'vitest';
import {
  bytes,
  compare,
  get,
  json,
  open,
  put,
  remove,
  utf8,
  type Codec,
  type EmbeddedKv,
  type KeyCodec,
} from '../src/index.ts';
import { collect, engines } from './helpers.ts';

/** A codec as one that saves allocations writes it: every result is the same buffer, and decoding uses it, too. */
function reusing(): KeyCodec<string> {
  const scratch = Buffer.alloc(256);
  return {
    encode: (text) => scratch.subarray(0, scratch.write(text)),
    decode(stored) {
      const text = utf8.decode(stored);
      scratch.fill('?');
      return text;
    },
  };
}

async function contents(kv: EmbeddedKv): Promise<Record<string, string>> {
  return Object.fromEntries((await collect(kv.list({}))).map(({ key, value }) => [key, value]));
}

describe.each(engines)('XA1: a codec that gives the same buffer each time (%s)', (_, place) => {
  const codec = reusing();
  const opened = () => open(place(), { key: codec, value: codec, batchLimit: 50 });

  const writes: readonly [string, (kv: EmbeddedKv) => Promise<unknown>][] = [
    ['put', (kv) => kv.put('config/theme', 'dark')],
    ['put with previous', (kv) => kv.put('config/theme', 'dark', { previous: true })],
    ['section', (kv) => kv.write((section) => section.put('config/theme', 'dark'))],
    ['txn', (kv) => kv.txn({ then: [put('config/theme', 'dark', { previous: true }), get('config/theme')] })],
    ['transaction', (kv) => kv.transaction((tx) => tx.put('config/theme', 'dark'))],
    ['name space', (kv) => kv.namespace('config/').put('theme', 'dark')],
    ['name space in one', (kv) => kv.namespace('con').namespace('fig/').put('theme', 'dark')],
  ];
  test.each(writes)('%s stores what was meant', async (_name, write) => {
    await using kv = await opened();
    await kv.put('config/theme', 'a longer value than before');
    await write(kv);
    expect(await contents(kv)).toEqual({ 'config/theme': 'dark' });
  });

  test('writes that wait for their admission store what was meant', async () => {
    await using kv = await opened();
    const waiting = [];
    for (let i = 0; i < 600; i++) waiting.push(kv.put(`key ${i}`, `value ${i}`));
    waiting.push(kv.delete('key 0'), kv.txn({ then: [remove('key 1'), put('key 2', 'new')] }));
    waiting.push(kv.put('key 3', 'new', { previous: true }));
    await Promise.all(waiting);
    const all = await contents(kv);
    expect(Object.keys(all)).toHaveLength(598);
    expect([all['key 2'], all['key 3'], all['key 599']]).toEqual(['new', 'new', 'value 599']);
  });

  test('compared values, bounds, histories and watches mean what was passed', async () => {
    await using kv = await opened();
    for (const key of ['a', 'b', 'c', 'd']) await kv.put(key, `value of ${key}`);
    const both = { value: { greater: 'value of a', less: 'value of c' } };
    expect((await kv.txn({ if: [compare('b', both), compare({ start: 'b', end: 'c' }, both)] })).succeeded).toBe(true);
    const watch = kv.watch({ start: 'b', end: 'd' }, { from: 1 });
    const history = kv.history('b');
    const list = kv.list({ start: 'b', end: 'd' });
    codec.encode('something else altogether');
    expect((await collect(watch, 2)).map(({ key }) => key)).toEqual(['b', 'c']);
    expect((await collect(history)).map(({ value }) => value)).toEqual(['value of b']);
    expect((await collect(list)).map(({ key }) => key)).toEqual(['b', 'c']);
    expect(await kv.count({ start: 'b', end: 'd' })).toBe(2);
    const tx = await kv.transaction(async (own) => {
      own.put('e', 'new');
      return [(await own.get('b'))?.value, (await own.list({ start: 'd' })).map(({ key }) => key)];
    });
    expect(tx.value).toEqual(['value of b', ['d', 'e']]);
  });
});

test.each(engines)('XA1: options may be changed as soon as the call has returned (%s)', async (_engine, place) => {
  await using kv = await open(place());
  for (const value of ['1', '2', '3', '4']) await kv.put('a', value);
  const ended = AbortSignal.abort();
  const spoiled = <O extends object>(options: O): O =>
    new Proxy(options, {
      get: (target, name) => (over ? (name === 'signal' ? ended : 'spoiled') : Reflect.get(target, name)),
    });
  let over = false;
  const history = kv.history('a', spoiled({ from: 4 }));
  const list = kv.list({}, spoiled({ limit: 1 }));
  const watch = kv.watch('a', spoiled({ from: 4, previous: true }));
  const page = kv.page({}, spoiled({ limit: 1, total: true }));
  over = true;
  expect((await collect(history)).map(({ value }) => value)).toEqual(['3', '4']);
  expect(await collect(list)).toHaveLength(1);
  expect((await collect(watch, 2)).map(({ value }) => value)).toEqual(['3', '4']);
  expect(await page).toMatchObject({ total: 1 });
});

test('XA1: bytes for keys, and a value whose encoding changes them', async () => {
  await using kv = await open(engines[0]![1](), { key: bytes, value: json<{ toJSON(): unknown }>() });
  const key = Buffer.from('right');
  const value = {
    toJSON() {
      key.fill('x');
      return 'meddler';
    },
  };
  await kv.put(key, value);
  await kv.write((section) => section.put(Buffer.from('section'), value));
  expect((await collect(kv.list({}))).map((entry) => Buffer.from(entry.key).toString())).toEqual(['right', 'section']);
});

test('XA1: texts that are written and read at once, in two stores, waiting or not', async () => {
  await using first = await open(engines[0]![1](), { batchLimit: 50 });
  await using second = await open(engines[0]![1](), { value: json<{ text: string }>() });
  const written: Promise<unknown>[] = [];
  for (let i = 0; i < 600; i++) {
    written.push(first.put(`key ${i}`, `value ${i}`), second.put(`key ${i}`, { text: `${'ä'.repeat(i)} ${i}` }));
    expect(first.getSync('nothing')).toBeUndefined();
  }
  written.push(first.write((section) => section.put('last', section.get('key 7')?.value ?? 'none')));
  await Promise.all(written);
  const all = await contents(first);
  expect(all['last']).toBe('value 7');
  for (let i = 0; i < 600; i++) {
    expect(all[`key ${i}`]).toBe(`value ${i}`);
    expect((await second.get(`key ${i}`))?.value.text).toBe(`${'ä'.repeat(i)} ${i}`);
  }
});

test.each([
  ['bytes', reusing()],
  ['text', utf8],
])('XA1: a codec that writes while it encodes, with keys of %s', async (_name, key) => {
  let kv: EmbeddedKv | undefined;
  const inner: Promise<unknown>[] = [];
  const scratch = Buffer.alloc(64);
  const meddling: Codec<string> = {
    encode(text) {
      if (text === 'outer') for (let i = 0; i < 700; i++) inner.push(kv!.put(`inner ${i}`, 'inner'));
      return scratch.subarray(0, scratch.write(text));
    },
    decode: (stored) => utf8.decode(stored),
  };
  kv = await open(engines[0]![1](), { key, value: meddling, batchLimit: 10 });
  await kv.put('outer', 'outer');
  await Promise.all(inner);
  expect((await kv.get('outer'))?.value).toBe('outer');
  expect(await kv.count({})).toBe(701);
  await kv.close();
});
