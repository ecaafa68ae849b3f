import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventQueue } from '../src/places/event-queue.ts';
import { SyncedList } from '../src/places/synced-list.ts';
import type { WatchResponse } from '../src/watchable-store.ts';
import { Watcher } from '../src/places/watcher.ts';
import { WatchedRange } from '../src/places/watcher-group.ts';
import { bytes, drain, open, places, revisions, upTo } from './support.ts';

const foo = bytes('foo');
const range = new WatchedRange('foo', undefined, true);
const nothing = { synced: () => undefined, broken: () => undefined };

function ids(responses: readonly WatchResponse[]): number[] {
  return responses.map((response) => ('watchId' in response ? response.watchId : Number.NaN));
}

test('SY1 a list holds watchers as a set for each queue does, however they come and go', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(20)), { maxLength: 200 }), (steps) => {
      const list = new SyncedList(0);
      const queues = Array.from({ length: 4 }, () => new EventQueue(8));
      const model = queues.map(() => new Map<number, Watcher>());
      for (const [at, id] of steps) {
        const there = model[at]!.get(id);
        if (there === undefined) {
          const watcher = new Watcher(id, range, 0, { queue: queues[at]!, ...nothing }, 0, 1);
          watcher.place = 'synced';
          list.add(watcher);
          model[at]!.set(id, watcher);
          expect(list.holds(watcher)).toBe(true);
        } else {
          list.remove(there);
          model[at]!.delete(id);
          expect(list.holds(there)).toBe(false);
        }
        const all = [...list.singles, ...list.fans.flatMap((fan) => fan.watchers)];
        expect(list.checkInvariants(range)).toBe(all.length);
        expect(new Set(all)).toEqual(new Set(model.flatMap((watchers) => [...watchers.values()])));
        expect(list.any === undefined).toBe(all.length === 0);
      }
    }),
  );
});

test('SY2 what is queued keeps its watchers, whoever is cancelled or comes meanwhile', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  for (let id = 0; id < 5; id++) stream.watch(foo, undefined);
  await f.puts('foo', 1);
  stream.cancel(1);
  stream.watch(foo, undefined, { watchId: 9 });
  await f.puts('foo', 1);
  stream.cancel(4);
  stream.cancel(0);
  await f.puts('foo', 1);
  const responses = drain(stream);
  expect(ids(responses.slice(0, 5))).toEqual([0, 1, 2, 3, 4]);
  expect(ids(responses.slice(5, 10)).sort()).toEqual([0, 2, 3, 4, 9]);
  expect(ids(responses.slice(10)).sort()).toEqual([2, 3, 9]);
  expect(revisions(responses).flat()).toEqual([2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4]);
});

test.each([0, 1, 3, 4, 7])(
  'Q1 W44 of five watchers on a queue with room for some, the others are victims (%i read)',
  async (read) => {
    await using f = await open({ queueCapacity: 8 });
    const stream = f.store.newWatchStream();
    for (let id = 0; id < 5; id++) stream.watch(foo, undefined);
    await f.puts('foo', 2);
    expect(f.store.watchStats).toMatchObject({ synced: 3, victims: 2, pending: 8, events: 8 });
    const responses: WatchResponse[] = [];
    for (let i = 0; i < read; i++) responses.push(stream.poll()!);
    stream.requestProgress(0);
    await f.puts('foo', 1);
    while (f.store.watchStats.synced < 5 || f.store.watchStats.pending > 0) {
      responses.push(...drain(stream));
      await f.pass();
    }
    responses.push(...drain(stream));
    for (let id = 0; id < 5; id++) expect(revisions(responses, id).flat()).toEqual(upTo(2, 4));
    expect(places(f)).toBe('5 synced, 0 unsynced, 0 victims');
  },
);

test('W31 a watcher of the future among watchers of the present waits for its revision', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  for (const from of [0, 4, 0, 6]) stream.watch(foo, undefined, { from });
  await f.puts('foo', 6);
  const responses = drain(stream);
  expect([0, 1, 2, 3].map((id) => revisions(responses, id).flat())).toEqual([
    upTo(2, 7),
    upTo(4, 7),
    upTo(2, 7),
    [6, 7],
  ]);
});

test('Q2 a consumer that waits gets the first response of many, and the others in order', async () => {
  await using f = await open({ durability: 'interval' });
  const stream = f.store.newWatchStream();
  for (let id = 0; id < 4; id++) stream.watch(foo, undefined);
  const waiting = stream.next();
  f.store.put(foo, bytes('1'));
  stream.requestProgress(2);
  f.store.put(foo, bytes('2'));
  stream.close();
  const responses = [(await waiting)!, ...drain(stream)];
  expect(ids(responses)).toEqual([0, 1, 2, 3, 2, 0, 1, 2, 3]);
  expect(responses[4]).toEqual({ type: 'progress', watchId: 2, revision: 2 });
  expect(await stream.next()).toBeUndefined();
});
