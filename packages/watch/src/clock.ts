/**
 * The one door to time and to turns of the event loop (decisions/0021).
 *
 * All of it is taken once, when this file is loaded: a test that replaces timers and clocks afterwards replaces its own,
 * and no watcher hangs on them. Timers never keep the process alive where they only give memory back.
 */
import * as timers from 'node:timers';

const { clearTimeout, setImmediate, setTimeout } = timers;
const steadyMs = performance.now.bind(performance);

/** One slice of the event loop (law 10). */
export const SLICE_MS = 5;

export interface Clock {
  /** Milliseconds that only go forward. */
  now(): number;
  /** Runs `work` in the next turn of the event loop. */
  soon(work: () => void): void;
  /** Resolves after everything else that is ready had its turn. */
  turn(): Promise<void>;
  /** Resolves after so many milliseconds. Keeps the process alive: whoever rests has work to do. */
  pause(milliseconds: number): Promise<void>;
  /** Runs `work` after so many milliseconds, unless the function it returns is called first. */
  after(milliseconds: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => steadyMs(),
  soon: (work) => {
    setImmediate(work);
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
