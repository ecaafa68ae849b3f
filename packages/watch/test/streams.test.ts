import { expect, test } from 'vitest';
import { openWatchableStore } from '../src/open-watchable-store.ts';
import { bytes, code, drain, FROM_KEY, open, places, revisions, showAll } from './support.ts';

const foo = bytes('foo');

test('W1 ids count up from 0', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  expect([1, 2, 3].map(() => stream.watch(foo, undefined).watchId)).toEqual([0, 1, 2]);
});

test('W2 an id in use is refused, and allocation goes round it', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  expect(stream.watch(foo, undefined, { watchId: 1 }).watchId).toBe(1);
  expect(code(() => stream.watch(foo, undefined, { watchId: 1 }))).toBe('WATCH_DUPLICATE_ID');
  expect(stream.watch(foo, undefined).watchId).toBe(0);
  expect(stream.watch(foo, undefined, { watchId: 0 }).watchId).toBe(2);
});

test('W3 a released id is not handed out again', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 3; i++) stream.watch(foo, undefined);
  stream.cancel(0);
  stream.cancel(2);
  expect(stream.watch(foo, undefined).watchId).toBe(3);
});

test('W4 an explicit id may be used again after cancel', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.cancel(stream.watch(foo, undefined).watchId);
  for (let i = 0; i < 2; i++) {
    expect(stream.watch(foo, undefined, { watchId: 5 }).watchId).toBe(5);
    stream.cancel(5);
  }
});

test('W5 ids are per stream, and each stream gets the event once', async () => {
  await using f = await open();
  const streams = [f.store.newWatchStream(), f.store.newWatchStream()];
  expect(streams.map((stream) => stream.watch(foo, undefined).watchId)).toEqual([0, 0]);
  await f.put(['foo', 'bar']);
  for (const stream of streams) expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=bar @2 c2 v1']);
});

test.each(['foo', 'fo', 'a'])('W6 foo to %s is an empty range', async (end) => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  expect(code(() => stream.watch(foo, bytes(end)))).toBe('WATCH_EMPTY_RANGE');
  expect(f.store.watchStats.watchers).toBe(0);
});

test('W7 from-key and single key are ranges', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  expect(stream.watch(foo, FROM_KEY).watchId).toBe(0);
  expect(stream.watch(foo, undefined).watchId).toBe(1);
});

test('W8 negative ids are accepted', async () => {
  await using f = await open();
  expect(f.store.newWatchStream().watch(foo, undefined, { watchId: -7 }).watchId).toBe(-7);
});

test('W9 W10 only a registered id can be cancelled', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  stream.cancel(0);
  expect(code(() => stream.cancel(0))).toBe('WATCH_NOT_FOUND');
  expect(code(() => stream.cancel(42))).toBe('WATCH_NOT_FOUND');
});

test('W11 close empties all places, and the queue ends when it is drained', async () => {
  await using f = await open({ queueCapacity: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(bytes('other'), undefined);
  stream.watch(foo, undefined);
  await f.put(['foo', '1'], ['foo', '2']);
  stream.watch(foo, undefined, { from: 2 });
  expect(places(f)).toBe('1 synced, 1 unsynced, 1 victims');
  stream.close();
  stream.close();
  expect(places(f)).toBe('0 synced, 0 unsynced, 0 victims');
  expect(f.store.watchStats).toMatchObject({ watchers: 0, streams: 0 });
  expect(revisions([(await stream.next())!])).toEqual([[2]]);
  expect(await stream.next()).toBeUndefined();
  expect(code(() => stream.watch(foo, undefined))).toBe('WATCH_CLOSED');
  expect(code(() => stream.cancel(0))).toBe('WATCH_NOT_FOUND');
  stream.requestProgress(0);
  expect(stream.requestProgressAll()).toBe(true);
  expect(stream.poll()).toBeUndefined();
});

test('W12 puts, cancels and closes at the same time leave nothing behind', async () => {
  await using f = await open({ queueCapacity: 2 });
  const streams = Array.from({ length: 100 }, () => f.store.newWatchStream());
  for (const stream of streams) for (let i = 0; i < 10; i++) stream.watch(foo, undefined);
  for (let i = 0; i < 100; i++) {
    f.store.put(foo, bytes(`${i}`));
    if (i % 10 === 0) await f.store.settled();
    for (let id = 0; id < 5; id++) streams[i]!.cancel(id);
    if (i % 2 === 1) streams[i - 1]!.close();
  }
  await f.store.settled();
  for (const stream of streams) stream.close();
  expect(f.store.watchStats).toMatchObject({ streams: 0, watchers: 0, synced: 0, unsynced: 0, victims: 0 });
  expect(f.watchers.places.group.rangeN).toBe(0);
});

test('W13 cancelling an unsynced watcher leaves nothing for the pass', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  stream.cancel(0);
  expect(places(f)).toBe('0 synced, 0 unsynced, 0 victims');
  await f.pass();
  expect(drain(stream)).toEqual([]);
});

test('W14 cancelling a victim drops its batch', async () => {
  await using f = await open({ queueCapacity: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', '1'], ['foo', '2']);
  expect(places(f)).toBe('0 synced, 0 unsynced, 1 victims');
  stream.cancel(0);
  expect(f.store.watchStats).toMatchObject({ watchers: 0, victims: 0 });
  expect(revisions(drain(stream))).toEqual([[2]]);
  await f.passes();
  expect(drain(stream)).toEqual([]);
});

test('W15 W16 a watcher told about compaction keeps its id until it is cancelled, and counts once', async () => {
  await using f = await open();
  await f.puts('foo', 10);
  await f.compact(10);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { watchId: 3, from: 5 });
  await f.pass();
  expect(showAll(drain(stream))).toEqual(['3 compacted 10']);
  expect(places(f)).toBe('0 synced, 0 unsynced, 0 victims');
  expect(f.store.watchStats.watchers).toBe(1);
  expect(code(() => stream.watch(foo, undefined, { watchId: 3 }))).toBe('WATCH_DUPLICATE_ID');
  stream.cancel(3);
  expect(f.store.watchStats.watchers).toBe(0);
  stream.watch(foo, undefined, { watchId: 3 });
  stream.close();
  expect(f.store.watchStats.watchers).toBe(0);
});

test('R3 wrong arguments change nothing', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  expect(() => stream.watch('foo' as unknown as Uint8Array, undefined)).toThrow(TypeError);
  expect(() => stream.watch(foo, 'x' as unknown as Uint8Array)).toThrow(TypeError);
  expect(() => stream.watch(foo, undefined, { from: 1.5 })).toThrow(RangeError);
  expect(() => stream.watch(foo, undefined, { from: Number.NaN })).toThrow(RangeError);
  expect(() => stream.watch(foo, undefined, { watchId: 0.5 })).toThrow(RangeError);
  expect(() => stream.watch(foo, undefined, { filters: ['all' as 'noput'] })).toThrow(TypeError);
  expect(() => stream.watch(foo, undefined, { filters: 'noput' as unknown as ['noput'] })).toThrow(
    /filters: not an array/,
  );
  expect(() => stream.watch(foo, undefined, { previous: 1 as unknown as boolean })).toThrow(/previous: not/);
  const noOptions = new TypeError('options must be an object');
  expect(() => stream.watch(foo, undefined, null as unknown as object)).toThrow(noOptions);
  expect(f.store.watchStats.watchers).toBe(0);
  await expect(open({ queueCapacity: 0 })).rejects.toThrow(RangeError);
  await expect(openWatchableStore(f.backend, null as unknown as object)).rejects.toThrow(noOptions);
});

test('R7 a caller may write to its key after the call', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  const key = bytes('foo');
  stream.watch(key, undefined);
  key[0] = 0;
  await f.put(['foo', 'bar']);
  expect(drain(stream)).toHaveLength(1);
});

test('R9 R81 closing the store ends every stream after what is queued', async () => {
  const f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  const idle = f.store.newWatchStream();
  idle.watch(bytes('x'), undefined);
  const waiting = idle.next();
  f.store.put(foo, bytes('bar'));
  await Promise.all([f.store.close(), f.store.close()]);
  expect(await waiting).toBeUndefined();
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=bar @2 c2 v1']);
  expect(await stream.next()).toBeUndefined();
  expect(code(() => f.store.newWatchStream())).toBe('WATCH_CLOSED');
  expect(code(() => f.store.put(foo, foo))).toBe('MVCC_CLOSED');
  expect(code(() => f.store.get(foo))).toBe('MVCC_CLOSED');
  await expect(f.store.range(foo, undefined)).rejects.toMatchObject({ code: 'MVCC_CLOSED' });
  await f.backend.close();
});

test('R3 a wrong signal is refused, and no response goes to the call that brought it', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  for (const signal of [null, 'stop', {}] as unknown as AbortSignal[]) {
    await expect(stream.next({ signal })).rejects.toThrow(new TypeError('signal must be an AbortSignal'));
  }
  const next = stream.next();
  await f.put(['foo', 'bar']);
  expect(showAll([(await next)!])).toEqual(['0@2: PUT foo=bar @2 c2 v1']);
});

test('R11 an aborted next rejects with the reason, and the response is not lost', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  const reason = new Error('enough');
  await expect(stream.next({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const abort = new AbortController();
  const waiting = stream.next({ signal: abort.signal });
  await expect(stream.next()).rejects.toThrow(TypeError);
  abort.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await f.put(['foo', 'bar']);
  const { signal } = new AbortController();
  expect(revisions([(await stream.next({ signal }))!])).toEqual([[2]]);
});

test('R14 leaving a for-await loop closes the stream', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', '1'], ['foo', '2']);
  for await (const response of stream) {
    expect(revisions([response])).toEqual([[2]]);
    break;
  }
  expect(f.store.watchStats).toMatchObject({ streams: 0, watchers: 0 });
});
