/**
 * The timers of this package, in one place (decisions/0021). Those that repeat keep no process alive.
 *
 * All of it is taken once, when this file is loaded: a test that replaces timers and clocks afterwards replaces its own,
 * and no call hangs on them.
 */
import * as timers from 'node:timers';

const { clearInterval, setImmediate: realImmediate, setInterval } = timers;
const steadyMs = performance.now.bind(performance);

/** One slice of the event loop. */
const sliceMs = 5;
/** When the slice under way is over; 0 in a turn in which nobody has asked yet. */
let sliceEnd = 0;

/** Whether this turn of the event loop has lasted a slice, counted from the first question in it. */
export function sliceOver(): boolean {
  const now = steadyMs();
  if (sliceEnd > 0) return now >= sliceEnd;
  sliceEnd = now + sliceMs;
  realImmediate(() => {
    sliceEnd = 0;
  });
  return false;
}

/** Lets everything run that is ready to. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

/** As `breathe`; then a slice begins. */
export async function nextSlice(): Promise<void> {
  await breathe();
  sliceOver();
}

/** Calls `tick` after each `everyMs` until the function it returns is called. */
export function every(everyMs: number, tick: () => void): () => void {
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** The longest there is: 24.8 days. */
const longestMs = 0x7fffffff;
let waiting = 0;
let holding: NodeJS.Timeout | undefined;

/**
 * Keeps the process alive until the function it returns is called: Node counts timers and sockets, not promises. One timer for
 * all, there only while somebody waits.
 */
export function keepAlive(): () => void {
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
}
