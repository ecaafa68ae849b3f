import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import { bytes, drain, open, revisions, upTo } from './support.ts';

const foo = bytes('foo');
const all = bytes('');

test('R78 a thousand dead consumers cost a full queue and one batch each, and nobody else waits', async () => {
  await using f = await open({ clock: nodeClock, durability: 'interval' });
  const { store } = f;
  const dead = Array.from({ length: 1000 }, () => store.newWatchStream());
  for (const [i, stream] of dead.entries()) stream.watch(foo, i % 2 === 0 ? undefined : all);
  const live = store.newWatchStream();
  live.watch(foo, undefined);
  const seen: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    store.put(foo, bytes(`${i}`));
    seen.push(...revisions(drain(live)).flat());
    if (i % 500 === 0) await turn();
  }
  expect(seen).toEqual(upTo(2, 20_001));
  expect(store.watchStats).toMatchObject({
    synced: 1,
    unsynced: 0,
    victims: 1000,
    pending: 128_000,
    events: 20_000 + 128_000,
  });
  f.check();
  // One of them reads again, and gets everything.
  const late: number[] = [];
  while (late.length < 20_000) late.push(...revisions([(await dead[7]!.next())!]).flat());
  expect(late).toEqual(upTo(2, 20_001));
  await turn();
  expect(store.watchStats).toMatchObject({ synced: 2, victims: 999, pending: 127_872 });
});

test('R79 a slow consumer under compaction gets a prefix and the compacted revision', async () => {
  await using f = await open({ clock: nodeClock, queueCapacity: 2, revisionsPerBatch: 10, compactionPauseMs: 1 });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  for (let i = 0; i < 400; i++) f.store.put(foo, bytes(`${i}`));
  await f.store.settled();
  const seen: number[] = [];
  let end: number | undefined;
  for (let i = 0; end === undefined && i < 100; i++) {
    const response = (await stream.next())!;
    if (response.type === 'compacted') end = response.compactRevision;
    else seen.push(...revisions([response]).flat());
    if (i === 4) await f.compact(350);
  }
  expect(seen).toEqual(upTo(2, seen.length + 1));
  expect([end, seen.length < 349]).toEqual([350, true]);
});

test('R80 watchers created and cancelled at random leave nothing behind', async () => {
  await using f = await open({ clock: nodeClock, queueCapacity: 3, durability: 'interval' });
  const { store } = f;
  let seed = 1;
  const random = (n: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % n;
  };
  const key = (i: number): Uint8Array => bytes(`key${i}`);
  const streams = Array.from({ length: 50 }, () => f.watchers.newStream());
  const ids = streams.map((): number[] => []);
  for (let round = 0; round < 20_000; round++) {
    const i = random(50);
    const stream = streams[i]!;
    const action = random(10);
    if (action < 3) {
      const from = random(2) === 0 ? 0 : 1 + random(store.rev());
      const low = random(5);
      const end = [undefined, all, key(low + 1 + random(3))][random(3)];
      ids[i]!.push(stream.watch(key(low), end, { from, previous: random(3) === 0 }).watchId);
    } else if (action < 6) {
      const id = ids[i]!.shift();
      if (id !== undefined) stream.cancel(id);
    } else if (action < 8) store.put(key(random(6)), bytes(`${round}`));
    else stream.poll();
    if (round % 200 !== 0) continue;
    f.check();
    await turn();
    f.check();
  }
  for (const [i, stream] of streams.entries()) for (const id of ids[i]!) stream.cancel(id);
  expect(store.watchStats).toMatchObject({ watchers: 0, synced: 0, unsynced: 0, victims: 0 });
  expect([f.watchers.places.group.rangeN, f.watchers.places.cohorts.size]).toEqual([0, 0]);
  for (const stream of streams) {
    drain(stream);
    expect([stream.queue.length, stream.queue.waiters.size, stream.queue.waiters.returning]).toEqual([0, 0, 0]);
  }
});
