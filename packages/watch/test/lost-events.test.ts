/** `loseEvents`: events that are not known end with one notice, wherever a watcher is. CU4, WH4. */
import { expect, test } from 'vitest';
import { bytes, drain, FROM_KEY, open, places, showAll, type Fixture } from './support.ts';
import type { WatchStream } from '../src/watchable-store.ts';

const foo = bytes('foo');

/** All that a stream is told, while its consumer reads. */
async function told(f: Fixture, stream: WatchStream): Promise<string[]> {
  const all: string[] = [];
  for (let round = 0; round < 5; round++) {
    await f.passes();
    f.check();
    all.push(...showAll(drain(stream)));
  }
  return all;
}

test('CU4: who needs an event that is not known is told so once, all others go on', async () => {
  await using f = await open();
  await f.puts('foo', 4);
  const [below, at, present] = [2, 4, 0].map((from) => {
    const stream = f.store.newWatchStream();
    stream.watch(foo, undefined, { from });
    return stream;
  }) as [WatchStream, WatchStream, WatchStream];
  f.store.loseEvents(4);
  // What is lost is not found again.
  f.store.loseEvents(3);
  expect(await told(f, below)).toEqual(['0 compacted 4']);
  expect(await told(f, at)).toEqual(['0@5: PUT foo=2 @4 c2 v3, PUT foo=3 @5 c2 v4']);
  await f.put(['foo', 'x']);
  expect(await told(f, present)).toEqual(['0@6: PUT foo=x @6 c2 v5']);
  const late = f.store.newWatchStream();
  late.watch(foo, undefined, { from: 3 });
  expect(await told(f, late)).toEqual(['0 compacted 4']);
  expect(await told(f, below)).toEqual([]);
});

test('CU4, WH4: with `all`, whoever has had what was before ends after what it was already given, also with a full queue', async () => {
  await using f = await open({ queueCapacity: 1 });
  await f.puts('foo', 2);
  const watched = (from: number, count = 1): WatchStream => {
    const stream = f.store.newWatchStream();
    for (let i = 0; i < count; i++) stream.watch(foo, FROM_KEY, { from });
    return stream;
  };
  const late = watched(20);
  const [synced, victim, waiting] = [watched(0), watched(0), watched(1, 2)];
  await f.passes();
  await f.put(['foo', 'a']);
  drain(synced);
  await f.put(['foo', 'b']);
  const unsynced = watched(4);
  drain(synced);
  expect(places(f)).toBe('2 synced, 1 unsynced, 3 victims');
  f.store.loseEvents(f.store.rev() + 1, true);
  f.check();
  expect(places(f)).toBe('1 synced, 2 unsynced, 3 victims');
  const given: string[][] = [];
  for (const stream of [synced, unsynced, victim, waiting]) given.push(await told(f, stream));
  expect(given).toEqual([
    ['0 compacted 6'],
    ['0 compacted 6'],
    ['0@4: PUT foo=a @4 c2 v3', '0@5: PUT foo=b @5 c2 v4', '0 compacted 6'],
    [
      '0@3: PUT foo=0 @2 c2 v1, PUT foo=1 @3 c2 v2',
      '1@3: PUT foo=0 @2 c2 v1, PUT foo=1 @3 c2 v2',
      '0@4: PUT foo=a @4 c2 v3',
      '1 compacted 6',
      '0 compacted 6',
    ],
  ]);
  await f.puts('foo', 20);
  for (const stream of [synced, unsynced, victim, waiting]) expect(await told(f, stream)).toEqual([]);
  expect((await told(f, late))[0]).toBe('0@20: PUT foo=14 @20 c2 v19');
});
