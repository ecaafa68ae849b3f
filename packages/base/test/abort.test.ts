/** One listener a signal, however many follow it; nothing is left on it (R11). */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '../src/abort.ts';
import { nodeClock } from '../src/node/clock.ts';
import { portableClock } from '../src/portable/clock.ts';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('a thousand followers share one listener, and the last that lets go takes it off', () => {
  const { signal } = new AbortController();
  const follower = (): void => undefined;
  const letGo = Array.from({ length: 1000 }, () => onAbort(signal, follower));
  expect(listeners(signal)).toBe(1);
  for (const one of letGo.slice(1)) one();
  letGo[1]!();
  expect(listeners(signal)).toBe(1);
  letGo[0]!();
  expect(listeners(signal)).toBe(0);
});

test('an abort reaches each follower once, also one that follows twice; none that let go, also during the abort', () => {
  const controller = new AbortController();
  const { signal } = controller;
  const heard: string[] = [];
  const twice = (): void => void heard.push('twice');
  onAbort(signal, twice);
  onAbort(signal, twice);
  onAbort(signal, () => {
    heard.push('letting go');
    letGo();
  });
  const letGo = onAbort(signal, () => heard.push('let go'));
  onAbort(signal, () => heard.push('gone before'))();
  controller.abort();
  controller.abort();
  expect(heard).toEqual(['twice', 'twice', 'letting go']);
  expect(listeners(signal)).toBe(0);
});

test.each([
  ['of Node', nodeClock],
  ['of any host', portableClock()],
] as const)('pauses of a clock %s that share a signal share its listener, and leave none', async (_, clock) => {
  const controller = new AbortController();
  const { signal } = controller;
  const short = Array.from({ length: 20 }, () => clock.pause(1, signal));
  const long = Array.from({ length: 20 }, () => clock.pause(1e9, signal));
  expect(listeners(signal)).toBe(1);
  await Promise.all(short);
  expect(listeners(signal)).toBe(1);
  controller.abort();
  await Promise.all(long);
  expect(listeners(signal)).toBe(0);
  await clock.pause(1e9, signal);
});
