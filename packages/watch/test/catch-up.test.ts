import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';
import { memoryEngine } from '@varve/backend/memory';
import type { Engine } from '@varve/backend';
import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import { bytes, drain, open, places, revisions, upTo, type Fixture } from './support.ts';

const foo = bytes('foo');

/** How often the key bucket is scanned, and a way to make scans fail. */
function countingEngine(): { readonly engine: Engine; scans: number; fail: Error | undefined } {
  const inner = memoryEngine();
  const state = { engine: inner, scans: 0, fail: undefined as Error | undefined };
  const counted = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (name === 'scan') {
            if (state.fail !== undefined) throw state.fail;
            state.scans++;
          }
          const result: unknown = Reflect.apply(value, object, args);
          return name === 'pin' ? counted(result as object) : result;
        };
      },
    });
  state.engine = counted(inner);
  return state;
}

test('CU1 a thousand late watchers of one range cost one reading', async () => {
  const medium = countingEngine();
  await using f = await open({ cacheBytes: 0, revisionsPerBatch: 100 }, medium.engine);
  await f.puts('foo', 1000);
  const streams = Array.from({ length: 1000 }, () => f.store.newWatchStream());
  for (const stream of streams) stream.watch(foo, undefined, { from: 2 });
  medium.scans = 0;
  await f.passes();
  expect(medium.scans).toBe(1);
  const shared = new Set(streams.map((stream) => drain(stream)[0]).map((r) => r?.type === 'events' && r.events));
  expect(shared.size).toBe(1);
  expect(places(f)).toBe('1000 synced, 0 unsynced, 0 victims');
});

test('CU1 watchers of different ranges go over one reading together', async () => {
  const medium = countingEngine();
  await using f = await open({ revisionsPerBatch: 50, cacheBytes: 0 }, medium.engine);
  for (let i = 0; i < 1000; i++) f.store.put(bytes(`k${i % 20}`), bytes(`${i}`));
  await f.store.settled();
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 20; i++) {
    stream.watch(bytes(`k${i}`), undefined, { from: 2 });
    stream.watch(bytes(`k${i}`), bytes('kz'), { from: 2 + (i % 3) });
  }
  medium.scans = 0;
  const got = new Map<number, number[]>();
  for (let i = 0; i < 1000 && f.store.watchStats.synced < 40; i++) {
    await f.passes();
    for (const response of drain(stream)) {
      const list = got.get(response.watchId) ?? [];
      list.push(...revisions([response]).flat());
      got.set(response.watchId, list);
    }
  }
  for (let id = 0; id < 40; id++) {
    const key = `k${id >> 1}`;
    const wanted = upTo(2, 1001).filter((revision) => {
      const written = `k${(revision - 2) % 20}`;
      if (id % 2 === 0) return written === key;
      return revision >= 2 + ((id >> 1) % 3) && written >= key && written < 'kz';
    });
    expect(got.get(id) ?? [], `watcher ${id} of ${key}`).toEqual(wanted);
  }
});

test('P2 a slow consumer far behind goes on in one scan, which is let go of when it stops', async () => {
  const idleEnds: (() => void)[] = [];
  const after = (_: number, work: () => void): (() => void) => {
    idleEnds.push(work);
    return () => undefined;
  };
  const medium = countingEngine();
  await using f = await open(
    { cacheBytes: 0, queueCapacity: 1, revisionsPerBatch: 10, clock: { ...nodeClock, after } },
    medium.engine,
  );
  await f.puts('foo', 1000);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  medium.scans = 0;
  const seen: number[] = [];
  while (seen.length < 500) seen.push(...revisions([(await stream.next())!]).flat());
  expect(medium.scans).toBe(1);
  expect(f.backend.openReadTxN).toBe(1);
  await idle(f);
  // It rests first, as long as its last piece of work took.
  for (let i = 0; i < 20_000 && idleEnds.length === 0; i++) await turn();
  idleEnds.at(-1)!();
  for (let i = 0; i < 20_000 && f.backend.openReadTxN > 0; i++) await turn();
  expect(f.backend.openReadTxN).toBe(0);
  while (seen.length < 1000) seen.push(...revisions([(await stream.next())!]).flat());
  expect(medium.scans).toBe(2);
  expect(seen).toEqual(upTo(2, 1001));
});

async function idle(f: Fixture): Promise<void> {
  for (let i = 0; f.watchers.places.cohorts.size > 0; i++) {
    if (i > 1000) throw new Error('catch-up does not come to rest');
    await turn();
  }
  await turn();
}

test('R14 closing a stream in the middle of a reading pins nothing', async () => {
  await using f = await open({ revisionsPerBatch: 10, clock: nodeClock, cacheBytes: 0 });
  await f.puts('foo', 1000);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  await stream.next();
  await f.store.close();
  expect(f.backend.openReadTxN).toBe(0);
});

test('R15 history that cannot be read ends the stream with the error, and is reported', async () => {
  const medium = countingEngine();
  await using f = await open({ clock: nodeClock, cacheBytes: 0 }, medium.engine);
  await f.puts('foo', 3);
  const reports: unknown[] = [];
  const listen = (message: unknown): void => {
    reports.push(message);
  };
  subscribe('varve.watch.background-error', listen);
  const stream = f.store.newWatchStream();
  const other = f.store.newWatchStream();
  other.watch(foo, undefined);
  medium.fail = new Error('unreadable');
  stream.watch(foo, undefined, { from: 1 });
  await expect(stream.next()).rejects.toBe(medium.fail);
  await expect(stream.next()).rejects.toBe(medium.fail);
  unsubscribe('varve.watch.background-error', listen);
  expect(reports).toEqual([{ work: 'catch-up', error: medium.fail }]);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
  f.store.put(foo, bytes('next'));
  expect(revisions([(await other.next())!])).toEqual([[5]]);
});

test('law 10: a pass yields, and writers go on meanwhile', async () => {
  await using f = await open({ clock: nodeClock, durability: 'interval' });
  for (let i = 0; i < 20_000; i++) f.store.put(bytes(`k${i}`), bytes('value'));
  const streams = Array.from({ length: 600 }, (_, i) => {
    const stream = f.store.newWatchStream();
    stream.watch(bytes(`k${i}`), bytes(`k${i}~`), { from: 2, previous: true });
    return stream;
  });
  let turns = 0;
  while (f.store.watchStats.unsynced > 0) {
    if (++turns > 100_000) throw new Error('catch-up does not come to an end');
    f.store.put(bytes('other'), bytes(`${turns}`));
    await turn();
  }
  expect(turns).toBeGreaterThan(10);
  for (const [i, stream] of streams.entries()) {
    const wanted = upTo(2, 20_001).filter((revision) => `k${revision - 2}`.startsWith(`k${i}`));
    expect(revisions(drain(stream)).flat()).toEqual(wanted);
  }
});
