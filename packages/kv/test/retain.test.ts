/** A store that keeps itself small: what goes, when, what holds it back, and what it says. */
import { StandingClock } from '@varve/base/node/standing-clock';
import { channel } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { file, level, log, memory, open, type EmbeddedKv, type Engine } from '../src/index.ts';
import { SeenRevisions } from '../src/retain/seen-revisions.ts';
import { codeOf, eventually, temporaryFolder } from './helpers.ts';

async function putMany(kv: EmbeddedKv, count: number, keys = 5): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const here = Math.min(100, count - from);
    await Promise.all(Array.from({ length: here }, (_, i) => kv.put(`k${i % keys}`, `${from + i}`)));
  }
}

const compacted = (kv: EmbeddedKv): number | undefined => kv.stats().compactRevision;

/** The next pass, up to its end. */
async function pass(kv: EmbeddedKv, clock: StandingClock, ms = 1000): Promise<void> {
  const passes = (): number => kv.stats().retain?.passes ?? 0;
  const before = passes();
  clock.advance(ms);
  await eventually(() => passes() > before, 'the pass has ended');
}

test('H20, H26, law 9: by revisions, so many can be read after a pass, and an idle store is left alone', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { retain: { revisions: 10, everyMs: 1000 }, world: clock.world });
  expect(kv.stats().retain).toEqual({ passes: 0, compactions: 0, defragmentations: 0 });
  await putMany(kv, 5);
  await pass(kv, clock);
  expect([compacted(kv), kv.stats().retain?.compactions]).toEqual([undefined, 0]);
  await putMany(kv, 100);
  clock.advance(999);
  expect(compacted(kv)).toBeUndefined();
  await pass(kv, clock, 1);
  expect(compacted(kv)).toBe(kv.revision - 9);
  const { last, compactions } = kv.stats().retain!;
  expect([compactions, last]).toEqual([
    1,
    { revision: kv.revision - 9, unixMs: clock.wallMs, tookMs: 0, removed: expect.any(Number) as number },
  ]);
  expect(last?.removed).toBeGreaterThan(80);
  expect(await codeOf(() => kv.at(kv.revision - 10).get('k1'))).toBe('MVCC_COMPACTED');
  expect((await kv.at(kv.revision - 9).get('k1'))?.value).toBeDefined();
  for (let i = 0; i < 3; i++) await pass(kv, clock);
  expect(kv.stats().retain).toMatchObject({ compactions: 1, last });
  await putMany(kv, 1);
  await pass(kv, clock);
  expect(compacted(kv)).toBe(kv.revision - 9);
});

test('H20, H21, H26: limits that are larger than all there was give up nothing, and fail at nothing', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  for (const limits of [{ revisions: most }, { ageMs: most }, { revisions: most, ageMs: most }, { revisions: 1000 }]) {
    const clock = new StandingClock();
    const options = { times: true, retain: { ...limits, everyMs: 1000 }, world: clock.world };
    await using kv = await open(memory(), options);
    await putMany(kv, 50);
    for (let i = 0; i < 3; i++) await pass(kv, clock);
    expect(kv.stats().retain).toEqual({ passes: 3, compactions: 0, defragmentations: 0 });
    expect((await kv.at(2).get('k0'))?.value).toBe('0');
  }
});

test('H21: by age, what was present then stays readable, and older goes; without times since the opening', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { retain: { ageMs: 5000, everyMs: 1000 }, world: clock.world });
  const present: number[] = [];
  for (let second = 0; second < 20; second++) {
    await putMany(kv, 3);
    present.push(kv.revision);
    await pass(kv, clock);
    // The pass at second s + 1 looks back to s - 4: what was noted then is what had been written up to then.
    expect(compacted(kv), `second ${second}`).toBe(second < 5 ? undefined : present[second - 5]);
  }
});

describe.each([
  ['log', (path: string) => log(path)],
  ['file', (path: string) => file(path)],
  ['level', (path: string) => level(path)],
] as const)('%s', (name, place) => {
  test('H21: with times, age counts across a restart, to the revision', async () => {
    const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
    const clock = new StandingClock();
    {
      await using kv = await open(place(path), { times: true, world: clock.world });
      await putMany(kv, 10);
      clock.advance(60_000);
      await putMany(kv, 10);
    }
    clock.advance(30_000);
    const retain = { ageMs: 60_000, everyMs: 1000 };
    await using kv = await open(place(path), { times: true, retain, world: clock.world });
    await putMany(kv, 10);
    await pass(kv, clock);
    // Present a minute ago was what the first ten writes left.
    expect(compacted(kv)).toBe(11);
    await pass(kv, clock, 29_000);
    expect(compacted(kv)).toBe(21);
  });
});

test('H21, RTN4: times of a wall clock that was far ahead keep history no longer than this process sees, then and after a restart', async () => {
  const path = temporaryFolder('data');
  const clock = new StandingClock();
  const options = { times: true, retain: { ageMs: 5000, everyMs: 1000 }, world: clock.world };
  const years = 10 * 365 * 86_400_000;
  {
    clock.wallMs += years;
    await using kv = await open(log(path), options);
    await putMany(kv, 10);
    clock.wallMs -= years;
    await pass(kv, clock);
    const first = kv.revision;
    await putMany(kv, 10);
    await pass(kv, clock, 4999);
    expect(compacted(kv)).toBeUndefined();
    await pass(kv, clock);
    expect(compacted(kv)).toBe(first);
  }
  await using kv = await open(log(path), options);
  const first = kv.revision;
  await putMany(kv, 10);
  await pass(kv, clock, 4999);
  expect(compacted(kv)).toBeLessThan(first);
  await pass(kv, clock);
  expect(compacted(kv)).toBe(first);
});

test('H21: with both limits, history ends at whichever comes first', async () => {
  const clock = new StandingClock();
  const retain = { revisions: 30, ageMs: 2000, everyMs: 1000 };
  await using kv = await open(memory(), { times: true, retain, world: clock.world });
  await putMany(kv, 100);
  await pass(kv, clock);
  expect(compacted(kv)).toBe(kv.revision - 29);
  await pass(kv, clock, 5000);
  expect(compacted(kv)).toBe(kv.revision);
});

test('H24: a hold holds it back, stats say so, and the pass after its end goes on', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
  await putMany(kv, 50);
  const hold = kv.hold(20, { ageMs: 2500 });
  await pass(kv, clock);
  expect([compacted(kv), kv.stats().retain?.held]).toEqual([20, 20]);
  await pass(kv, clock);
  expect([compacted(kv), kv.stats().retain?.held]).toEqual([20, 20]);
  await pass(kv, clock);
  expect([compacted(kv), kv.stats().retain?.held, hold.running]).toEqual([kv.revision, undefined, false]);
  expect(kv.stats().retain).not.toHaveProperty('held');
});

test('H21, law 9: what was seen is remembered in bounded number, to a 64th of the age', () => {
  const seen = new SeenRevisions(6400);
  let worst = 0;
  for (let atMs = 0; atMs < 20_000; atMs += 7) {
    seen.add(atMs, atMs);
    const wanted = atMs - 6400;
    const found = seen.at(wanted);
    worst = Math.max(worst, wanted < 0 ? found : wanted - found);
    expect(wanted < 0 || found <= wanted).toBe(true);
  }
  expect(worst).toBeLessThanOrEqual(107);
});

/** An engine in memory whose commits or compactions do what a test says. */
function engineWith(members: {
  commit?: () => Promise<void>;
  compact?: () => Promise<void>;
  sizes?: number[];
}): Engine {
  const inner = memory();
  return new Proxy<Engine>(inner, {
    get(target, name) {
      if (name === 'commit' && members.commit !== undefined) {
        return async (changes: Parameters<Engine['commit']>[0]) => {
          await members.commit?.();
          await inner.commit(changes);
        };
      }
      if (name === 'compact' && members.compact !== undefined) return members.compact;
      if (name === 'size' && members.sizes !== undefined) return members.sizes[0];
      if (name === 'sizeInUse' && members.sizes !== undefined) return members.sizes[1];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
}

test('H22: there is one pass at a time, it rests as long as it took, and nothing begins after close', async () => {
  const clock = new StandingClock();
  let gate: Promise<void> | undefined;
  let lift = (): void => undefined;
  let isWaiting = false;
  const commit = async (): Promise<void> => {
    isWaiting = gate !== undefined;
    await gate;
    isWaiting = false;
  };
  const kv = await open(engineWith({ commit }), { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
  await putMany(kv, 20);
  gate = new Promise((resolve) => (lift = resolve));
  clock.advance(1000);
  await eventually(() => isWaiting, 'the pass waits for its commit');
  clock.advance(1500);
  // None but those of the layers below, which are shorter.
  expect(clock.waiting.filter((ms) => ms > 500)).toEqual([]);
  gate = undefined;
  lift();
  await eventually(() => kv.stats().retain?.passes === 1, 'the pass has ended');
  expect(clock.waiting.at(-1)).toBe(1500);
  expect(kv.stats().retain?.last?.tookMs).toBe(1500);
  await putMany(kv, 20);
  gate = new Promise((resolve) => (lift = resolve));
  clock.advance(1500);
  await eventually(() => isWaiting, 'the pass waits for its commit');
  const closing = kv.close();
  gate = undefined;
  lift();
  await closing;
  expect(clock.waiting).toEqual([]);
});

test('H23: what goes wrong is told and shown, and tried again; a failed commit ends it, as it ends all writing', async () => {
  const clock = new StandingClock();
  const told: unknown[] = [];
  const listen = (message: unknown): void => void told.push(message);
  channel('varve.kv.background-error').subscribe(listen);
  try {
    let failing: Error | undefined = Object.assign(new Error('no room'), { code: 'ENOSPC' });
    const compact = async (): Promise<void> => {
      if (failing !== undefined) throw failing;
    };
    const sizes = [100 << 20, 10 << 20];
    const engine = engineWith({ compact, sizes });
    await using kv = await open(engine, { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
    await putMany(kv, 10);
    await pass(kv, clock);
    expect(kv.stats().retain).toMatchObject({ compactions: 1, failure: { message: 'no room', unixMs: clock.wallMs } });
    expect(told).toEqual([{ work: 'retain', error: failing }]);
    failing = undefined;
    await putMany(kv, 10);
    await pass(kv, clock);
    expect(kv.stats().retain).toMatchObject({ compactions: 2, defragmentations: 1 });
    expect(kv.stats().retain).not.toHaveProperty('failure');

    failing = Object.assign(new Error('hard links'), { code: 'BACKEND_NOT_REPLACEABLE' });
    for (let i = 0; i < 3; i++) {
      await putMany(kv, 10);
      await pass(kv, clock);
    }
    // Told once: where it cannot be done it is not tried again.
    expect(told).toHaveLength(2);
  } finally {
    channel('varve.kv.background-error').unsubscribe(listen);
  }

  let isBroken = false;
  const commit = async (): Promise<void> => {
    if (isBroken) throw new Error('the disk is gone');
  };
  const kv = await open(engineWith({ commit }), { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
  await putMany(kv, 10);
  isBroken = true;
  clock.advance(1000);
  await eventually(() => kv.stats().retain?.failure !== undefined, 'the failure is shown');
  expect(kv.stats().retain?.failure?.code).toBe('BACKEND_FAILED');
  expect(clock.waiting).toEqual([]);
  await kv.close().catch(() => undefined);
});

test('H25: a store of which a quarter or less is in use, or that has grown twice, is rewritten, and no other', async () => {
  for (const [sizes, wanted] of [
    [[33 << 20, 8 << 20], 1],
    [[33 << 20, 9 << 20], 0],
    [[31 << 20, 1 << 20], 0],
  ] as const) {
    const clock = new StandingClock();
    let rewritten = 0;
    const compact = async (): Promise<void> => void rewritten++;
    const engine = engineWith({ compact, sizes: [...sizes] });
    await using kv = await open(engine, { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
    await putMany(kv, 10);
    await pass(kv, clock);
    expect([rewritten, kv.stats().retain?.defragmentations]).toEqual([wanted, wanted]);
  }
  const clock = new StandingClock();
  let rewritten = 0;
  const sizes = [12 << 20, 12 << 20];
  const compact = async (): Promise<void> => {
    rewritten++;
    sizes.fill(20 << 20);
  };
  const engine = engineWith({ compact, sizes });
  await using kv = await open(engine, { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
  const rewrittenAt = async (mib: number): Promise<number> => {
    sizes.fill(mib << 20);
    await putMany(kv, 10);
    await pass(kv, clock);
    return rewritten;
  };
  expect([await rewrittenAt(40), await rewrittenAt(41), await rewrittenAt(56), await rewrittenAt(57)]).toEqual([
    0, 1, 1, 2,
  ]);
});

test('H27: a store that is open for reading only is left as it is, and wrong options are refused', async () => {
  const path = temporaryFolder('store.db');
  const clock = new StandingClock();
  {
    await using kv = await open(file(path));
    await putMany(kv, 10);
  }
  await using reader = await open(file(path, { readOnly: true }), { retain: { revisions: 1 }, world: clock.world });
  expect(clock.waiting).toEqual([]);
  expect(reader.stats().retain).toEqual({ passes: 0, compactions: 0, defragmentations: 0 });
  for (const wrong of [{}, { revisions: 0 }, { ageMs: 0 }, { revisions: 1, everyMs: 0 }, { revisions: 1, age: 5 }, 5]) {
    expect(await codeOf(() => open(memory(), { retain: wrong as object }))).toBe('KV_INVALID');
  }
  expect(await codeOf(() => open(memory(), { retain: { everyMs: 5 } }))).toBe('KV_INVALID');
});

test('H28: a watch that is behind ends with a compaction as by any other, unless its revision is held', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { retain: { revisions: 1, everyMs: 1000 }, world: clock.world });
  await putMany(kv, 30);
  const from = 5;
  const hold = kv.hold(from);
  await pass(kv, clock);
  const seen: number[] = [];
  for await (const event of kv.watch({}, { from })) {
    seen.push(event.revision);
    if (event.revision === kv.revision) break;
  }
  expect(seen).toEqual(Array.from({ length: 27 }, (_, i) => from + i));
  hold.close();
  await pass(kv, clock);
  expect(await codeOf(() => kv.watch({}, { from })[Symbol.asyncIterator]().next())).toBe('MVCC_COMPACTED');
});
