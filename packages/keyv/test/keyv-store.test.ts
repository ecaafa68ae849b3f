/** What keyv's own suite does not ask: leases, pages, name spaces, errors, opening and closing. */
import { StandingClock } from '@varve/base/node/standing-clock';
import { codeOf, json, memory, open, type Kv, type KvEvent } from '@varve/kv';
import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { keyvStore, type KeyvStore } from '../src/index.ts';
import { endOf, secondsOf } from '../src/time-to-live.ts';

/** A store and an adapter that go by a clock that stands still. */
async function timed(): Promise<{ kv: Kv; store: KeyvStore; clock: StandingClock }> {
  const clock = new StandingClock();
  const kv = await open(memory(), { world: clock.world });
  return { kv, store: keyvStore(kv, { world: clock.world }), clock };
}

test('KVS1: a key that nobody asks for any more goes with its lease, and watchers see it', async () => {
  const { kv, store, clock } = await timed();
  await using _ = kv;
  const keyv = new Keyv({ store });
  const gone = kv.watch({}, { only: 'delete' })[Symbol.asyncIterator]();
  await keyv.set('a', 1, 1500);
  await keyv.set('b', 2);
  expect((await kv.leases()).map(({ ttl }) => ttl)).toEqual([2]);
  clock.advance(3100);
  const { value } = (await gone.next()) as { value: KvEvent<string, string> };
  expect(value.key).toBe('keyv:a');
  expect(await kv.keys({}).toArray()).toEqual(['keyv:b']);
  expect(await kv.leases()).toEqual([]);
});

test('KVS1: has tells to the millisecond what the lease has not taken away yet', async () => {
  const { kv, store, clock } = await timed();
  await using _ = kv;
  const expires = clock.world.clock.unixMs() + 300;
  await store.set('a', JSON.stringify({ value: 1, expires }), 300);
  expect([await store.has('a'), await store.hasMany(['a', 'b'])]).toEqual([true, [true, false]]);
  clock.advance(300);
  expect(await store.has('a')).toBe(true);
  clock.advance(1);
  expect([await store.has('a'), await store.hasMany(['a', 'b'])]).toEqual([false, [false, false]]);
  expect(await kv.count({})).toBe(1);
});

test('KVS1: a value that is set anew without an end has none', async () => {
  const { kv, store, clock } = await timed();
  await using _ = kv;
  const keyv = new Keyv({ store });
  await keyv.set('a', 1, 1000);
  await keyv.set('a', 2);
  clock.advance(5000);
  await expect.poll(() => kv.leases()).toEqual([]);
  expect(await keyv.get('a')).toBe(2);
});

test.each<[ttl: number | undefined, seconds: number | undefined]>([
  [undefined, undefined],
  [0, undefined],
  [1, 1],
  [1000, 1],
  [1001, 2],
  [-5, 1],
  [Number.POSITIVE_INFINITY, undefined],
  [Number.MAX_SAFE_INTEGER, undefined],
])('KVS1: %s milliseconds are %s seconds of a lease', (ttl, seconds) => {
  expect(secondsOf(ttl)).toBe(seconds);
});

test.each<[value: unknown, end: number | undefined]>([
  ['{"value":1,"expires":5}', 5],
  ['{"value":1}', undefined],
  ['no json', undefined],
  ['null', undefined],
  [{ value: 1, expires: 6 }, 6],
  [undefined, undefined],
])('KVS1: the end of %j is %s', (value, end) => {
  expect(endOf(value)).toBe(end);
});

test('KVS1: a ttl that is no number is refused, and nothing is written', async () => {
  await using kv = await open(memory());
  const store = keyvStore(kv);
  for (const ttl of [Number.NaN, '5' as unknown as number]) {
    expect(codeOf(await store.set('a', 'x', ttl).catch((error: unknown) => error))).toBe('KV_INVALID');
    const entries = [{ key: 'a', value: 'x', ttl }];
    expect(codeOf(await store.setMany(entries).catch((error: unknown) => error))).toBe('KV_INVALID');
  }
  expect((await kv.status()).revision).toBe(1);
});

test('KVS2: setMany is one revision up to 128 keys; of a key that comes twice the last value counts', async () => {
  await using kv = await open(memory());
  const keyv = new Keyv({ store: keyvStore(kv) });
  const entries = Array.from({ length: 128 }, (_, i) => ({ key: `k${i}`, value: i }));
  expect(await keyv.setMany([...entries.slice(1), { key: 'k0', value: 'old' }, { key: 'k0', value: 'new' }])).toEqual(
    Array.from({ length: 129 }, () => true),
  );
  expect((await kv.status()).revision).toBe(2);
  expect(await keyv.getMany(['k0', 'k127', 'none'])).toEqual(['new', 127, undefined]);
  await keyv.setMany([...entries, { key: 'one more', value: 1 }]);
  expect((await kv.status()).revision).toBe(4);
});

test('KVS2: values that keyv does not serialize are counted as the text that they become', async () => {
  await using kv = await open(memory(), { value: json() });
  const store = keyvStore(kv);
  const entries = Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: { text: 'x'.repeat(15_000) } }));
  await store.setMany(entries);
  expect(await kv.count({})).toBe(200);
  // 34 of them are half a million characters.
  expect((await kv.status()).revision).toBe(1 + Math.ceil(200 / 34));
});

test('KVS3: a name space whose name begins with another and a colon lies inside it', async () => {
  await using kv = await open(memory());
  const [app, sessions] = ['app', 'app:sessions'].map((namespace) => new Keyv({ store: keyvStore(kv), namespace })) as [
    Keyv,
    Keyv,
  ];
  await Promise.all([app.set('x', 1), sessions.set('x', 1)]);
  await app.clear();
  expect(await kv.count({})).toBe(0);
});

test('KVS2: where the store takes fewer operations, more at once are refused', async () => {
  await using kv = await open(memory(), { limits: { maxOps: 10 } });
  const store = keyvStore(kv);
  const entries = Array.from({ length: 11 }, (_, i) => ({ key: `k${i}`, value: 'x' }));
  expect(codeOf(await store.setMany(entries).catch((error: unknown) => error))).toBe('KV_TOO_LARGE');
  await store.setMany(entries.slice(1));
  expect(await kv.count({})).toBe(10);
});

test('KVS2: deleteMany tells whether all were there', async () => {
  await using kv = await open(memory());
  const keyv = new Keyv({ store: keyvStore(kv) });
  await keyv.setMany(Array.from({ length: 300 }, (_, i) => ({ key: `k${i}`, value: i })));
  expect(await keyv.deleteMany(['k0', 'k1', 'k1'])).toBe(true);
  expect(await keyv.deleteMany(['k1', 'k2'])).toBe(false);
  expect(await kv.count({})).toBe(297);
  expect(await keyv.deleteMany([])).toBe(true);
});

test('KVS2: more keys than one call may ask for are read at one revision', async () => {
  await using kv = await open(memory());
  const store = keyvStore(kv);
  await store.set('last', 'x');
  const found = await store.getMany([...Array.from({ length: 10_001 }, (_, i) => `none${i}`), 'last']);
  expect([found.length, found.at(-1), found[0]]).toEqual([10_002, 'x', undefined]);
});

test('KVS3: clear leaves other name spaces, and what is no keyv of all', async () => {
  await using kv = await open(memory());
  const [a, ab] = [
    new Keyv({ store: keyvStore(kv), namespace: 'a' }),
    new Keyv({ store: keyvStore(kv), namespace: 'ab' }),
  ];
  await Promise.all([a.set('x', 1), ab.set('x', 1), kv.put('other', '')]);
  await a.clear();
  expect(await kv.keys({}).toArray()).toEqual(['ab:x', 'other']);
  const all = keyvStore(kv);
  await all.clear();
  expect(await kv.count({})).toBe(0);
});

test('what is typed as keyv has it: a store may be given alone', async () => {
  await using kv = await open(memory());
  const keyv = new Keyv<number>(keyvStore(kv), { namespace: 'n' });
  await keyv.set('a', 5);
  const value: number | undefined = await keyv.get('a');
  expect([value, await kv.keys({}).toArray()]).toEqual([5, ['n:a']]);
});

test('KVS3: the iterator reads one revision, whatever is written meanwhile', async () => {
  await using kv = await open(memory());
  const keyv = new Keyv({ store: keyvStore(kv) });
  await keyv.setMany([1, 2, 3].map((i) => ({ key: `k${i}`, value: i })));
  const seen: unknown[] = [];
  for await (const [key, value] of keyv.iterator!(undefined)) {
    seen.push([key, value]);
    await keyv.clear();
    await keyv.set('k9', 9);
  }
  expect(seen).toEqual([
    ['k1', 1],
    ['k2', 2],
    ['k3', 3],
  ]);
});

test('KVS4: a get that fails is undefined for the caller of keyv, and an error event', async () => {
  const kv = await open(memory());
  const keyv = new Keyv({ store: keyvStore(kv) });
  const errors: unknown[] = [];
  keyv.on('error', (error) => errors.push(codeOf(error)));
  await kv.close();
  expect(await keyv.get('a')).toBe(undefined);
  expect(errors).toEqual(['KV_CLOSED']);
  expect(await keyv.set('a', 1)).toBe(false);
  expect(errors).toEqual(['KV_CLOSED', 'KV_CLOSED']);
  const strict = new Keyv({ store: keyvStore(kv), throwOnErrors: true });
  expect(codeOf(await strict.get('a').catch((error: unknown) => error))).toBe('KV_CLOSED');
});

test('values that keyv does not serialize are stored as the codec says', async () => {
  await using kv = await open(memory(), { value: json<{ value?: unknown; expires?: number | undefined }>() });
  const keyv = new Keyv({ store: keyvStore(kv), serialize: undefined, deserialize: undefined } as object);
  await keyv.set('a', { b: 1 });
  expect(await keyv.get('a')).toEqual({ b: 1 });
  expect((await kv.get('keyv:a'))?.value).toEqual({ value: { b: 1 } });
});

test('LNT1: a store that was given open stays open; one that was opened is opened once, at the first use, and closed', async () => {
  await using given = await open(memory());
  const lent = new Keyv({ store: keyvStore(given) });
  await lent.set('a', 1);
  await lent.disconnect();
  expect(await given.count({})).toBe(1);

  const opened: Kv[] = [];
  const own = keyvStore(async () => {
    const kv = await open(memory());
    opened.push(kv);
    return kv;
  });
  expect(opened).toEqual([]);
  await Promise.all([own.set('a', 'x'), own.get('a'), own.has('b')]);
  expect(opened).toHaveLength(1);
  await own.disconnect();
  await own.disconnect();
  expect(codeOf(await opened[0]!.get('a').catch((error: unknown) => error))).toBe('KV_CLOSED');
});

test('LNT1: closing while it opens closes what comes of it', async () => {
  const opening = open(memory());
  const store = keyvStore(() => opening);
  const asked = store.get('a').catch((error: unknown) => error);
  await store.disconnect();
  await asked;
  expect(codeOf(await (await opening).get('a').catch((error: unknown) => error))).toBe('KV_CLOSED');
});

test('LNT2: an opening that failed is tried again', async () => {
  let tries = 0;
  await using store = keyvStore(() => (tries++ === 0 ? Promise.reject(new Error('not yet')) : open(memory())));
  await expect(store.get('a')).rejects.toThrow('not yet');
  expect(await store.get('a')).toBe(undefined);
  expect(tries).toBe(2);
});

test('LNT3: calls behind disconnect get KV_CLOSED', async () => {
  await using kv = await open(memory());
  for (const store of [keyvStore(kv), keyvStore(() => open(memory()))]) {
    await store.disconnect();
    expect(codeOf(await store.get('a').catch((error: unknown) => error))).toBe('KV_CLOSED');
    expect(codeOf(await store.clear().catch((error: unknown) => error))).toBe('KV_CLOSED');
  }
});

test('what is no store, and options that are none, are refused', () => {
  const given = './data' as unknown as Kv;
  expect(() => keyvStore(given)).toThrow(/must be an open Kv, or a function/);
  expect(() => keyvStore(() => open(memory()), { ttl: 5 } as object)).toThrow(TypeError);
});
