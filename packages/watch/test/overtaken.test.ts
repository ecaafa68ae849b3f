import { expect, test } from 'vitest';
import type { Clock } from '@varve/base/clock';
import { bytes, drain, manualClock, open, places, revisions, showAll, upTo } from './support.ts';

const foo = bytes('foo');

/** Every slice is over as soon as it is looked at; `meanwhile` happens in the turn after the next one. */
function slicedClock(): Clock & { meanwhile: (() => Promise<void> | void) | undefined } {
  let time = 0;
  const clock = {
    ...manualClock,
    meanwhile: undefined as (() => Promise<void> | void) | undefined,
    now: () => (time += 1000),
    turn: async () => {
      const { meanwhile } = clock;
      clock.meanwhile = undefined;
      await meanwhile?.();
    },
  };
  return clock;
}

test('CU2 CU4 a compaction between two watchers of a pass: the second gets notice, not what was read before', async () => {
  const clock = slicedClock();
  await using f = await open({ clock });
  await f.puts('foo', 10);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  stream.watch(foo, undefined, { from: 2 });
  clock.meanwhile = () => f.compact(9);
  await f.pass();
  const responses = drain(stream);
  expect(revisions(responses, 0)).toEqual([upTo(2, 11)]);
  expect(showAll(responses.slice(1))).toEqual(['1 compacted 9']);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});

test('CU2 a restore between two watchers of a pass: the second gets nothing of the old data', async () => {
  const clock = slicedClock();
  await using a = await open({ clock });
  await using b = await open();
  await a.puts('foo', 3);
  await b.put(['foo', 'new'], ['foo', 'newer']);
  const stream = a.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2 });
  stream.watch(foo, undefined, { from: 2 });
  clock.meanwhile = () => a.store.restore(b.backend);
  await a.passes();
  const responses = drain(stream);
  expect(revisions(responses, 0)).toEqual([[2, 3, 4]]);
  expect(showAll(responses.slice(1))).toEqual(['1@3: PUT foo=new @2 c2 v1, PUT foo=newer @3 c2 v2']);
});

test.each(['cancel', 'close'] as const)('CU2 %s while previous values are looked up leaves nothing', async (how) => {
  const clock = slicedClock();
  await using f = await open({ clock });
  await f.puts('foo', 100);
  const stream = f.store.newWatchStream();
  const other = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 2, previous: true });
  other.watch(foo, undefined, { from: 2, previous: true });
  clock.meanwhile = () => (how === 'cancel' ? stream.cancel(0) : stream.close());
  await f.passes();
  expect(drain(stream)).toEqual([]);
  expect(revisions(drain(other))).toEqual([upTo(2, 101)]);
  expect(places(f)).toBe('1 synced, 0 unsynced, 0 victims');
});
