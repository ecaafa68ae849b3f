/** The driver beside unstorage's own memory driver, and what only this one does. */
import { StandingClock } from '@varve/base/node/standing-clock';
import { bytes, codeOf, file, json, level, log, memory, open, type Kv } from '@varve/kv';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorage, type Driver, type Storage } from 'unstorage';
import memoryDriver from 'unstorage/drivers/memory';
import { afterAll, describe, expect, test } from 'vitest';
import { varveDriver, type VarveDriver, type VarveMeta } from '../src/index.ts';
import { watchChanges } from '../src/watching.ts';
import { contract } from './contract.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function store(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-unstorage-'));
  folders.push(folder);
  return join(folder, 'store');
}

/** One store for all rows of the table, each below a base of its own. */
function shared(location: () => Parameters<typeof open>[0]): () => Driver {
  // What is tested is the driver: it need not wait for the disk at each write.
  const kv = open(location(), { durability: 'interval' });
  afterAll(async () => (await kv).close());
  let rows = 0;
  return () => varveDriver(() => kv.then((whole) => whole.namespace(`row${rows++}/`)));
}

const drivers: readonly (readonly [name: string, make: () => Driver])[] = [
  ["unstorage's own memory driver", () => memoryDriver()],
  ['varve in memory', () => varveDriver(() => open(memory()))],
  ['varve in memory, below a base', () => varveDriver(() => open(memory()), { base: 'app:' })],
  ['varve on a log', shared(() => log(store()))],
  ['varve on a file', shared(() => file(store()))],
  ['varve on LevelDB', shared(() => level(store()))],
];

for (const [name, make] of drivers) {
  describe(`the contract on ${name}`, () => {
    test.each(contract)('$what', async ({ run }) => {
      const storage = createStorage({ driver: make() });
      try {
        await run(storage);
      } finally {
        await storage.dispose();
      }
    });
  });
}

function disposable(driver: VarveDriver): VarveDriver & AsyncDisposable {
  return { ...driver, [Symbol.asyncDispose]: () => driver.dispose() };
}

const key = fc.constantFrom('a', 'a:b', 'a:b:c', 'b', 'b:a', 'ab');
const base = fc.constantFrom('', 'a', 'a:b', 'b', 'none');
const call: fc.Arbitrary<(storage: Storage) => Promise<unknown>> = fc.oneof(
  fc.tuple(key, fc.jsonValue()).map(
    ([at, value]) =>
      (on: Storage) =>
        on.setItem(at, value as string),
  ),
  fc.tuple(key, fc.uint8Array({ maxLength: 4 })).map(
    ([at, value]) =>
      (on: Storage) =>
        on.setItemRaw(at, value),
  ),
  key.map((at) => (on: Storage) => on.removeItem(at)),
  base.map((at) => (on: Storage) => on.clear(at)),
  key.map((at) => (on: Storage) => on.hasItem(at)),
  fc.tuple(base, fc.option(fc.nat(3), { nil: undefined })).map(([at, maxDepth]) => async (on: Storage) => {
    return (await on.getKeys(at, maxDepth === undefined ? {} : { maxDepth })).toSorted();
  }),
  key.map((at) => async (on: Storage) => {
    const raw: unknown = await on.getItemRaw(at);
    return raw === null ? null : [...Buffer.from(raw as string)];
  }),
);

test('any calls give the same on both, mounted or not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 30 }), fc.boolean(), async (calls, isMounted) => {
      await using kv = await open(memory());
      const make = (driver: Driver): Storage =>
        isMounted ? createStorage().mount('a', driver) : createStorage({ driver });
      const [theirs, ours] = [make(memoryDriver()), make(varveDriver(kv, { base: 'x' }))];
      for (const run of calls) expect(await run(ours)).toEqual(await run(theirs));
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 2000 : 60 },
  );
});

test('UND1: bytes that are no text come as bytes, text that was set raw as text', async () => {
  await using kv = await open(memory());
  const storage = createStorage({ driver: varveDriver(kv) });
  await storage.setItemRaw('bytes', Buffer.from([255, 0]));
  await storage.setItemRaw('text', 'plain');
  await storage.setItemRaw('buffer', new Uint8Array([1, 2]).buffer);
  expect(await storage.getItem('bytes')).toEqual(new Uint8Array([255, 0]));
  expect(await storage.getItem('text')).toBe('plain');
  expect(await storage.getItemRaw('buffer')).toEqual(new Uint8Array([1, 2]));
  const refused = await storage.setItemRaw('object', { a: 1 }).catch((error: unknown) => error);
  expect(codeOf(refused)).toBe('KV_INVALID');
  // Whatever the store's own values are.
  await using typed = await open(memory(), { value: json<{ a: number }>() });
  const beside = createStorage({ driver: varveDriver(typed, { base: 'files' }) });
  await typed.put('x', { a: 1 });
  await beside.setItem('x', 'text');
  expect([await beside.getItem('x'), await beside.getKeys(), (await typed.get('x'))?.value]).toEqual([
    'text',
    ['x'],
    { a: 1 },
  ]);
});

test('UND1: bytes may be changed as soon as the call has returned', async () => {
  await using driver = disposable(varveDriver(() => open(memory())));
  const value = new Uint8Array([1, 2]);
  const written = driver.setItemRaw('a', value);
  value[0] = 9;
  await written;
  expect(await driver.getItemRaw('a')).toEqual(new Uint8Array([1, 2]));
});

test('UND2: 0 is for ever, of the driver as of a call', async () => {
  await using kv = await open(memory());
  const storage = createStorage({ driver: varveDriver(kv, { ttl: 0 }) });
  await storage.setItem('a', 1);
  expect((await storage.getMeta('a')).ttl).toBeUndefined();
});

test('UND2: an item lives as long as was said, by the call or by the driver', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { world: clock.world });
  const storage = createStorage({ driver: varveDriver(kv, { ttl: 60 }) });
  const seen: string[] = [];
  await storage.watch((event, at) => seen.push(`${event} ${at}`));
  await storage.setItem('short', 1, { ttl: 1.5 });
  await storage.setItems(
    [
      { key: 'own', value: 1, options: { ttl: 2 } },
      { key: 'ever', value: 1 },
    ],
    { ttl: 0 },
  );
  await storage.setItem('default', 1);
  expect((await storage.getMeta('short')).ttl).toBe(2);
  expect((await storage.getMeta('default')).ttl).toBe(60);
  expect((await storage.getMeta('ever')).ttl).toBeUndefined();
  clock.advance(3500);
  await expect.poll(() => seen.slice(4).toSorted()).toEqual(['remove own', 'remove short']);
  expect(await storage.getKeys()).toEqual(['default', 'ever']);
  for (const ttl of [-1, Number.NaN, '1']) {
    expect(codeOf(await storage.setItem('a', 1, { ttl }).catch((error: unknown) => error))).toBe('KV_INVALID');
  }
});

test('UND2: longer than a lease may be is for ever', async () => {
  await using kv = await open(memory());
  const storage = createStorage({ driver: varveDriver(kv) });
  for (const ttl of [1e12, Number.POSITIVE_INFINITY]) {
    await storage.setItem('a', 1, { ttl });
    expect((await storage.getMeta('a')).ttl).toBeUndefined();
  }
  await storage.setItem('a', 1, { ttl: 9e9 });
  expect((await storage.getMeta('a')).ttl).toBeGreaterThan(8e9);
});

test('UND3: setItems is one revision up to 128 items', async () => {
  await using kv = await open(memory());
  const storage = createStorage({ driver: varveDriver(kv) });
  const items = Array.from({ length: 129 }, (_, i) => ({ key: `k${i}`, value: i }));
  await storage.setItems(items.slice(1));
  expect((await kv.status()).revision).toBe(2);
  await storage.setItems(items);
  expect((await kv.status()).revision).toBe(4);
});

test('UND4: a watch tells what others write, and nothing of other bases', async () => {
  await using kv = await open(memory());
  const storage = createStorage({ driver: varveDriver(kv, { base: 'mine' }) });
  const seen: string[] = [];
  await storage.watch((event, at) => seen.push(`${event} ${at}`));
  await kv.put('theirs:a', '1');
  await kv.put('mine:a', '1');
  await kv.put('mine:b:c', '1');
  await kv.delete({ all: true });
  await expect.poll(() => seen).toEqual(['update a', 'update b:c', 'remove a', 'remove b:c']);
});

test('UND4: a failing callback does not end the watch, and is told', async () => {
  await using kv = await open(memory());
  const errors: unknown[] = [];
  const seen: string[] = [];
  const driver = varveDriver(kv, { onError: (error) => errors.push(error) });
  const unwatch = await driver.watch((_, at) => {
    seen.push(at);
    if (at === 'a') throw new Error('not this one');
  });
  await kv.put('a', '');
  await kv.put('b', '');
  await expect.poll(() => seen).toEqual(['a', 'b']);
  expect(errors.map(String)).toEqual(['Error: not this one']);
  await unwatch();
});

test('UWT2: a gap whose history was compacted is told, and every item there is', async () => {
  await using kv = await open(memory(), { value: bytes });
  const empty = new Uint8Array();
  for (const at of ['gone', 'a', 'b']) await kv.put(at, empty);
  await kv.delete('gone');
  await kv.compact((await kv.status()).revision);
  const errors: unknown[] = [];
  const seen: string[] = [];
  // As a watch that was away for so long.
  const late = { watch: (range: object, options: object) => kv.watch(range, { ...options, from: 2 }) };
  const unwatch = await watchChanges(
    late,
    (event, at) => seen.push(`${event} ${at}`),
    (error) => errors.push(codeOf(error)),
  );
  await kv.put('c', empty);
  await expect.poll(() => seen).toEqual(['update a', 'update b', 'update c']);
  expect(errors).toEqual(['MVCC_COMPACTED']);
  await unwatch();
});

test('a key that is no text is no item', async () => {
  const place = store();
  {
    await using kv = await open(log(place), { key: bytes });
    await kv.put(new Uint8Array([255]), '');
  }
  await using kv = await open(log(place));
  const driver = varveDriver(kv);
  await driver.setItem('a', '', {});
  expect(await driver.getKeys('', {})).toEqual(['a']);
});

test('clear: of the driver, below a base', async () => {
  await using kv = await open(memory());
  const driver = varveDriver(kv, { base: 'x' });
  await kv.put('other', '');
  for (const at of ['a', 'b:c', 'b:d', 'bb']) await driver.setItem(at, '', {});
  await driver.clear('b:', {});
  expect(await kv.keys({}).toArray()).toEqual(['other', 'x:a', 'x:bb']);
  await driver.clear('', {});
  expect(await kv.keys({}).toArray()).toEqual(['other']);
});

test('dispose ends watches, closes what was opened here, and leaves open what was given', async () => {
  await using given = await open(memory());
  const lent = createStorage({ driver: varveDriver(given) });
  await lent.watch(() => undefined);
  await lent.setItem('a', 1);
  await lent.dispose();
  expect(given.stats().watch.watchers).toBe(0);
  expect(await given.count({})).toBe(1);
  expect(codeOf(await lent.getItem('a').catch((error: unknown) => error))).toBe('KV_CLOSED');

  const opened: Kv[] = [];
  const own = createStorage({
    driver: varveDriver(async () => {
      const kv = await open(memory());
      opened.push(kv);
      return kv;
    }),
  });
  await own.setItem('a', 1);
  await own.dispose();
  expect(codeOf(await opened[0]!.get('a').catch((error: unknown) => error))).toBe('KV_CLOSED');
});

test('a watch that begins while the driver is disposed of is ended', async () => {
  await using kv = await open(memory());
  const driver = varveDriver(kv);
  const begins = driver.watch(() => undefined);
  await driver.dispose();
  await begins.catch(() => undefined);
  expect(kv.stats().watch.watchers).toBe(0);
});

test('getMeta tells what the store knows, and no times', async () => {
  await using kv = await open(memory());
  const driver = varveDriver(kv);
  await driver.setItem('a', 'x', {});
  await driver.setItem('a', 'xyz', {});
  const meta = (await driver.getMeta('a', {})) as VarveMeta;
  expect(meta).toEqual({ revision: 3, createRevision: 2, version: 2, size: 3 });
  expect(await driver.getMeta('none', {})).toBe(null);
});

test('more items than one call may ask for are read at one revision', async () => {
  await using kv = await open(memory());
  const storage = createStorage({ driver: varveDriver(kv) });
  await storage.setItem('last', 'x');
  const found = await storage.getItems([...Array.from({ length: 10_001 }, (_, i) => `none${i}`), 'last']);
  expect([found.length, found.at(-1)]).toEqual([10_002, { key: 'last', value: 'x' }]);
});

test('wrong arguments are refused before anything is opened', () => {
  const given = './data' as unknown as Kv;
  expect(() => varveDriver(given)).toThrow(/must be an open Kv, or a function/);
  for (const options of [{ base: 5 }, { ttl: -1 }, { ttl: '5' }, { onError: true }, { prefix: 'x' }]) {
    expect(() => varveDriver(() => open(memory()), options as object)).toThrow(/base|ttl|onError|prefix/);
  }
});
