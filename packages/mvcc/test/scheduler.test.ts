import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { deferred } from '@varve/base/deferred';
import { Scheduler } from '../src/scheduler.ts';
import { codeOf } from './support.ts';

test('M96: a hundred jobs of which every third throws', async () => {
  const failures: unknown[] = [];
  const listen = (message: unknown): void => {
    failures.push(message);
  };
  subscribe('varve.mvcc.background-error', listen);
  const scheduler = new Scheduler();
  const order: number[] = [];
  for (let i = 0; i < 100; i++) {
    scheduler.schedule(async () => {
      if (i % 2 === 0) await Promise.resolve();
      order.push(i);
      if (i % 3 === 0) throw new Error(`job ${i}`);
    });
  }
  expect(scheduler.pending).toBe(100);
  await scheduler.waitFinish(100);
  unsubscribe('varve.mvcc.background-error', listen);
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect([scheduler.finished, scheduler.scheduled, scheduler.pending]).toEqual([100, 100, 0]);
  expect(failures).toHaveLength(34);
});

test('M97: stop lets the running job end and calls the queued ones', async () => {
  const scheduler = new Scheduler();
  const calls: string[] = [];
  const gate = deferred<void>();
  scheduler.schedule(async (signal) => {
    await gate.promise;
    calls.push(`running ${signal.aborted}`);
  });
  for (const name of ['second', 'third']) {
    scheduler.schedule((signal) => {
      calls.push(`${name} ${signal.aborted}`);
    });
  }
  await new Promise(setImmediate);
  const stopped = scheduler.stop().then(() => calls.push('stopped'));
  await new Promise(setImmediate);
  expect(calls).toEqual([]);
  gate.resolve();
  await stopped;
  expect(calls).toEqual(['running true', 'second true', 'third true', 'stopped']);
  expect(await codeOf(() => scheduler.schedule(() => undefined))).toBe('MVCC_CLOSED');
});

test('waitFinish waits for the count and for quiet', async () => {
  const scheduler = new Scheduler();
  let done = false;
  const waiting = scheduler.waitFinish(2).then(() => {
    done = true;
  });
  scheduler.schedule(() => undefined);
  await new Promise(setImmediate);
  expect(done).toBe(false);
  scheduler.schedule(() => undefined);
  await waiting;
  await scheduler.waitFinish(0);
  expect(scheduler.finished).toBe(2);
});
