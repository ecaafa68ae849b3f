/** The timers of this package, in one place (decision 19). Those that repeat keep no process alive. */

/** Lets everything run that is ready to. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls `tick` after each `everyMs` until the function it returns is called. */
export function every(everyMs: number, tick: () => void): () => void {
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
