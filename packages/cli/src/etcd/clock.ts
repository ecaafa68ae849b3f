/** The one door to time and timers of this program. No timer keeps it alive. */
const steadyMs = performance.now.bind(performance);

/** Milliseconds since 1970. */
export function wallMs(): number {
  return Date.now();
}

/** Milliseconds that only go forward. */
export function nowMs(): number {
  return steadyMs();
}

/** Calls `tick` after each `everyMs` until the function it returns is called. */
export function every(everyMs: number, tick: () => void): () => void {
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
