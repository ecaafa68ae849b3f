/** Holds: what they keep, how they end, and what a compaction says to them (decisions/0045). */
import { StandingClock } from '@varve/base/node/standing-clock';
import { expect, test } from 'vitest';
import { file, memory, open } from '../src/index.ts';
import { Holds } from '../src/retain/hold.ts';
import { codeOf, failure, temporaryFolder } from './helpers.ts';

test('H10, H12: a compaction does not pass a running hold, and goes up to it; of several the oldest counts', async () => {
  await using kv = await open(memory());
  for (let i = 0; i < 20; i++) await kv.put('k', `${i}`);
  const [old, newer] = [kv.hold(5), kv.namespace('n/').hold(9)];
  expect(kv.stats().holds.map(({ revision }) => revision)).toEqual([5, 9]);
  expect(await failure(() => kv.compact(6))).toMatchObject({ code: 'KV_HELD', revision: 5 });
  expect((await kv.status()).compactRevision).toBeUndefined();
  await kv.compact(5, { physical: true });
  expect((await kv.at(5).get('k'))?.value).toBe('3');
  old.close();
  old.close();
  expect([old.running, newer.running]).toEqual([false, true]);
  expect(await failure(() => kv.compact(10))).toMatchObject({ code: 'KV_HELD', revision: 9 });
  {
    using again = kv.hold(9);
    newer.close();
    expect(again.revision).toBe(9);
    expect(await codeOf(() => kv.compact(10))).toBe('KV_HELD');
  }
  await kv.compact(10);
  expect(kv.stats().holds).toEqual([]);
  // What the store refuses anyhow it says itself.
  const present = kv.hold(kv.revision);
  expect(await codeOf(() => kv.compact(1000))).toBe('MVCC_FUTURE_REVISION');
  expect(await codeOf(() => kv.compact(3))).toBe('MVCC_COMPACTED');
  present.close();
});

test('H11: a hold ends when its time is over, when the store is so many revisions ahead, and with the store', async () => {
  const clock = new StandingClock();
  const kv = await open(memory(), { world: clock.world });
  for (let i = 0; i < 9; i++) await kv.put('k', `${i}`);
  const [byAge, byCount, byDefault] = [kv.hold(3, { ageMs: 50 }), kv.hold(4, { revisions: 8 }), kv.hold(6)];
  expect(kv.stats().holds).toEqual([
    { revision: 3, leftMs: 50, leftRevisions: 1_000_000 - 7 },
    { revision: 4, leftMs: 600_000, leftRevisions: 2 },
    { revision: 6, leftMs: 600_000, leftRevisions: 1_000_000 - 4 },
  ]);
  clock.advance(49);
  expect(byAge.running).toBe(true);
  clock.advance(1);
  expect([byAge.running, byCount.running]).toEqual([false, true]);
  // Time that is set back brings no hold back.
  clock.wallMs -= 1_000_000;
  await kv.compact(4);
  await kv.put('k', '10');
  expect(byCount.running).toBe(true);
  await kv.put('k', '11');
  expect(byCount.running).toBe(false);
  await kv.compact(6);
  expect(await codeOf(() => kv.compact(7))).toBe('KV_HELD');
  await kv.close();
  expect(byDefault.running).toBe(false);
  byDefault.close();
  expect(await codeOf(() => kv.hold(6))).toBe('KV_CLOSED');
});

test('H13: only what can be read can be held, also while a compaction is on its way, and wrong bounds are refused', async () => {
  await using kv = await open(memory());
  for (let i = 0; i < 20; i++) await kv.put('k', `${i}`);
  const compaction = kv.compact(10);
  expect(await failure(() => kv.hold(9))).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 10 });
  kv.hold(10).close();
  await compaction;
  expect(await failure(() => kv.hold(9))).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 10 });
  expect(await failure(() => kv.hold(22))).toMatchObject({ code: 'MVCC_FUTURE_REVISION', currentRevision: 21 });
  for (const wrong of [{ ageMs: 0 }, { ageMs: 86_400_001 }, { revisions: 0 }, { revisions: 1.5 }, { forever: true }]) {
    expect(await codeOf(() => kv.hold(12, wrong as object))).toBe('KV_INVALID');
  }
  expect(await codeOf(() => kv.hold(0))).toBe('KV_INVALID');
  expect(kv.stats().holds).toEqual([]);
});

test('H13: a revision that is further behind than the bound is refused with what to do, and nothing is held', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { world: clock.world });
  for (let i = 0; i < 20; i++) await kv.put('k', `${i}`);
  for (const holder of [kv, kv.namespace('n/')]) {
    for (const revisions of [1, 15, 16]) {
      const error = await failure(() => holder.hold(5, { revisions }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: 'KV_INVALID', message: expect.stringContaining('more than 16') as unknown });
    }
  }
  expect(kv.stats().holds).toEqual([]);
  await kv.compact(5);
  const last = kv.hold(5, { revisions: 17 });
  expect(last.running).toBe(true);
  expect(kv.stats().holds).toEqual([{ revision: 5, leftMs: 600_000, leftRevisions: 1 }]);
  await kv.put('k', 'one more');
  expect(last.running).toBe(false);
});

test.each([
  [1_000_000, {}, 'more than 1000000'],
  [5_000_000, {}, 'more than 5000000'],
  [999_999_999, {}, 'more than 999999999'],
  [1_000_000_000, { revisions: 1_000_000_000 }, 'less than 1000000000 behind'],
  [3_000_000_000, {}, 'less than 1000000000 behind'],
])('H13: %i revisions behind with %j, the message says: %s', (behind, options, words) => {
  const store = { rev: () => 7 + behind, firstRev: () => 0, compact: () => Promise.reject(new Error('unused')) };
  const holds = new Holds(store, { now: () => 0 });
  expect(() => holds.add(7, options)).toThrow(
    expect.objectContaining({ code: 'KV_INVALID', message: expect.stringContaining(words) as unknown }),
  );
  expect(holds.oldest).toBeUndefined();
  const revisions = behind + 1;
  if (revisions > 1_000_000_000) return;
  expect(holds.add(7, { revisions }).running).toBe(true);
});

test('H13, HOLD4: a compaction that was refused keeps nothing from being held', async () => {
  const path = temporaryFolder('store.db');
  {
    await using kv = await open(file(path));
    for (let i = 0; i < 20; i++) await kv.put('k', `${i}`);
  }
  await using reader = await open(file(path, { readOnly: true }));
  expect(await codeOf(() => reader.compact(10))).toBe('BACKEND_READ_ONLY');
  expect(reader.hold(5).running).toBe(true);
});

test('H11, law 9: holds that have ended are forgotten though nobody asks for them', () => {
  let [ms, looks] = [0, 0];
  const clock = { now: () => (looks++, ms) };
  const store = { rev: () => 100, firstRev: () => 0, compact: () => Promise.reject(new Error('unused')) };
  const holds = new Holds(store, clock);
  const running = Array.from({ length: 100 }, () => holds.add(5, { ageMs: 80_000_000 }));
  for (let i = 0; i < 5000; i++) {
    ms += 10;
    holds.add(7, { ageMs: 1 });
  }
  looks = 0;
  expect(holds.oldest).toBe(5);
  // The clock is asked for each that is still there.
  expect(looks).toBeLessThanOrEqual(2 * running.length);
  expect(looks).toBeGreaterThanOrEqual(running.length);
});
