/** The clock of hosts that are not Node (PCL rows of its file), on hosts that the tests make. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Clock } from '../src/clock.ts';

/** A channel whose messages arrive when the test says so. */
class HandChannel {
  static waiting: HandChannel[] = [];
  readonly port1: { onmessage: (() => void) | null } = { onmessage: null };
  readonly port2 = { postMessage: (): void => void HandChannel.waiting.push(this) };

  static deliver(): void {
    for (const { port1 } of HandChannel.waiting.splice(0)) port1.onmessage?.();
  }
}

/** A timer whose time comes when the test says so. */
class HandTimers {
  readonly open = new Map<number, { readonly ms: number; readonly work: () => void }>();
  #last = 0;

  readonly globals = {
    setTimeout: (work: () => void, ms: number): number => {
      this.open.set(++this.#last, { ms, work });
      return this.#last;
    },
    clearTimeout: (timer: number): void => void this.open.delete(timer),
  };

  /** Runs what is open now. */
  pass(): void {
    for (const [timer, { work }] of [...this.open]) {
      this.open.delete(timer);
      work();
    }
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  HandChannel.waiting = [];
});

/** The clock as a host with these globals has it; by the end of the call they are as before. */
async function clockOn(globals: Readonly<Record<string, unknown>>): Promise<Clock> {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  vi.resetModules();
  const { portableClock } = await import('../src/portable/clock.ts');
  const clock = portableClock();
  vi.unstubAllGlobals();
  return clock;
}

test('law 11: clock, timers and messages are those of the time when it was loaded (PCL1)', async () => {
  const timers = new HandTimers();
  const performance = { now: () => 7 };
  const clock = await clockOn({ ...timers.globals, performance, Date: { now: () => 70 }, MessageChannel: HandChannel });
  const later = new HandTimers();
  performance.now = () => 8;
  const replaced = { ...later.globals, performance, Date: { now: () => 80 } };
  for (const [name, value] of Object.entries(replaced)) vi.stubGlobal(name, value);
  const ran: string[] = [];
  clock.after(5, () => ran.push('after'));
  clock.soon(() => ran.push('soon'));
  void clock.turn().then(() => ran.push('turn'));
  expect([clock.now(), clock.unixMs(), timers.open.size, later.open.size]).toEqual([7, 70, 1, 0]);
  HandChannel.deliver();
  await Promise.resolve();
  timers.pass();
  expect(ran).toEqual(['soon', 'turn', 'after']);
});

test('law 10: a turn is one message, whoever waits for it, and what comes meanwhile waits for the next (PCL2)', async () => {
  const clock = await clockOn({ MessageChannel: HandChannel, ...new HandTimers().globals });
  const ran: string[] = [];
  clock.soon(() => {
    ran.push('first');
    clock.soon(() => ran.push('next turn'));
  });
  clock.soon(() => ran.push('second'));
  expect(HandChannel.waiting).toHaveLength(1);
  HandChannel.deliver();
  expect(ran).toEqual(['first', 'second']);
  HandChannel.deliver();
  expect(ran).toEqual(['first', 'second', 'next turn']);
  expect(HandChannel.waiting).toHaveLength(0);
});

test('law 12: work that throws takes none of the others with it', async () => {
  const clock = await clockOn({ MessageChannel: HandChannel });
  const ran: string[] = [];
  clock.soon(() => ran.push('before'));
  clock.soon(() => {
    clock.soon(() => ran.push('asked for meanwhile'));
    throw new Error('not theirs');
  });
  clock.soon(() => ran.push('behind'));
  expect(() => HandChannel.deliver()).toThrow('not theirs');
  expect(ran).toEqual(['before']);
  while (HandChannel.waiting.length > 0) HandChannel.deliver();
  expect(ran).toEqual(['before', 'behind', 'asked for meanwhile']);
});

test('law 10: without messages a turn is a timer of no time', async () => {
  const timers = new HandTimers();
  const clock = await clockOn({ ...timers.globals, MessageChannel: undefined });
  let isOver = false;
  void clock.turn().then(() => (isOver = true));
  expect([...timers.open.values()].map(({ ms }) => ms)).toEqual([0]);
  timers.pass();
  await Promise.resolve();
  expect(isOver).toBe(true);
});

test('law 11: timers end when they are told to, and wait no longer than a timer can', async () => {
  const timers = new HandTimers();
  const clock = await clockOn(timers.globals);
  const ran: string[] = [];
  const stopAfter = clock.after(2 ** 40, () => ran.push('after'));
  const stopEvery = clock.every(3, () => ran.push('every'));
  expect([...timers.open.values()].map(({ ms }) => ms)).toEqual([2 ** 31 - 1, 3]);
  stopAfter();
  timers.pass();
  timers.pass();
  expect(ran).toEqual(['every', 'every']);
  stopEvery();
  expect(timers.open.size).toBe(0);
  const stopInside = clock.every(3, () => {
    ran.push('last');
    stopInside();
  });
  timers.pass();
  expect([ran.at(-1), timers.open.size]).toEqual(['last', 0]);
});

test('law 11: a pause ends in time, or with its signal, and leaves neither timer nor listener', async () => {
  const timers = new HandTimers();
  const clock = await clockOn(timers.globals);
  const stop = new AbortController();
  const removed = vi.spyOn(stop.signal, 'removeEventListener');
  const inTime = clock.pause(5, stop.signal);
  timers.pass();
  await inTime;
  expect(removed).toHaveBeenCalledTimes(1);
  const stopped = clock.pause(5, stop.signal);
  expect(timers.open.size).toBe(1);
  stop.abort();
  await stopped;
  expect(timers.open.size).toBe(0);
  await clock.pause(5, stop.signal);
  expect(timers.open.size).toBe(0);
});

test('law 11: where there is only a clock that may be set back, time goes forward all the same', async () => {
  const times = [1000, 1004, 400, 403, 403];
  const clock = await clockOn({ performance: undefined, Date: { now: () => times.shift() } });
  expect([clock.now(), clock.now(), clock.now(), clock.now()]).toEqual([1004, 1004, 1007, 1007]);
});

test('law 12: there is no process to keep alive, and nothing warns of its end (PCL3)', async () => {
  const timers = new HandTimers();
  const clock = await clockOn(timers.globals);
  clock.keepAlive()();
  clock.onLastCall(() => Promise.reject(new Error('never called')))();
  expect(timers.open.size).toBe(0);
});
