/** A11: what a watch says of how far it is leads on without gap, without repetition, and above what is compacted. */
import { describe, expect, test } from 'vitest';
import { open, type EmbeddedKv, type WatchOptions } from '../src/index.ts';
import { collect, engines } from './helpers.ts';

/** Revisions 2 to 11, compacted at 8. */
async function compacted(place: (typeof engines)[number][1]): Promise<EmbeddedKv> {
  const kv = await open(place());
  for (let i = 0; i < 10; i++) await kv.put(`k${i}`, 'x');
  await kv.compact(8);
  return kv;
}

describe.each(engines)('XA11: on %s', (_engine, place) => {
  const begins: readonly [string, WatchOptions, number][] = [
    ['at the next revision', {}, 11],
    ['in the past', { from: 9 }, 8],
    ['at the oldest', { from: 8 }, 7],
    ['at the present', { from: 11 }, 10],
    ['in the future', { from: 15 }, 14],
  ];
  test.each(begins)('a quiet watch that begins %s', async (_, options, revision) => {
    await using kv = await compacted(place);
    // Nothing happens to this key.
    await using watch = kv.watch('quiet', options);
    expect(watch.revision).toBe(revision);
    await watch.started();
    expect(watch.revision).toBe(revision);
    await using resumed = kv.watch('quiet', { from: watch.revision + 1 });
    for (let i = 0; i < 5; i++) await kv.put('quiet', String(i));
    const [event] = await collect(resumed, 1);
    expect(event).toMatchObject({ type: 'put', revision: Math.max(12, revision + 1) });
  });

  test.each(begins)('a watch that its signal ended before it began %s', async (_, options, revision) => {
    await using kv = await compacted(place);
    expect(kv.watch('quiet', { ...options, signal: AbortSignal.abort() }).revision).toBe(revision);
  });

  test('a quiet watch of everything goes on with what it has not seen', async () => {
    await using kv = await compacted(place);
    const watch = kv.watch({});
    await watch.close();
    await kv.put('missed', 'x');
    expect(await collect(kv.watch({}, { from: watch.revision + 1 }), 1)).toMatchObject([{ key: 'missed' }]);
  });

  test('with initial: 0 while the state is given, the present with its last entry, also where the state is empty', async () => {
    await using kv = await compacted(place);
    const watch = kv.watch({}, { initial: true });
    const seen: number[] = [];
    for await (const event of watch) if (seen.push(watch.revision) === 10 && event.key === 'k9') break;
    expect(seen).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 11]);
    await kv.put('missed', 'x');
    expect(await collect(kv.watch({}, { from: watch.revision + 1 }), 1)).toMatchObject([{ key: 'missed' }]);
    const empty = kv.watch({ prefix: 'none' }, { initial: true });
    await collect(empty.batches(), 1);
    expect(empty.revision).toBe(12);
  });

  test('with initial in parts: the last part says so, whatever its size', async () => {
    for (const count of [16, 17, 272, 300]) {
      await using kv = await open(place());
      await kv.write((section) => {
        for (let i = 0; i < count; i++) section.put(`k${i}`, 'x');
      });
      const watch = kv.watch({}, { initial: true });
      let given = 0;
      for await (const batch of watch.batches()) {
        given += batch.events.length;
        expect(watch.revision).toBe(given === count ? 2 : 0);
        if (given === count) break;
      }
    }
  });
});
