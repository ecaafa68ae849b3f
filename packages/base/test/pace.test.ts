/** Law 10: long work lets others run after its slice, by whatever clock it is given. */
import { expect, test } from 'vitest';
import { Debt } from '../src/debt.ts';
import { nodeClock } from '../src/node/clock.ts';
import { Slice, SLICE_MS, TurnSlice } from '../src/pace.ts';

class HandClock {
  ms = 0;
  turns = 0;
  readonly #soon: (() => void)[] = [];

  readonly now = (): number => this.ms;
  readonly soon = (work: () => void): void => void this.#soon.push(work);
  readonly turn = async (): Promise<void> => {
    this.turns++;
    for (const work of this.#soon.splice(0)) work();
  };
}

function* worked(clock: HandClock, steps: number, stepMs: number): Generator<void, string, void> {
  for (let i = 0; i < steps; i++) {
    clock.ms += stepMs;
    yield;
  }
  return 'done';
}

test('law 10: short work does not leave the tick, long work gives a turn a slice', async () => {
  const clock = new HandClock();
  let isDone = false;
  void new Slice(clock).run(worked(clock, 15, 1)).then(() => (isDone = true));
  await Promise.resolve();
  await Promise.resolve();
  expect([isDone, clock.turns]).toEqual([true, 0]);
  expect(await new Slice(clock).runLong(worked(clock, 100, 1))).toBe('done');
  expect(clock.turns).toBe(33);
});

test('law 10: the clock is asked every 16th time', () => {
  const clock = new HandClock();
  const slice = new Slice(clock);
  clock.ms = 100;
  expect(
    Array.from({ length: 32 }, () => slice.due())
      .map((due, i) => (due ? i : -1))
      .filter((i) => i >= 0),
  ).toEqual([15, 31]);
});

test('what the check throws after a turn is thrown into the work, which may end well', async () => {
  const clock = new HandClock();
  const reason = new Error('aborted');
  const slice = new Slice(clock, {
    lengthMs: 1,
    check: () => {
      throw reason;
    },
  });
  const steps: string[] = [];
  function* work(): Generator<void, void, void> {
    try {
      for (;;) {
        clock.ms += 2;
        yield;
      }
    } finally {
      steps.push('given back');
    }
  }
  await expect(slice.runLong(work())).rejects.toBe(reason);
  const controller = new AbortController();
  const abortable = new Slice(clock, { signal: controller.signal });
  controller.abort(reason);
  await expect(abortable.run(work())).rejects.toBe(reason);
  expect(steps).toEqual(['given back', 'given back']);
  expect(() => new Slice(clock, { signal: controller.signal })).toThrow(reason);
});

test('law 10: many calls of one turn share its slice', async () => {
  const clock = new HandClock();
  const slice = new TurnSlice(clock);
  expect(slice.over()).toBe(false);
  clock.ms = SLICE_MS - 1;
  expect(slice.over()).toBe(false);
  clock.ms = SLICE_MS;
  expect(slice.over()).toBe(true);
  await slice.next();
  expect(slice.over()).toBe(false);
  clock.ms += SLICE_MS;
  expect(slice.over()).toBe(true);
  expect(Array.from({ length: 32 }, () => slice.callDue(0)).filter((due) => due)).toHaveLength(2);
  expect([slice.callDue(14 << 10), slice.callDue(0)]).toEqual([false, true]);
});

test('law 10: a debt grows with work, shrinks with what others get, and has a bound', () => {
  const clock = new HandClock();
  const debt = new Debt(clock, 10);
  clock.ms = 4;
  expect(debt.leave()).toBe(4);
  clock.ms = 5;
  debt.enter();
  expect(debt.owedMs).toBe(3);
  clock.ms = 100;
  expect(debt.leave()).toBe(95);
  expect(debt.owedMs).toBe(10);
  clock.ms = 200;
  debt.enter();
  expect(debt.owedMs).toBe(0);
});

test('XB3: Node’s clock: turns, timers that can be ended, pauses that a signal ends', async () => {
  const { now, turn, soon, after, every, pause, keepAlive, unixMs } = nodeClock;
  const order: string[] = [];
  soon(() => order.push('soon'));
  await turn();
  order.push('turn');
  expect(order).toEqual(['soon', 'turn']);
  const before = now();
  await pause(5);
  expect(now() - before).toBeGreaterThanOrEqual(4);
  await pause(1e6, AbortSignal.abort());
  const controller = new AbortController();
  const paused = pause(1e6, controller.signal);
  controller.abort(new Error('not ours to throw'));
  await paused;
  const calls: string[] = [];
  after(1, () => calls.push('never'))();
  const end = every(1, () => calls.push('tick'));
  while (calls.length < 2) await pause(1);
  end();
  expect(calls).not.toContain('never');
  expect(Math.abs(unixMs() - Date.now())).toBeLessThan(10_000);
  const release = keepAlive();
  release();
  release();
});
