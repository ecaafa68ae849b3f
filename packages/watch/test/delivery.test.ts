import { expect, test } from 'vitest';
import type { WatchStream } from '../src/watchable-store.ts';
import { bytes, drain, FROM_KEY, open, places, revisions, showAll, upTo } from './support.ts';

// Rows W80 to W85, W87 to W92, W94 and W95 are about messages, calls and permissions: the server's. What they need of the
// store is pinned by W20 (every key), W21 (one response for a range deletion), W4 and W9 (ids after cancel).
const foo = bytes('foo');

function ids(stream: WatchStream): number[] {
  return drain(stream)
    .map(({ watchId }) => watchId)
    .sort((a, b) => a - b);
}

test('W17 a put reaches its watcher', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 0 });
  await f.put(['foo', 'bar']);
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=bar @2 c2 v1']);
});

test('W18 a longer key is another key', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo1', 'bar'], ['fo', 'bar']);
  expect(drain(stream)).toEqual([]);
});

test('W19 a range excludes its end', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, bytes('fop'));
  await f.put(['foo', '1'], ['foo1', '2'], ['fop', '3']);
  expect(revisions(drain(stream))).toEqual([[2], [3]]);
});

test('W20 from-key goes to the last key there can be', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(bytes('b'), FROM_KEY);
  await f.put(['a', '1'], ['b', '2'], ['c', '3'], ['\xff', '4'], ['\xff\xff', '5']);
  expect(revisions(drain(stream))).toEqual([[3], [4], [5], [6]]);
});

test('W21 a range deletion is one response with a bare event for each key', async () => {
  await using f = await open();
  await f.put(['foo_0', ''], ['foo_1', ''], ['foo_2', '']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, FROM_KEY, { from: 5 });
  await f.delete('foo_0', 'foo_3');
  const responses = drain(stream);
  expect(showAll(responses)).toEqual(['0@5: DELETE foo_0 @5, DELETE foo_1 @5, DELETE foo_2 @5']);
  const [response] = responses;
  expect(response?.type === 'events' && response.events[0]).toEqual({
    type: 'delete',
    kv: { key: bytes('foo_0'), value: bytes(''), createRevision: 0, modRevision: 5, version: 0, lease: 0n },
  });
});

test('W22 W23 a transaction is one response in execution order; one without effect is none', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  f.store.write((txn) => {
    txn.deleteRange(foo);
    txn.put(foo, bytes('2'));
  });
  await f.delete('missing');
  expect(showAll(drain(stream))).toEqual(['0@3: DELETE foo @3, PUT foo=2 @3 c3 v1']);
  expect(f.store.rev()).toBe(3);
});

test('W24 W25 W26 every watcher of a key is served once; cancelled ones are not', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 2; i++) stream.watch(foo, undefined);
  for (let i = 0; i < 2; i++) stream.watch(bytes('f'), bytes('g'));
  await f.put(['foo', '1']);
  expect(ids(stream)).toEqual([0, 1, 2, 3]);
  stream.cancel(2);
  await f.put(['foo', '2']);
  expect(ids(stream)).toEqual([0, 1, 3]);
  stream.cancel(3);
  expect(f.watchers.places.group.rangeN).toBe(1);
  await f.put(['foo', '3']);
  expect(ids(stream)).toEqual([0, 1]);
});

test('W27 an event from history carries the lease', async () => {
  await using f = await open();
  f.store.put(foo, bytes('bar'), 7n);
  await f.store.settled();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  await f.pass();
  const [response] = drain(stream);
  expect(response?.type === 'events' && response.events[0]?.kv.lease).toBe(7n);
});

test.each([
  [1, [2, 3, 4], 'W28'],
  [-3, [2, 3, 4], 'W28'],
  [4, [4], 'W29'],
])('%3$s a watcher from revision %1$s of 4 reads history', async (from, wanted) => {
  await using f = await open();
  await f.puts('foo', 3);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from });
  expect(places(f)).toBe('0 synced, 1 unsynced, 0 victims');
  expect(drain(stream)).toEqual([]);
  await f.pass();
  const responses = drain(stream);
  expect(revisions(responses)).toEqual([wanted]);
  expect(responses[0]).toMatchObject({ revision: 4 });
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('W30 W31 a watcher of the future waits for it', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 10 });
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
  await f.puts('foo', 10);
  expect(revisions(drain(stream))).toEqual([[10], [11]]);
});

test('W32 a watcher of a revision that never comes gets nothing, and can be cancelled', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 ** 63 - 3 });
  await f.puts('foo', 5);
  await f.pass();
  await using other = await open();
  await other.puts('foo', 9);
  await f.store.restore(other.backend);
  await f.pass();
  expect(drain(stream)).toEqual([]);
  stream.cancel(0);
});

test('W33 history shows deletions and new lives', async () => {
  await using f = await open();
  await f.put(['foo', 'a']);
  await f.delete('foo');
  await f.put(['foo', 'b']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  await f.pass();
  expect(showAll(drain(stream))).toEqual(['0@4: PUT foo=a @2 c2 v1, DELETE foo @3, PUT foo=b @4 c4 v1']);
});

test('W34 one pass serves a hundred watchers', async () => {
  await using f = await open();
  await f.put(['foo', 'bar']);
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 100; i++) stream.watch(foo, undefined, { from: 1 });
  expect(places(f)).toBe('0 synced, 100 unsynced, 0 victims');
  await f.pass();
  expect(places(f)).toBe('100 synced, 0 unsynced, 0 victims');
  expect(f.store.watchStats).toMatchObject({ pending: 100, events: 100 });
  expect(revisions(drain(stream))).toEqual(Array.from({ length: 100 }, () => [2]));
});

test.each(['live', 'history'])('W35 W36 W37 filters leave events out, and nothing else (%s)', async (how) => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  const from = how === 'live' ? 0 : 2;
  const watch = (): void => {
    stream.watch(foo, undefined, { from, filters: ['noput'] });
    stream.watch(foo, undefined, { from, filters: ['nodelete'] });
    stream.watch(foo, undefined, { from, filters: ['nodelete', 'noput', 'noput'] });
  };
  if (how === 'live') watch();
  await f.put(['foo', '1']);
  await f.delete('foo');
  await f.put(['foo', '2']);
  if (how === 'history') watch();
  await f.pass();
  const responses = drain(stream);
  expect(revisions(responses, 0).flat()).toEqual([3]);
  expect(revisions(responses, 1).flat()).toEqual([2, 4]);
  expect(revisions(responses, 2)).toEqual([]);
  stream.requestProgress(2);
  expect(showAll(drain(stream))).toEqual(['2 progress 4']);
});

test('W38 filtered history counts as delivered', async () => {
  await using f = await open();
  await f.puts('foo', 2500);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1, filters: ['noput'] });
  expect(await f.passes()).toBe(3);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
  expect(drain(stream)).toEqual([]);
});

test('W46 only those who ask get previous values, live and from history', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { previous: true });
  stream.watch(foo, undefined);
  await f.put(['foo', 'a'], ['foo', 'b']);
  stream.watch(foo, undefined, { previous: true, from: 2 });
  stream.watch(foo, undefined, { from: 2 });
  await f.pass();
  const events = drain(stream).flatMap((response) => (response.type === 'events' ? [response] : []));
  const previous = (id: number): boolean[] =>
    events
      .filter(({ watchId }) => watchId === id)
      .flatMap((response) => response.events.map((event) => 'previous' in event));
  expect([0, 1, 2, 3].map(previous)).toEqual([
    [false, true],
    [false, false],
    [false, true],
    [false, false],
  ]);
});

test('W46 what watchers share cannot be changed', async () => {
  await using f = await open();
  const streams = [f.store.newWatchStream(), f.store.newWatchStream()];
  for (const stream of streams) stream.watch(foo, undefined);
  await f.put(['foo', 'a']);
  const [one, other] = streams.map((stream) => drain(stream)[0]!);
  expect(one).toEqual(other);
  for (const response of [one!, other!]) {
    if (response.type !== 'events') throw new Error('no events');
    expect(Object.isFrozen(response.events) && Object.isFrozen(response.events[0])).toBe(true);
  }
});

test.each(['live', 'history'])('W86 previous values are those before the transaction (%s)', async (how) => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  if (how === 'live') stream.watch(foo, undefined, { previous: true });
  await f.put(['foo', 'a'], ['foo', 'b']);
  await f.delete('foo');
  await f.put(['foo', 'c']);
  f.store.write((txn) => {
    txn.deleteRange(foo);
    txn.put(foo, bytes('d'));
    txn.put(foo, bytes('e'));
  });
  await f.store.settled();
  if (how === 'history') stream.watch(foo, undefined, { previous: true, from: 1 });
  await f.pass();
  const shown = drain(stream).flatMap((response) =>
    showAll([response])[0]!
      .replace(/^0@\d+: /, '')
      .split(', '),
  );
  expect(shown).toEqual([
    'PUT foo=a @2 c2 v1',
    'PUT foo=b @3 c2 v2 <a@2',
    'DELETE foo @4 <b@3',
    'PUT foo=c @5 c5 v1',
    'DELETE foo @6 <c@5',
    'PUT foo=d @6 c6 v1',
    'PUT foo=e @6 c6 v2',
  ]);
});

// The wire half of W93 (one message each) is the server's.
test('W93 three watchers of one stream each get their key of a transaction', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  for (const key of ['a', 'b', 'c']) stream.watch(bytes(key), undefined);
  f.store.write((txn) => {
    for (const key of ['c', 'a', 'b']) txn.put(bytes(key), bytes(''));
  });
  await f.store.settled();
  expect(showAll(drain(stream)).sort()).toEqual([
    '0@2: PUT a= @2 c2 v1',
    '1@2: PUT b= @2 c2 v1',
    '2@2: PUT c= @2 c2 v1',
  ]);
});

// The wire half of W78 and W79 (the created message) is the server's; the revision in it comes from here.
test('W78 W79 the revision at registration is the last one that is not delivered', async () => {
  await using f = await open({ durability: 'interval' });
  for (let i = 0; i < 1000; i++) {
    f.store.put(foo, bytes(`${i}`));
    const stream = f.store.newWatchStream();
    const { revision } = stream.watch(foo, undefined);
    expect(drain(stream)).toEqual([]);
    f.store.put(foo, bytes('next'));
    expect(revisions(drain(stream))).toEqual([[revision + 1]]);
    stream.close();
  }
});

test('W96 a consumer may write to the store from its loop', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', '0']);
  const seen: number[] = [];
  for await (const response of stream) {
    seen.push(...revisions([response]).flat());
    if (seen.length === 100) break;
    f.store.put(foo, bytes(`${seen.length}`));
  }
  expect(seen).toEqual(upTo(2, 101));
});

// The wire half of W100 (what 500 clients get) is the server's.
test('W100 a previous value is read once for an event, however many want it', async () => {
  await using f = await open();
  await f.put(['foo', 'a']);
  const streams = Array.from({ length: 500 }, () => f.store.newWatchStream());
  for (const stream of streams) stream.watch(foo, undefined, { previous: true });
  const before = f.store.metrics['range_total']!;
  await f.put(['foo', 'b']);
  expect(f.store.metrics['range_total']).toBe(before + 1);
  for (const stream of streams) expect(showAll(drain(stream))).toEqual(['0@3: PUT foo=b @3 c2 v2 <a@2']);
});
