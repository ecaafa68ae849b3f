/**
 * The one door to time and timers of this package. No timer keeps the process alive: connections do.
 *
 * All of it is taken once, when this file is loaded: a test that replaces timers afterwards replaces its own.
 */
import * as timers from 'node:timers';

const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = timers;
const steadyMs = performance.now.bind(performance);
const wallMs = Date.now;

/** Milliseconds that only go forward. */
export function nowMs(): number {
  return steadyMs();
}

/** What a calendar says, for what leaves this process with a date on it. */
export function now(): Date {
  return new Date(wallMs());
}

/** Calls `tick` after each `everyMs` until the function it returns is called. */
export function every(everyMs: number, tick: () => void): () => void {
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Runs `work` after so many milliseconds, unless the function it returns is called first. */
export function after(afterMs: number, work: () => void): () => void {
  const timer = setTimeout(work, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
}

/**
 * As `after`, for who waits for others: what had come by then has been read when `work` runs. After a stall timers that are over come before input that is
 * there, so a turn of the event loop lies between.
 */
export function afterInput(afterMs: number, work: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const cancel = after(afterMs, () => {
    turn = setImmediate(work);
  });
  return () => {
    cancel();
    clearImmediate(turn);
  };
}

/** Runs `work` when all that is going on now is over. */
export function soon(work: () => void): void {
  setImmediate(work);
}

/** Seconds since 1970. */
export function unixSeconds(): number {
  return wallMs() / 1000;
}

/** Seconds that this process has run. */
export function uptimeSeconds(): number {
  return process.uptime();
}
