/** The layers of a store, for servers: assembled once, closed once, and the facade over them says the same. */
import { describe, expect, test } from 'vitest';
import { file, memory, open } from '../src/index.ts';
import { openLayers, type Layers, type WatchResponse } from '../src/layers.ts';
import { codeOf, collect, durableEngines, engines, temporaryFolder } from './helpers.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

async function put(layers: Layers, key: string, value: string, lease = 0n): Promise<number> {
  const revision = layers.store.put(bytes(key), bytes(value), lease);
  await layers.store.settled();
  return revision;
}

describe.each(engines)('on %s', (_engine, place) => {
  test('raw bytes, bigint ids, and the revision of every answer', async () => {
    await using layers = await openLayers(place());
    const { store, backend } = layers;
    const first = await put(layers, 'a', '1', 7n);
    const second = await put(layers, 'b', '2');
    const range = await store.range(bytes('a'), new Uint8Array(0), { revision: first });
    expect([range.revision, range.count, range.kvs[0]?.lease]).toEqual([second, 1, 7n]);
    const { revision, changes } = store.write((txn) => txn.deleteRange(bytes('a')));
    expect([revision, changes.length]).toEqual([second + 1, 1]);
    await store.settled();
    expect(backend.size).toBeGreaterThanOrEqual(0);
  });

  test('law 4: many watchers on one stream, each with an id of its own', async () => {
    await using layers = await openLayers(place());
    const first = await put(layers, 'a', '1');
    await using stream = layers.store.newWatchStream();
    const ids = [
      stream.watch(bytes('a'), undefined, { from: first }).watchId,
      stream.watch(bytes('a'), bytes('c')).watchId,
      stream.watch(bytes('b'), undefined, { watchId: 40 }).watchId,
    ];
    expect(new Set(ids).size).toBe(3);
    await put(layers, 'b', '2');
    const seen = new Map<number, string[]>();
    for (let events = 0; events < 3;) {
      const response: WatchResponse | undefined = await stream.next();
      if (response?.type !== 'events') continue;
      events += response.events.length;
      const keys = response.events.map(({ kv }) => Buffer.from(kv.key).toString());
      seen.set(response.watchId, [...(seen.get(response.watchId) ?? []), ...keys]);
    }
    expect(Object.fromEntries(seen)).toEqual({ [ids[0]!]: ['a'], [ids[1]!]: ['b'], 40: ['b'] });
  });
});

describe.each(durableEngines)('decisions/0017: on %s', (name, place) => {
  test('what the layers wrote survives JSON.stringify at the facade, leases included', async () => {
    const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
    const layers = await openLayers(place(path));
    const first = await put(layers, 'a', '1', 0x7fff_ffff_ffff_fff1n);
    await put(layers, 'a', '2', -1n);
    await put(layers, 'b', '3');
    await layers.close();
    await using kv = await open(place(path));
    const entries = await collect(kv.list({}));
    expect(entries.map(({ lease }) => lease)).toEqual(['ffffffffffffffff', undefined]);
    const all = [
      entries,
      await kv.get('a'),
      await kv.page({}, { limit: 1, total: true }),
      await collect(kv.history('a')),
      await collect(kv.watch({}, { from: first, previous: true }), 3),
      await kv.put('a', '4', { previous: true }),
      await kv.delete('b', { previous: true }),
      await kv.status(),
    ];
    expect(JSON.parse(JSON.stringify(all))).toEqual(JSON.parse(JSON.stringify(all)));
    expect(JSON.parse(JSON.stringify(all))).toEqual(all);
  });
});

test('R8: closing closes both, once', async () => {
  const layers = await openLayers(memory());
  await layers.close();
  await layers.close();
  await layers[Symbol.asyncDispose]();
  expect(await codeOf(() => layers.store.get(bytes('a')))).toBe('MVCC_CLOSED');
  await using again = await openLayers(file(temporaryFolder('store.db')));
  expect(again.backend.readOnly).toBe(false);
});

test('R3: wrong options are refused before anything is opened, and an engine that came with them is closed', async () => {
  const engine = memory();
  expect(await codeOf(() => openLayers(engine, { durability: 'never' as 'commit' }))).toBe('KV_INVALID');
  expect(await codeOf(() => openLayers(memory(), { key: 1 } as object))).toBe('KV_INVALID');
  expect(await codeOf(() => openLayers(memory(), { maxDeletes: 0 }))).toBe('KV_INVALID');
  expect(await codeOf(() => openLayers(memory(), { create: true }))).toBe('KV_INVALID');
  expect(await codeOf(() => openLayers(memory(), { world: {} } as object))).toBe('KV_INVALID');
  expect(await codeOf(() => openLayers(''))).toBe('KV_INVALID');
  expect(await codeOf(() => openLayers(temporaryFolder(), { create: false }))).toBe('BACKEND_NOT_FOUND');
  expect(await codeOf(() => openLayers(engine))).toBeDefined();
});
