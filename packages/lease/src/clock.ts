/**
 * The one door to time, timers, turns and randomness (decisions/0021).
 *
 * All of it is taken once, when this file is loaded: a test that replaces timers and clocks afterwards replaces its own.
 */
import * as timers from 'node:timers';

const { clearTimeout, setImmediate, setTimeout } = timers;
const steadyMs = performance.now.bind(performance);
const wallMs = Date.now;
const fill = crypto.getRandomValues.bind(crypto);

/** Time as leases know it. */
export interface Clock {
  /** Milliseconds that only go forward, at one pace: what leases run out by. */
  readonly now: () => number;
  /** Milliseconds since 1970; may be set. Asked only for how long a store was closed. */
  readonly unixMs: () => number;
  /** Resolves after everything else that is ready had its turn. */
  readonly turn: () => Promise<void>;
  /** Runs `work` after so many milliseconds, at most 2^31 - 1, unless the function it returns is called first; keeps no process alive. */
  readonly after: (ms: number, work: () => void) => () => void;
}

export const systemClock: Clock = {
  now: () => steadyMs(),
  unixMs: () => wallMs(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** 64 random bits. */
export function systemRandom(): bigint {
  return fill(new BigUint64Array(1))[0]!;
}
