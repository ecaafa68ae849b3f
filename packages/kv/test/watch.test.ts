import { expect, test } from 'vitest';
import { memory, open, put, remove, type KvEvent } from '../src/index.ts';
import { codeOf, collect, failure } from './helpers.ts';

function brief(events: readonly KvEvent<string, string>[]): string[] {
  return events.map((event) => `${event.revision} ${event.type} ${event.key}`);
}

test('W17, W18: a watch begins with the call; other keys are not its business', async () => {
  await using kv = await open(memory());
  const watch = kv.watch('foo');
  expect(await watch.started()).toBe(1);
  await kv.put('foo1', 'x');
  await kv.put('foo', 'bar');
  expect(await collect(watch, 1)).toEqual([
    { type: 'put', key: 'foo', value: 'bar', revision: 3, version: 1, createRevision: 3, modRevision: 3 },
  ]);
  expect(watch.revision).toBe(3);
  expect(kv.stats().watch).toMatchObject({ streams: 0, watchers: 0 });
});

test('W28 to W30: from the past, the present, the future', async () => {
  await using kv = await open(memory());
  for (const key of ['a', 'b', 'c']) await kv.put(key, 'x');
  const later = kv.watch({}, { from: 6 });
  expect(brief(await collect(kv.watch({}, { from: 1 }), 3))).toEqual(['2 put a', '3 put b', '4 put c']);
  expect(brief(await collect(kv.watch({}, { from: 4 }), 1))).toEqual(['4 put c']);
  await kv.put('d', 'x');
  await kv.put('e', 'x');
  expect(brief(await collect(later, 1))).toEqual(['6 put e']);
});

test('W35, W36, W46: only one kind; previous values for who asked', async () => {
  await using kv = await open(memory());
  const puts = kv.watch('a', { only: 'put' });
  const deletes = kv.watch('a', { only: 'delete', previous: true });
  const plain = kv.watch('a');
  await kv.put('a', '1');
  await kv.put('a', '2');
  await kv.delete('a');
  await kv.put('a', '3');
  expect(brief(await collect(puts, 3))).toEqual(['2 put a', '3 put a', '5 put a']);
  const [gone] = await collect(deletes, 1);
  expect(gone).toMatchObject({ type: 'delete', revision: 4, previous: { value: '2', modRevision: 3, version: 2 } });
  for (const event of await collect(plain, 4)) expect(event).not.toHaveProperty('previous');
  const again = await collect(kv.watch('a', { from: 2, previous: true }), 4);
  expect(again.map((event) => event.previous?.value)).toEqual([undefined, '1', '2', undefined]);
});

test('law 4: a batch holds all changes of its revision', async () => {
  await using kv = await open(memory());
  await kv.txn({ then: [put('a', '1'), put('b', '1'), put('c', '1')] });
  await kv.put('d', '1');
  await kv.txn({ then: [remove('a'), put('e', '1')] });
  const batches = await collect(kv.watch({}, { from: 1 }).batches(), 3);
  expect(batches.map((batch) => [batch.revision, brief(batch.events)])).toEqual([
    [2, ['2 put a', '2 put b', '2 put c']],
    [3, ['3 put d']],
    [4, ['4 delete a', '4 put e']],
  ]);
});

test('W64, W65: a compacted start ends it once, and says where to go on', async () => {
  await using kv = await open(memory());
  for (let i = 0; i < 10; i++) await kv.put('foo', String(i));
  await kv.compact(10);
  const iterator = kv.watch('foo', { from: 9 })[Symbol.asyncIterator]();
  const error = await failure(() => iterator.next());
  expect(error).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 10 });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(brief(await collect(kv.watch('foo', { from: 10 }), 2))).toEqual(['10 put foo', '11 put foo']);
  expect(kv.stats().watch.streams).toBe(0);
});

test('initial: the present state, a bookmark, then what changes', async () => {
  await using kv = await open(memory());
  await kv.put('a', '1');
  await kv.put('b', '1');
  await kv.put('a', '2');
  const watch = kv.watch({}, { initial: true });
  await kv.delete('b');
  const batches = await collect(watch.batches(), 3);
  expect(batches).toMatchObject([
    {
      revision: 4,
      initial: true,
      events: [
        { key: 'a', value: '2', revision: 4 },
        { key: 'b', revision: 3 },
      ],
    },
    { revision: 4, initial: false, events: [] },
    { revision: 5, initial: false, events: [{ type: 'delete', key: 'b' }] },
  ]);
  const empty = kv.watch({ prefix: 'none' }, { initial: true });
  expect(await collect(empty.batches(), 1)).toEqual([{ revision: 5, events: [], initial: false }]);
  expect(empty.revision).toBe(5);
});

test('initial: many entries come in parts, and as events, too', async () => {
  await using kv = await open(memory());
  await kv.write((section) => {
    for (let i = 0; i < 512; i++) section.put(`k${String(i).padStart(4, '0')}`, String(i));
  });
  const parts = await collect(kv.watch({}, { initial: true }).batches(), 4);
  expect(parts.map((part) => [part.events.length, part.initial])).toEqual([
    [16, true],
    [256, true],
    [240, true],
    [0, false],
  ]);
  const watch = kv.watch({}, { initial: true });
  await kv.put('z', 'last');
  const events = await collect(watch, 513);
  expect(new Set(events.map((event) => event.key)).size).toBe(513);
  expect(watch.revision).toBe(3);
});

test('W50 to W52: bookmarks come while nothing happens, and tell where to resume', async () => {
  await using kv = await open(memory());
  const watch = kv.watch('mine', { progressIntervalMs: 5 });
  await kv.put('other', 'x');
  expect(await collect(watch.batches(), 1)).toEqual([{ revision: 2, events: [], initial: false }]);
  expect(watch.revision).toBe(2);
});

test('resumable: revision + 1 goes on without gap or repetition', async () => {
  await using kv = await open(memory());
  const seen: number[] = [];
  let watch = kv.watch({}, { from: 1 });
  for (let i = 0; i < 5; i++) {
    await kv.put('a', String(i));
    await kv.put('b', String(i));
    seen.push(...(await collect(watch, 2)).map((event) => event.revision));
    watch = kv.watch({}, { from: watch.revision + 1 });
  }
  await watch.close();
  expect(seen).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('R11: an abort ends a waiting pull with its own reason and leaves no listener', async () => {
  await using kv = await open(memory());
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const counted = Object.assign(signal, {
    addEventListener: (...args: Parameters<AbortSignal['addEventListener']>) => {
      listeners++;
      AbortSignal.prototype.addEventListener.apply(signal, args);
    },
    removeEventListener: (...args: Parameters<AbortSignal['removeEventListener']>) => {
      listeners--;
      AbortSignal.prototype.removeEventListener.apply(signal, args);
    },
  });
  await collect(kv.watch('a', { from: 1, signal: counted }), 0);
  const watch = kv.watch('a', { signal: counted });
  const pull = failure(() => watch[Symbol.asyncIterator]().next());
  const reason = { my: 'reason' };
  controller.abort(reason);
  expect(await pull).toBe(reason);
  expect(listeners).toBe(0);
  expect(kv.stats().watch.streams).toBe(0);
  expect(await failure(() => collect(kv.watch('a', { signal })))).toBe(reason);
});

test('R12, R14: a consumer that throws or leaves harms nobody', async () => {
  await using kv = await open(memory());
  const other = kv.watch({});
  const mine = new Error('mine');
  const careless = (async () => {
    for await (const event of kv.watch({})) throw Object.assign(mine, { at: event.revision });
  })();
  await kv.put('a', '1');
  expect(await failure(() => careless)).toBe(mine);
  await kv.put('a', '2');
  expect(await collect(other, 2)).toHaveLength(2);
  expect(kv.stats()).toMatchObject({ openReads: 0, watch: { streams: 0, watchers: 0 } });
});

test('closing the store ends watches, also under a waiting pull; closing a watch does, too', async () => {
  const kv = await open(memory());
  const waiting = collect(kv.watch({}));
  const idle = kv.watch({});
  const closed = kv.watch({});
  const pull = closed[Symbol.asyncIterator]().next();
  await closed.close();
  expect(await pull).toEqual({ done: true, value: undefined });
  await kv.put('a', '1');
  await kv.close();
  expect((await waiting).length).toBeLessThanOrEqual(1);
  expect(await collect(idle)).toEqual([]);
  expect(await codeOf(() => kv.watch({}))).toBe('KV_CLOSED');
});

test('law 9: a watch that is not pulled costs a bounded queue, and misses nothing', async () => {
  await using kv = await open(memory());
  const slow = kv.watch({});
  for (let i = 0; i < 600; i++) await kv.put('a', String(i));
  expect(kv.stats().watch.pending).toBeLessThanOrEqual(128);
  const revisions = (await collect(slow, 600)).map((event) => event.revision);
  expect(revisions).toEqual(Array.from({ length: 600 }, (_, i) => i + 2));
});

test('R3: wrong options are refused by name; a watch is iterated once', async () => {
  await using kv = await open(memory());
  const wrong: readonly [object, RegExp][] = [
    [{ form: 1 }, /no "form"/],
    [{ from: 0 }, /from must be/],
    [{ from: 1.5 }, /from must be/],
    [{ from: '1' }, /from must be/],
    [{ only: 'puts' }, /only must be/],
    [{ initial: true, from: 1 }, /not with both/],
    [{ initial: true, only: 'delete' }, /leaves out/],
    [{ progressIntervalMs: 0 }, /progressIntervalMs must be/],
    [{ signal: 'stop' }, /signal must be/],
  ];
  for (const [options, message] of wrong) expect(() => kv.watch({}, options)).toThrow(message);
  expect(await codeOf(() => kv.watch({ start: 'b', end: 'a' }))).toBe('WATCH_EMPTY_RANGE');
  expect(await codeOf(() => kv.watch(''))).toBe('KV_INVALID');
  const watch = kv.watch({});
  watch.batches();
  expect(await codeOf(() => watch[Symbol.asyncIterator]())).toBe('KV_INVALID');
  await watch.close();
  expect(kv.stats().watch.streams).toBe(0);
});

test.each(['commit', 'interval'] as const)(
  'R25: a failed commit ends the loops that wait (durability: %s)',
  async (durability) => {
    const mine = new Error('the disk is gone');
    let failing = false;
    const engine = new Proxy(memory(), {
      get(target, name) {
        if (name === 'commit' && failing) return () => Promise.reject(mine);
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const kv = await open(engine, { durability });
    await kv.put('a', '1');
    const seen: string[] = [];
    let sawAll = (): void => undefined;
    const all = new Promise<void>((resolve) => (sawAll = resolve));
    const events = (async () => {
      for await (const event of kv.watch({}, { from: 1 })) if (seen.push(`${event.revision}`) === 2) sawAll();
    })();
    const batches = collect(kv.watch('b').batches());
    const outcomes = Promise.allSettled([events, batches]);
    await kv.put('a', '2');
    if (durability === 'interval') await kv.commit();
    // A watch that still reads history would end with what it has.
    await all;
    failing = true;
    await kv.put('c', 'lost').catch(() => undefined);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'BACKEND_FAILED', cause: mine } });
    }
    expect(seen.slice(0, 2)).toEqual(['2', '3']);
    expect(await codeOf(() => kv.watch('a'))).toBe('BACKEND_FAILED');
    await kv.close().catch(() => undefined);
  },
);
