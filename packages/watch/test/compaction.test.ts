import { expect, test } from 'vitest';
import { bytes, drain, FROM_KEY, open, places, revisions, showAll, upTo } from './support.ts';

// W69 is W68 with a blocked sender: the server's.
const foo = bytes('foo');

test.each([
  [9, ['0 compacted 10']],
  [10, ['0@11: PUT foo=8 @10 c2 v9, PUT foo=9 @11 c2 v10']],
])('W64 W65 compacted at 10, a watcher from %i', async (from, wanted) => {
  await using f = await open();
  await f.puts('foo', 10);
  await f.compact(10);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from });
  await f.pass();
  expect(showAll(drain(stream))).toEqual(wanted);
  expect(f.store.watchStats.unsynced).toBe(0);
});

test('W66 W98 notices that find no room wait, and hold nobody else up', async () => {
  await using f = await open({ queueCapacity: 1 });
  await f.puts('foo', 10);
  await f.compact(5);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1, watchId: 10 });
  stream.watch(foo, undefined, { from: 1, watchId: 11 });
  stream.watch(foo, undefined, { from: 6, watchId: 12 });
  for (let i = 0; i < 10; i++) await f.pass();
  const responses = drain(stream);
  await f.passes();
  responses.push(...drain(stream));
  expect(showAll(responses.filter(({ type }) => type === 'compacted')).sort()).toEqual([
    '10 compacted 5',
    '11 compacted 5',
  ]);
  expect(revisions(responses, 12)).toEqual([upTo(6, 11)]);
  expect(responses).toHaveLength(3);
});

test('R81 W67 a deletion at the compacted revision itself is delivered', async () => {
  await using f = await open();
  await f.put(['foo', '1']);
  await f.delete('foo');
  await f.put(['x', '1']);
  await f.compact(3);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 3 });
  await f.pass();
  expect(showAll(drain(stream))).toEqual(['0@4: DELETE foo @3']);
});

test('W68 compaction that overtakes a watcher ends a prefix without gap', async () => {
  await using f = await open();
  await f.puts('foo', 2500);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  await f.pass();
  await f.compact(2000);
  await f.passes();
  const responses = drain(stream);
  expect(revisions(responses)).toEqual([upTo(2, 1001)]);
  expect(showAll(responses.slice(1))).toEqual(['0 compacted 2000']);
});

test('W70 W71 the notice names the compaction at the time of the pass', async () => {
  await using f = await open();
  await f.puts('foo', 10);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  await f.pass();
  expect(revisions(drain(stream))).toEqual([upTo(2, 11)]);
  await f.compact(3);
  stream.watch(foo, undefined, { from: 2 });
  await f.compact(7);
  await f.pass();
  expect(showAll(drain(stream))).toEqual(['1 compacted 7']);
});

test('W72 a synced watcher does not mind compaction', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.puts('foo', 9);
  drain(stream);
  await f.compact(10);
  await f.pass();
  expect(drain(stream)).toEqual([]);
  await f.put(['foo', 'next']);
  expect(revisions(drain(stream))).toEqual([[11]]);
});

test('W77 a previous value that compaction took is absent, never wrong', async () => {
  await using f = await open();
  await f.puts('foo', 3);
  await f.compact(3);
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { from: 3, previous: true });
  await f.pass();
  expect(showAll(drain(stream))).toEqual(['0@4: PUT foo=1 @3 c2 v2, PUT foo=2 @4 c2 v3 <1@3']);
});

test('W77 a live event has its previous value, whenever it is read', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined, { previous: true });
  await f.puts('foo', 2);
  await f.compact(3);
  expect(showAll(drain(stream))).toEqual(['0@2: PUT foo=0 @2 c2 v1', '0@3: PUT foo=1 @3 c2 v2 <0@2']);
});

test('W97 one notice for each watcher, then nothing to do', async () => {
  await using f = await open({ watchersPerPass: 2 });
  await f.puts('foo', 10);
  await f.compact(10);
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 5; i++) stream.watch(foo, undefined, { from: 2 });
  expect(await f.passes()).toBe(3);
  await f.pass();
  expect(showAll(drain(stream)).sort()).toEqual([0, 1, 2, 3, 4].map((id) => `${id} compacted 10`));
});

// The wire half of W102 (created messages and cancels) is the server's.
test('W102 three thousand watchers below the compaction get one notice each', async () => {
  await using f = await open();
  await f.puts('foo', 20);
  await f.compact(19);
  const stream = f.store.newWatchStream();
  for (let i = 0; i < 3000; i++) stream.watch(foo, undefined, { from: 11 });
  const told = new Set<number>();
  let responses = 0;
  for (let i = 0; told.size < 3000 && i < 3000; i++) {
    await f.passes();
    for (const { watchId, type } of drain(stream)) {
      expect(type).toBe('compacted');
      responses++;
      told.add(watchId);
    }
  }
  await f.passes();
  expect([told.size, responses, stream.poll()]).toEqual([3000, 3000, undefined]);
});

async function restored(passes: 'none' | 'before' | 'after' | 'both', from: number): Promise<string[]> {
  await using a = await open();
  await using b = await open();
  const stream = a.store.newWatchStream();
  stream.watch(foo, undefined, { from });
  await a.put(['foo', '0']);
  await b.puts('foo', 3);
  if (passes === 'before' || passes === 'both') await a.pass();
  await a.store.restore(b.backend);
  expect(a.store.rev()).toBe(4);
  if (passes === 'after' || passes === 'both') await a.pass();
  await a.passes();
  const seen = drain(stream).flatMap((response) => (response.type === 'events' ? response.events : []));
  return seen.map(({ kv }) => `${kv.modRevision}`);
}

test.each(['none', 'before', 'after', 'both'] as const)(
  'W73 W74 restore repeats nothing (passes: %s)',
  async (passes) => {
    expect(await restored(passes, 0)).toEqual(['2', '3', '4']);
    expect(await restored(passes, 1)).toEqual(['2', '3', '4']);
  },
);

test('R81 W75 a watcher of the future survives a restore', async () => {
  await using a = await open();
  await using b = await open();
  await a.puts('foo', 2);
  const stream = a.store.newWatchStream();
  stream.watch(foo, undefined, { from: 10 });
  await b.puts('foo', 4);
  await a.store.restore(b.backend);
  await a.pass();
  await a.puts('foo', 5);
  expect(revisions(drain(stream))).toEqual([[10]]);
});

test('W76 a watcher that the restored data cannot serve is told so', async () => {
  await using a = await open();
  await using b = await open();
  const stream = a.store.newWatchStream();
  stream.watch(foo, undefined);
  await a.puts('foo', 4);
  drain(stream);
  await b.puts('foo', 19);
  await b.compact(10);
  await a.store.restore(b.backend);
  await a.pass();
  expect(showAll(drain(stream))).toEqual(['0 compacted 10']);
  expect(places(a)).toBe('0 synced, 0 unsynced, 0 victims');
});

test('law 4: a synced watcher without events of late is not told of a compaction it need not know', async () => {
  await using a = await open();
  await using b = await open();
  const stream = a.store.newWatchStream();
  stream.watch(foo, undefined);
  await a.puts('other', 19);
  await b.puts('other', 20);
  await b.put(['foo', 'new']);
  await b.compact(15);
  await a.store.restore(b.backend);
  await a.pass();
  expect(showAll(drain(stream))).toEqual(['0@22: PUT foo=new @22 c22 v1']);
});

test('restore to less: watchers of what is not there yet wait for it', async () => {
  await using a = await open();
  await using b = await open();
  await a.puts('foo', 9);
  const stream = a.store.newWatchStream();
  stream.watch(foo, undefined, { from: 8 });
  await b.puts('foo', 2);
  await a.store.restore(b.backend);
  expect(a.store.rev()).toBe(3);
  await a.pass();
  await a.puts('foo', 6);
  expect(revisions(drain(stream))).toEqual([[8], [9]]);
});

test('after a restore nothing comes from what was kept of the old data', async () => {
  await using a = await open({ queueCapacity: 1 });
  await using b = await open();
  const stream = a.store.newWatchStream();
  stream.watch(bytes('a'), FROM_KEY);
  await a.puts('foo', 5);
  await b.puts('bar', 5);
  await a.store.restore(b.backend);
  const seen = drain(stream);
  await a.passes();
  seen.push(...drain(stream));
  expect(showAll(seen)).toEqual([
    '0@2: PUT foo=0 @2 c2 v1',
    '0@3: PUT foo=1 @3 c2 v2',
    '0@6: PUT bar=2 @4 c2 v3, PUT bar=3 @5 c2 v4, PUT bar=4 @6 c2 v5',
  ]);
});
