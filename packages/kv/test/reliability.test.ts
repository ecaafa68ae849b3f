import { describe, expect, test } from 'vitest';
import { bytes, json, memory, open, put, type EmbeddedKv } from '../src/index.ts';
import { codeOf, collect, failure, temporaryFolder } from './helpers.ts';

type Bytes = EmbeddedKv<Uint8Array, Uint8Array>;

/** A store whose commits lag behind, so that the next write waits before its section. */
async function lagging(kv: Bytes): Promise<Promise<unknown>[]> {
  const writes: Promise<unknown>[] = [];
  for (let i = 0; i < 200; i++) writes.push(kv.put(Uint8Array.of(1), new Uint8Array(100_000)));
  return writes;
}

describe('R7: bytes belong to the one who has them', () => {
  test('what goes in may be changed as soon as the call has returned, also while the write waits', async () => {
    await using kv = await open(temporaryFolder(), { key: bytes, value: bytes, batchLimit: 1 });
    const before = await lagging(kv);
    const key = Buffer.from('key');
    const value = Buffer.from('value');
    const waiting = [
      kv.put(key, value),
      kv.txn({ then: [put(Buffer.from('txn'), value)] }),
      kv.delete(Buffer.from('gone')),
      kv.transaction((tx) => tx.put(Buffer.from('opt'), value)),
    ];
    const start = Buffer.from('b');
    const list = kv.list({ start, end: start });
    const watch = kv.watch(key, { from: 1 });
    for (const array of [key, value, start]) array.fill('x');
    await Promise.all([...before, ...waiting]);
    for (const name of ['key', 'txn', 'opt']) {
      const entry = await kv.get(Buffer.from(name));
      expect(entry && Buffer.from(entry.value).toString()).toBe('value');
    }
    expect(await collect(list)).toEqual([]);
    expect(await collect(watch, 1)).toMatchObject([{ type: 'put', value: new Uint8Array(Buffer.from('value')) }]);
  });

  test('what comes out may be changed, whichever way it came', async () => {
    await using kv = await open(memory(), { key: bytes, value: bytes });
    const key = Uint8Array.of(1);
    await kv.put(key, Uint8Array.of(1, 2, 3));
    await kv.put(key, Uint8Array.of(1, 2, 3));
    const got = await kv.get(key);
    const listed = (await collect(kv.list({})))[0];
    const past = await kv.at(2).get(key);
    const event = (await collect(kv.watch(key, { from: 3, previous: true }), 1))[0];
    const historic = (await collect(kv.history(key)))[1];
    const replaced = (await kv.put(key, Uint8Array.of(1, 2, 3), { previous: true })).previous;
    const paged = (await kv.page({})).entries[0];
    for (const entry of [got, listed, past, event, event?.previous, historic, replaced, paged]) {
      expect(Object.getPrototypeOf(entry?.key)).toBe(Uint8Array.prototype);
      entry?.key.fill(9);
      entry?.value?.fill(9);
    }
    expect(await collect(kv.history(key))).toMatchObject(
      [2, 3, 4].map((revision) => ({ key: Uint8Array.of(1), value: Uint8Array.of(1, 2, 3), revision })),
    );
  });
});

describe('R11: abort signals', () => {
  test('aborted before: the own reason, and nothing happens', async () => {
    await using kv = await open(memory());
    const reason = { custom: true };
    const signal = AbortSignal.abort(reason);
    const calls: readonly (() => unknown)[] = [
      () => kv.get('a', { signal }),
      () => kv.put('a', 'b', { signal }),
      () => kv.delete({ all: true }, { signal }),
      () => kv.txn({ then: [put('a', 'b')] }, { signal }),
      () => kv.transaction((tx) => tx.put('a', 'b'), { signal }),
      () => kv.write((section) => section.put('a', 'b'), { signal }),
      () => collect(kv.list({}, { signal })),
      () => kv.page({}, { signal }),
      () => kv.count({}, { signal }),
      () => collect(kv.history('a', { signal })),
      () => collect(kv.watch({}, { signal })),
      () => kv.compact(1, { signal }),
      () => kv.hashByRev(0, { signal }),
      () => kv.snapshot({ signal }),
      () => kv.status({ signal }),
    ];
    for (const call of calls) expect(await failure(call)).toBe(reason);
    const { revision, compactRevision } = await kv.status();
    expect([revision, compactRevision]).toEqual([1, undefined]);
  });

  test('aborted while waiting to begin: nothing happens; after it has begun: it is finished', async () => {
    await using kv = await open(temporaryFolder(), { key: bytes, value: bytes, batchLimit: 1 });
    const controller = new AbortController();
    const begun = kv.put(Buffer.from('begun'), Buffer.from('1'), { signal: controller.signal });
    const before = await lagging(kv);
    const waiting = failure(() => kv.put(Buffer.from('waiting'), Buffer.from('1'), { signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    expect((await begun).revision).toBe(2);
    expect(await waiting).toBe(reason);
    await Promise.all(before);
    expect(await kv.get(Buffer.from('waiting'))).toBeUndefined();
  });

  test('while a compaction becomes durable: the wait for its end ends with the reason, the compaction goes on', async () => {
    await using kv = await open(memory());
    for (let i = 0; i < 10; i++) await kv.put('a', String(i));
    const controller = new AbortController();
    const reason = { my: 'reason' };
    const compacting = failure(() => kv.compact(5, { physical: true, signal: controller.signal }));
    controller.abort(reason);
    expect(await compacting).toBe(reason);
    expect((await kv.status()).compactRevision).toBe(5);
  });

  test('in the middle of a list: the next pull ends with the reason', async () => {
    await using kv = await open(memory());
    await kv.write((section) => {
      for (let i = 0; i < 1000; i++) section.put(String(i), '');
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    let seen = 0;
    const caught = await failure(async () => {
      for await (const _ of kv.list({}, { signal: controller.signal })) if (++seen === 300) controller.abort(reason);
    });
    expect([caught, seen]).toEqual([reason, 300]);
  });
});

test('R14: iterators left early, or never begun, hold nothing', async () => {
  await using kv = await open(temporaryFolder());
  await kv.write((section) => {
    for (let i = 0; i < 2000; i++) section.put(String(i), '');
  });
  for await (const _ of kv.list({})) break;
  await failure(async () => {
    for await (const _ of kv.list({})) throw new Error('mine');
  });
  await kv.list({})[Symbol.asyncIterator]().next();
  kv.list({});
  for await (const _ of kv.history('1')) break;
  for await (const _ of kv.watch({}, { initial: true })) break;
  expect(kv.stats()).toMatchObject({ openReads: 0, watch: { streams: 0 } });
});

describe('R19: names of prototypes are ordinary data', () => {
  test('as keys, values, prefixes and name spaces', async () => {
    await using kv = await open(memory(), { value: json() });
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    const value: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}');
    for (const name of names) await kv.put(name, value);
    for (const name of names) {
      const entry = await kv.get(name);
      expect(entry?.key).toBe(name);
      expect(JSON.stringify(entry?.value)).toBe(JSON.stringify(value));
      expect(Object.getPrototypeOf(entry?.value)).toBe(Object.prototype);
      expect(await kv.count({ prefix: name })).toBe(1);
      await kv.namespace(name).put(name, name);
    }
    expect(await kv.count({})).toBe(8);
    expect({}).not.toHaveProperty('polluted');
  });

  test('as options and in transactions', async () => {
    const options: unknown = JSON.parse('{"__proto__": {"durability": "interval"}}');
    expect((await failure(() => open(memory(), options as object))).message).toMatch(/no "__proto__"/);
    await using kv = await open(memory());
    await kv.txn({ then: [put('__proto__', '1'), put('constructor', '2')] });
    await kv.transaction(async (tx) => {
      await tx.get('__proto__');
      tx.put('toString', '3');
    });
    expect(await kv.count({})).toBe(3);
  });
});

describe('R8, R9: closing', () => {
  test.each(['commit', 'interval'] as const)(
    'writes that were not awaited are there afterwards (%s)',
    async (durability) => {
      const folder = temporaryFolder();
      const kv = await open(folder, { durability });
      const writes = Array.from({ length: 100 }, (_, i) => kv.put(`k${i}`, String(i)));
      await Promise.all([kv.close(), kv.close()]);
      expect((await Promise.all(writes)).at(-1)).toEqual({ revision: 101 });
      await using again = await open(folder);
      expect(await again.count({})).toBe(100);
    },
  );

  test('in the middle of everything: each call ends, with an answer or a code', async () => {
    const kv = await open(temporaryFolder());
    await kv.write((section) => {
      for (let i = 0; i < 5000; i++) section.put(String(i), '');
    });
    const compaction = await kv.compact(2);
    const running = [
      compaction.finished(),
      kv.put('a', 'b'),
      kv.get('a'),
      collect(kv.list({})),
      collect(kv.watch({}, { from: 2 })),
      kv.transaction(async (tx) => tx.put('c', (await tx.get('a'))?.value ?? '')),
      kv.hashByRev(),
      kv.defrag(),
    ];
    const closing = kv.close();
    for (const outcome of await Promise.allSettled([...running, closing])) {
      if (outcome.status === 'rejected') expect((outcome.reason as { code: string }).code).toMatch(/_CLOSED$/);
    }
    await closing;
    expect(await codeOf(() => kv.get('a'))).toBe('KV_CLOSED');
  });
});
