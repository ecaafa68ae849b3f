import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import { bytes, drain, FROM_KEY, open, places, revisions, steppedEngine, upTo } from './support.ts';

const foo = bytes('foo');

test('W39 history comes in batches of so many revisions, each with the visible revision', async () => {
  await using f = await open({ revisionsPerBatch: 4 });
  await f.puts('foo', 12);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  for (const batch of [upTo(2, 5), upTo(6, 9), upTo(10, 13)]) {
    expect(places(f)).toBe('0 synced, 1 unsynced, 0 victims');
    await f.pass();
    const responses = drain(stream);
    expect(revisions(responses)).toEqual([batch]);
    expect(responses[0]).toMatchObject({ revision: 13 });
  }
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('W40 a thousand revisions a batch', async () => {
  await using f = await open();
  await f.puts('foo', 2500);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  await f.passes();
  const responses = drain(stream);
  expect(revisions(responses)).toEqual([upTo(2, 1001), upTo(1002, 2001), upTo(2002, 2501)]);
  for (const response of responses) expect(response).toMatchObject({ revision: 2501 });
});

test('W41 a revision is not split over two batches', async () => {
  await using f = await open({ revisionsPerBatch: 4 });
  f.store.write((txn) => {
    for (let i = 0; i < 6; i++) txn.put(foo, bytes(`${i}`));
  });
  await f.puts('foo', 4);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  await f.passes();
  expect(revisions(drain(stream))).toEqual([[2, 2, 2, 2, 2, 2, 3, 4, 5], [6]]);
});

test('law 10: large transactions make batches of fewer revisions, so that a step stays short', async () => {
  await using f = await open();
  const transactions = 30;
  for (let i = 0; i < transactions; i++) {
    f.store.write((txn) => {
      for (let k = 0; k < 1000; k++) txn.put(bytes(`k${k}`), bytes(`${i}`));
    });
  }
  await f.store.settled();
  const stream = f.store.newWatchStream();
  stream.watch(bytes('k'), FROM_KEY, { from: 2 });
  await f.passes();
  const batches = revisions(drain(stream));
  for (const batch of batches) expect(batch.length).toBeLessThan(10_000);
  expect(batches.flat()).toEqual(
    upTo(2, transactions + 1).flatMap((revision) => Array.from({ length: 1000 }, () => revision)),
  );
});

test('W42 the last batch is known to be the last', async () => {
  await using f = await open({ revisionsPerBatch: 4 });
  await f.puts('foo', 4);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  await f.pass();
  expect(revisions(drain(stream))).toEqual([upTo(2, 5)]);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('W43 slow consumers of 256 streams see every revision once, in order', async () => {
  await using f = await open({ queueCapacity: 1, watchersPerPass: 2, clock: nodeClock });
  const streams = Array.from({ length: 256 }, () => f.store.newWatchStream());
  for (const stream of streams) stream.watch(foo, undefined, { from: 1 });
  for (let i = 0; i < 64; i++) f.store.put(foo, bytes(`${i}`));
  const read = streams.map(async (stream) => {
    const seen: number[] = [];
    while (seen.length < 64) {
      seen.push(...revisions([(await stream.next())!]).flat());
      await nodeClock.turn();
    }
    expect(seen).toEqual(upTo(2, 65));
  });
  await Promise.all(read);
  await nodeClock.turn();
  for (const stream of streams) expect(stream.poll()).toBeUndefined();
  expect(places(f)).toBe('256 synced, 0 unsynced, 0 victims');
});

test('W44 a victim is served when the consumer reads, and is synced again', async () => {
  await using f = await open({ queueCapacity: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', '1'], ['foo', '2']);
  expect(places(f)).toBe('0 synced, 0 unsynced, 1 victims');
  expect(stream.poll()).toMatchObject({ revision: 2 });
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
  expect(stream.poll()).toMatchObject({ revision: 3 });
  expect(stream.poll()).toBeUndefined();
});

test('W45 what a victim misses comes from history, without gap or repetition', async () => {
  await using f = await open({ queueCapacity: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.puts('foo', 5);
  expect(revisions([stream.poll()!])).toEqual([[2]]);
  expect(revisions([stream.poll()!])).toEqual([[3]]);
  expect(places(f)).toBe('0 synced, 1 unsynced, 0 victims');
  await f.pass();
  expect(revisions(drain(stream))).toEqual([[4, 5, 6]]);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('W47 a stream that is full delays nobody', async () => {
  await using f = await open({ queueCapacity: 4 });
  const slow = f.store.newWatchStream();
  const fast = f.store.newWatchStream();
  for (const stream of [slow, fast]) stream.watch(foo, undefined);
  for (let i = 0; i < 1000; i++) {
    await f.put(['foo', `${i}`]);
    expect(revisions(drain(fast))).toEqual([[i + 2]]);
  }
  expect(slow.poll()).toMatchObject({ revision: 2 });
  expect(f.store.watchStats.pending).toBe(4);
});

test('W48 a pass handles so many watchers', async () => {
  await using f = await open({ queueCapacity: 600 });
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 600; i++) stream.watch(foo, undefined, { from: 2 });
  await f.pass();
  expect(places(f)).toBe('512 synced, 88 unsynced, 0 victims');
  await f.pass();
  expect(places(f)).toBe('600 synced, 0 unsynced, 0 victims');
});

test('W48 the next pass does not wait', async () => {
  await using f = await open({ queueCapacity: 600, clock: nodeClock, scanIdleMs: 1_000_000 });
  await f.put(['foo', '1']);
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 600; i++) stream.watch(foo, undefined, { from: 2 });
  for (let i = 0; i < 600; i++) await stream.next();
  expect(places(f)).toBe('600 synced, 0 unsynced, 0 victims');
});

test('W49 a queue that stays full costs one batch, and no work', async () => {
  await using f = await open({ queueCapacity: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(bytes('other'), undefined);
  await f.put(['other', '1'], ['foo', '1']);
  stream.watch(foo, undefined, { from: 2 });
  await f.pass();
  expect(places(f)).toBe('1 synced, 0 unsynced, 1 victims');
  expect(f.watchers.places.cohorts.size).toBe(0);
  await f.puts('foo', 100);
  expect(await f.passes()).toBe(0);
  expect(places(f)).toBe('1 synced, 0 unsynced, 1 victims');
  expect(revisions([stream.poll()!, stream.poll()!])).toEqual([[2], [3]]);
  await f.pass();
  expect(revisions(drain(stream))).toEqual([upTo(4, 103)]);
});

test('law 9: unread history stops at so many bytes, and goes on where it stopped', async () => {
  await using f = await open({ revisionsPerBatch: 10 });
  const large = new Uint8Array(200_000);
  for (let i = 0; i < 60; i++) f.store.put(foo, large);
  await f.store.settled();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  await f.passes();
  // Four MiB are reached with the third batch of 2 MB.
  expect(f.store.watchStats).toMatchObject({ unsynced: 1, pending: 3 });
  const seen: number[] = [];
  for (let i = 0; seen.length < 60 && i < 60; i++) {
    const response = stream.poll();
    if (response !== undefined) seen.push(...revisions([response]).flat());
    await f.passes();
    expect(f.store.watchStats.pending).toBeLessThanOrEqual(3);
  }
  expect(seen).toEqual(upTo(2, 61));
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('W101 dead streams that are dropped at once leave nothing', async () => {
  await using f = await open({ queueCapacity: 2, clock: nodeClock });
  const dead = Array.from({ length: 2000 }, () => f.store.newWatchStream());
  for (const stream of dead) stream.watch(foo, undefined);
  for (let i = 0; i < 1000; i++) f.store.put(foo, bytes(`${i}`));
  await f.store.settled();
  expect(places(f)).toBe('0 synced, 0 unsynced, 2000 victims');
  for (const stream of dead) stream.close();
  expect(f.store.watchStats).toMatchObject({ streams: 0, watchers: 0, synced: 0, victims: 0, pending: 0 });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  f.store.put(foo, bytes('next'));
  expect(revisions([(await stream.next())!])).toEqual([[1002]]);
});

test('P3 a watcher that catches up under a stream of writes is synced in the end', async () => {
  const engine = steppedEngine(() => nodeClock.turn());
  await using f = await open({ clock: nodeClock, revisionsPerBatch: 50, cacheBytes: 0 }, engine);
  await f.puts('foo', 1000);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  const seen: number[] = [];
  for (let turn = 0; f.store.watchStats.synced === 0; turn++) {
    if (turn > 200_000) throw new Error('never synced');
    for (let i = 0; i < 10; i++) f.store.put(foo, bytes(`${i}`));
    seen.push(...revisions(drain(stream)).flat());
    await nodeClock.turn();
  }
  seen.push(...revisions(drain(stream)).flat());
  expect(seen).toEqual(upTo(2, f.store.rev()));
});

test('RCN2 P3 a consumer that slept through more than is kept in memory misses nothing when it wakes under writes', async () => {
  await using f = await open({ queueCapacity: 2, durability: 'interval', clock: nodeClock });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  for (let i = 0; i < 6000; i++) f.store.put(foo, bytes(`${i}`));
  const seen: number[] = [];
  for (let i = 0; i < 200_000 && (f.store.watchStats.synced === 0 || seen.length < f.store.rev() - 1); i++) {
    if (i % 3 === 0 && i < 300) f.store.put(foo, bytes('more'));
    const response = stream.poll();
    if (response === undefined) await nodeClock.turn();
    else seen.push(...revisions([response]).flat());
  }
  expect(f.store.rev()).toBeGreaterThan(6002);
  expect(seen).toEqual(upTo(2, f.store.rev()));
});
