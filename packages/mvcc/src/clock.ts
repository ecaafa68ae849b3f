/**
 * The one door to clocks and timers (decisions/0021).
 *
 * All of it is taken once, when this file is loaded: a test that replaces timers and clocks afterwards replaces its own,
 * and no work hangs on them.
 *
 * Timers here keep the process alive: each exists only while somebody's commit or compaction is under way, ends by
 * itself, and a program that awaits it must not exit in the middle.
 */

import * as timers from 'node:timers';

const { clearTimeout, setImmediate, setTimeout } = timers;
const steadyMs = performance.now.bind(performance);
const wallMs = Date.now;

/** Milliseconds of a clock that only goes forward. */
export function now(): number {
  return steadyMs();
}

/** Resolves in the next turn of the event loop, after everything else that is ready. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Resolves after so many milliseconds, or as soon as the signal is aborted. Never rejects. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}

/** Wall-clock seconds, for the one gauge that shows a date. */
export function unixSeconds(): number {
  return wallMs() / 1000;
}
