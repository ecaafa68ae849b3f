/** When revisions were written: on every engine, across restarts, with the clock going back, and what copies have of it. */
import { timesBucket } from '@varve/backend';
import { StandingClock } from '@varve/base/node/standing-clock';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { file, memory, open, type EmbeddedKv } from '../src/index.ts';
import { openLayers } from '../src/layers.ts';
import { packBlock, unpackBlock, UNKNOWN } from '../src/times/time-pack.ts';
import { codeOf, durableEngines, engines, temporaryFolder } from './helpers.ts';

const runs = process.env.VARVE_LARGE === '1' ? 400 : 25;

/** What is known: the time of each revision. */
type Known = Map<number, number>;

async function expectTimes(kv: EmbeddedKv, known: Known, oldest: number): Promise<void> {
  const revisions = Array.from({ length: kv.revision - Math.max(1, oldest) + 1 }, (_, i) => Math.max(1, oldest) + i);
  const found = await Promise.all(revisions.map(async (revision) => (await kv.timeOf(revision))?.valueOf()));
  expect(found).toEqual(revisions.map((revision) => known.get(revision)));
}

async function expectRevisions(kv: EmbeddedKv, known: Known, dates: readonly number[]): Promise<void> {
  const found: (number | undefined)[] = [];
  for (const date of dates) found.push(await kv.revisionAt(date));
  expect(found).toEqual(dates.map((date) => newestAt(known, date)));
}

/** Writes one revision after each of these steps of the clock, in few commits, and notes them. */
async function writeAll(kv: EmbeddedKv, clock: StandingClock, steps: readonly number[], known: Known): Promise<void> {
  for (let from = 0; from < steps.length; from += 50) {
    const writes = steps.slice(from, from + 50).map((step, i) => {
      clock.advance(step);
      const unixMs = clock.wallMs;
      return kv.put(`k${i % 20}`, `${from + i}`).then(({ revision }) => known.set(revision, unixMs));
    });
    await Promise.all(writes);
  }
}

const times = (count: number, step: number): number[] => Array.from({ length: count }, () => step);

/** The slow and obvious lookup. */
function newestAt(known: Known, unixMs: number): number | undefined {
  return [...known]
    .filter(([, time]) => time <= unixMs)
    .map(([revision]) => revision)
    .toSorted((a, b) => b - a)[0];
}

describe.each(engines)('on %s', (name, place) => {
  test('H30, H31: every revision has the time of its writing, and every date its revision', async () => {
    const clock = new StandingClock();
    await using kv = await open(place(), { times: true, world: clock.world });
    const known: Known = new Map();
    const steps = Array.from({ length: 150 }, (_, i) => (i % 7 === 0 ? 60_000 : i % 3));
    await writeAll(kv, clock, [...steps, ...times(200, 0)], known);
    clock.advance(5);
    known.set((await kv.write((section) => section.put('a', '1'))).revision, clock.wallMs);
    await expectTimes(kv, known, 1);
    const first = known.get(2)!;
    await expectRevisions(
      kv,
      known,
      [...new Set(known.values())].flatMap((time) => [time - 1, time, time + 1]),
    );
    expect(await kv.revisionAt(new Date(8.64e15))).toBe(kv.revision);
    expect(await kv.revisionAt(first - 1)).toBeUndefined();
  });
});

describe.each(durableEngines)('on %s', (name, place) => {
  test('H30, H32: times outlive the process, and never go back when the wall clock does', async () => {
    const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
    const clock = new StandingClock();
    const known: Known = new Map();
    let newest = 0;
    for (let round = 0; round < 4; round++) {
      await using kv = await open(place(path), { times: true, world: clock.world });
      await expectTimes(kv, known, 1);
      for (let i = 0; i < 9; i++) {
        clock.advance(round === 2 ? 3 : 5000);
        // The wall clock is set back by an hour, once while the store is closed and once while it is open.
        if ((round === 1 && i === 0) || (round === 3 && i === 5)) clock.wallMs -= 3_600_000;
        newest = Math.max(newest, clock.wallMs);
        known.set((await kv.put('k', `${round} ${i}`)).revision, newest);
      }
      await expectTimes(kv, known, 1);
    }
  });

  test('H33: what is written while nobody asks for times has none, and is told apart', async () => {
    const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
    const clock = new StandingClock();
    const known: Known = new Map();
    for (const [isOn, count] of [
      [false, 3],
      [true, 4],
      [false, 200],
      [true, 5],
      [false, 1],
      [true, 70],
    ] as const) {
      await using kv = await open(place(path), { times: isOn, world: clock.world });
      await writeAll(kv, clock, times(count, 1000), isOn ? known : new Map());
      if (!isOn) {
        expect(await codeOf(() => kv.timeOf(2))).toBe('KV_INVALID');
        continue;
      }
      await expectTimes(kv, known, 1);
      const dates = Array.from({ length: 64 }, (_, i) => clock.wallMs - 4500 * i);
      await expectRevisions(kv, known, dates);
    }
  });

  test('H34: times of compacted revisions go, and what is left of them is bounded', async () => {
    const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
    const clock = new StandingClock();
    const known: Known = new Map();
    {
      await using kv = await open(place(path), { times: true, world: clock.world });
      for (let i = 0; i < 4; i++) {
        await writeAll(kv, clock, times(150, 10), known);
        await kv.compact(kv.revision - 10, { physical: true });
      }
      const { compactRevision = 0 } = await kv.status();
      await kv.put('last', '');
      known.set(kv.revision, clock.wallMs);
      await expectTimes(kv, known, compactRevision);
      expect(await codeOf(() => kv.timeOf(compactRevision - 1))).toBe('MVCC_COMPACTED');
      expect(await codeOf(() => kv.revisionAt(known.get(compactRevision)! - 1))).toBe('MVCC_COMPACTED');
      expect(await kv.revisionAt(known.get(compactRevision)!)).toBe(compactRevision);
    }
    const layers = await openLayers(place(path));
    let rows = 0;
    for await (const entries of layers.store.rows.scan(timesBucket)) rows += entries.length;
    await layers.close();
    expect(rows).toBeLessThanOrEqual(2);
  });

  test('H35: hash and copies are those of a store without times', async () => {
    const clock = new StandingClock();
    const fill = async (isOn: boolean): Promise<{ hash: number; rows: number; copy: string }> => {
      const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
      await using kv = await open(place(path), { times: isOn, world: clock.world });
      await writeAll(kv, clock, times(100, 1), new Map());
      await kv.delete('k3');
      const copy = temporaryFolder('copy.db');
      await kv.backup(copy);
      return { hash: (await kv.hashByRev()).hash, rows: kv.revision, copy };
    };
    const [plain, timed] = [await fill(false), await fill(true)];
    expect([timed.hash, timed.rows]).toEqual([plain.hash, plain.rows]);
    await using again = await open(memory(), { importFrom: timed.copy, times: true, world: clock.world });
    expect(again.revision).toBe(timed.rows);
    expect(await again.timeOf(5)).toBeUndefined();
    const { revision } = await again.put('new', '');
    expect((await again.timeOf(revision))?.valueOf()).toBe(clock.wallMs);
    const layers = await openLayers(memory(), { importFrom: timed.copy });
    expect(layers.backend.buckets()).not.toContain(timesBucket.name);
    await layers.close();
  });
});

test('H33: without times there is no row, and nothing is noted', async () => {
  const layers = await openLayers(memory());
  layers.store.put(Uint8Array.of(1), Uint8Array.of(1));
  await layers.store.settled();
  expect(layers.backend.buckets()).not.toContain(timesBucket.name);
  await layers.close();
});

test('H35: a file that is opened itself, and not copied by a backup, has its times', async () => {
  const path = temporaryFolder('store.db');
  const clock = new StandingClock();
  {
    await using kv = await open(file(path), { times: true, world: clock.world });
    await kv.put('a', '1');
  }
  await using reader = await open(file(path, { readOnly: true }), { times: true, world: clock.world });
  expect((await reader.timeOf(2))?.valueOf()).toBe(clock.wallMs);
  await using taken = await open(memory(), {
    importFrom: { path, skipHashCheck: true },
    times: true,
    world: clock.world,
  });
  expect((await taken.timeOf(2))?.valueOf()).toBe(clock.wallMs);
});

test('H31: with durability interval a time is known as soon as its revision is seen', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { times: true, durability: 'interval', world: clock.world });
  const { revision } = await kv.put('a', '1');
  expect((await kv.timeOf(revision))?.valueOf()).toBe(clock.wallMs);
  for (let i = 0; i < 200; i++) await kv.put('a', `${i}`);
  expect((await kv.timeOf(revision))?.valueOf()).toBe(clock.wallMs);
  expect(await kv.revisionAt(clock.wallMs)).toBe(kv.revision);
});

test('H37: wrong revisions and dates are refused as everywhere', async () => {
  await using kv = await open(memory(), { times: true });
  await kv.put('a', '1');
  expect(await codeOf(() => kv.timeOf(3))).toBe('MVCC_FUTURE_REVISION');
  expect(await codeOf(() => kv.timeOf(0))).toBe('KV_INVALID');
  expect(await codeOf(() => kv.revisionAt(Number.NaN))).toBe('KV_INVALID');
  expect(await codeOf(() => kv.revisionAt(new Date('no date')))).toBe('KV_INVALID');
  expect(await codeOf(() => kv.revisionAt('2026-01-01' as unknown as number))).toBe('KV_INVALID');
  expect(await kv.timeOf(1)).toBeUndefined();
  expect(await codeOf(() => open(memory(), { times: 1 as unknown as boolean }))).toBe('KV_INVALID');
  await kv.close();
  expect(await codeOf(() => kv.timeOf(2))).toBe('KV_CLOSED');
});

test('H30: what is packed comes out again, whatever is known of a block', () => {
  const known = fc.array(fc.option(fc.nat({ max: 100_000_000 }), { nil: undefined }), { minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(fc.nat(2 ** 42), known, (first, steps) => {
      const block = new Float64Array(64).fill(UNKNOWN);
      let time = first;
      steps.forEach((step, place) => {
        if (step !== undefined) block[place] = time += step;
      });
      if (block.every((one) => one === UNKNOWN)) return;
      expect([...unpackBlock(packBlock(block).slice())]).toEqual([...block]);
    }),
    { numRuns: runs },
  );
  for (const damage of [[], [2, 5], [1], [1, 0x80], [1, 5, ...Array.from({ length: 65 }, () => 1)]]) {
    expect(() => unpackBlock(Uint8Array.from(damage))).toThrow(expect.objectContaining({ code: 'BACKEND_CORRUPT' }));
  }
});
