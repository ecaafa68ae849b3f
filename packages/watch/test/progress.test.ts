import { expect, test } from 'vitest';
import { bytes, drain, open, places, showAll } from './support.ts';

// W58 to W63 are about messages and intervals on the wire: the server's rows.
const foo = bytes('foo');

test('W50 progress of an unknown watcher is nothing', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.requestProgress(1000);
  expect(stream.poll()).toBeUndefined();
});

test.each([
  [0, true, true],
  [1, false, true],
  [2, false, true],
  [3, false, false],
  [4, false, false],
])('W51 at revision 2, start %i: progress before a pass %s, after it %s', async (from, before, after) => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from });
  stream.requestProgress(0);
  expect(showAll(drain(stream))).toEqual(before ? ['0 progress 2'] : []);
  await f.pass();
  drain(stream);
  stream.requestProgress(0);
  expect(showAll(drain(stream))).toEqual(after ? ['0 progress 2'] : []);
});

test('W52 progress once the future has come', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 3 });
  await f.put(['foo', '2']);
  drain(stream);
  stream.requestProgress(0);
  expect(showAll(drain(stream))).toEqual(['0 progress 3']);
});

test('W53 progress of all needs all, and is one response', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 10; i++) stream.watch(foo, undefined);
  stream.watch(foo, undefined, { from: 1 });
  expect(stream.requestProgressAll()).toBe(false);
  expect(drain(stream)).toEqual([]);
  await f.pass();
  drain(stream);
  expect(stream.requestProgressAll()).toBe(true);
  expect(showAll(drain(stream))).toEqual(['-1 progress 2']);
});

test('W54 progress of no watcher is true and nothing', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  expect(stream.requestProgressAll()).toBe(true);
  expect(stream.poll()).toBeUndefined();
});

test('W55 progress that finds the queue full is dropped, and makes no victim', async () => {
  await using f = await open({ queueCapacity: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', '1']);
  stream.requestProgress(0);
  expect(stream.requestProgressAll()).toBe(true);
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=1 @2 c2 v1']);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('W56 progress comes after the events it speaks of', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', '1']);
  stream.requestProgress(0);
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=1 @2 c2 v1', '0 progress 2']);
});

test('W56 progress speaks of visible revisions only (law 1)', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  f.store.put(foo, bytes('1'));
  stream.requestProgress(0);
  expect(showAll(drain(stream))).toEqual(['0 progress 1']);
  await f.store.settled();
  stream.requestProgress(0);
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=1 @2 c2 v1', '0 progress 2']);
});

test('W57 a compacted watcher that is not cancelled holds up progress of all', async () => {
  await using f = await open();
  await f.puts('foo', 5);
  await f.compact(5);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  stream.watch(foo, undefined);
  await f.pass();
  drain(stream);
  expect(stream.requestProgressAll()).toBe(false);
  stream.cancel(0);
  expect(stream.requestProgressAll()).toBe(true);
  expect(showAll(drain(stream))).toEqual(['-1 progress 6']);
});

// The wire half of W62 (a request every 100 ms) is the server's.
test('W62 a watcher whose key is not in history is synced by one pass', async () => {
  await using f = await open();
  await f.put(['bar', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  expect(stream.requestProgressAll()).toBe(false);
  await f.pass();
  expect(stream.requestProgressAll()).toBe(true);
  expect(showAll(drain(stream))).toEqual(['-1 progress 2']);
});

test('W56 progress of all that was queued before a watcher from the past comes after its events', async () => {
  await using f = await open();
  await f.put(['foo', '1'], ['bar', '2']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  expect(stream.requestProgressAll()).toBe(true);
  stream.watch(bytes('bar'), undefined, { from: 2 });
  expect(drain(stream)).toEqual([]);
  await f.put(['foo', '3']);
  expect(showAll(drain(stream))).toEqual(['0@4: PUT foo=3 @4 c2 v2']);
  await f.pass();
  expect(showAll(drain(stream))).toEqual(['1@4: PUT bar=2 @3 c3 v1', '-1 progress 4']);
  await f.pass();
  expect(drain(stream)).toEqual([]);
});

test('W56 the same where its consumer waits already, and after a cancellation', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  const next = stream.next();
  stream.requestProgressAll();
  const { watchId } = stream.watch(foo, undefined, { from: 1 });
  await Promise.resolve();
  expect(stream.poll()).toBeUndefined();
  stream.cancel(watchId);
  expect(showAll([(await next)!])).toEqual(['-1 progress 2']);
});

test('W56 a consumer that waits gets progress of all, before what comes later in the same tick', async () => {
  await using f = await open({ queueCapacity: 1, durability: 'interval' });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  const next = stream.next();
  stream.requestProgressAll();
  f.store.put(foo, bytes('1'));
  expect(places(f)).toBe('0 synced, 0 unsynced, 1 victims');
  expect(showAll([(await next)!])).toEqual(['-1 progress 1']);
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=1 @2 c2 v1']);
});

test('W56 progress of all that is owed, and finds the queue full, comes when there is room', async () => {
  await using f = await open({ queueCapacity: 1 });
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  stream.requestProgressAll();
  stream.watch(bytes('nothing'), undefined, { from: 2 });
  expect(drain(stream)).toEqual([]);
  await f.put(['foo', '2']);
  await f.pass();
  expect(places(f)).toBe('2 synced, 0 unsynced, 0 victims');
  expect(showAll(drain(stream))).toEqual(['0@3: PUT foo=2 @3 c2 v2', '-1 progress 3']);
});

test('W10 what was queued when a stream is closed is read by a consumer that waits; nothing is owed any more', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  const next = stream.next();
  stream.requestProgressAll();
  stream.close();
  expect(showAll([(await next)!])).toEqual(['-1 progress 2']);
  expect(await stream.next()).toBeUndefined();
  const other = f.store.newWatchStream();
  other.watch(foo, undefined);
  other.requestProgressAll();
  other.watch(foo, undefined, { from: 1 });
  other.close();
  expect(await other.next()).toBeUndefined();
});
