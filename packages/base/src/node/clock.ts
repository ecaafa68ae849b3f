/**
 * Node's clock.
 *
 * NCL1  All of it is taken once, when this file is loaded: a test that replaces timers and clocks afterwards replaces its
 *       own, and no work hangs on them. Names of `node:timers` alone would not do: they can be replaced, too.
 */
import * as timers from 'node:timers';
import { onAbort } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { onLastCall } from './last-call.ts';

const { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = timers;

/** The longest there is: 24.8 days. */
const longestMs = 0x7fffffff;

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      letGo?.();
      resolve();
    };
    const timer = setTimeout(end, ms);
    // Many may wait with one signal.
    const letGo = signal && onAbort(signal, end);
  });
}

/** One timer for all who wait, there only while somebody does. */
function keeper(): Clock['keepAlive'] {
  let waiting = 0;
  let holding: NodeJS.Timeout | undefined;
  return () => {
    waiting++;
    holding ??= setInterval(() => undefined, longestMs);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      waiting--;
      if (waiting > 0) return;
      clearInterval(holding);
      holding = undefined;
    };
  };
}

/** The system's. */
export const nodeClock: Clock = {
  now: performance.now.bind(performance),
  unixMs: Date.now,
  soon: (work) => {
    setImmediate(work);
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(ms, work) {
    const timer = setInterval(work, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
  pause,
  keepAlive: keeper(),
  onLastCall,
};
