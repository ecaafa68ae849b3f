/**
 * Time and turns of the event loop; nothing else in this package asks for either.
 *
 * T1  A turn is real even where tests replace the global timers: work in hand must not hang on a fake clock.
 * T2  Timers go through the globals, so a fake clock drives them, and they never keep the process alive.
 */
import { setImmediate as realImmediate } from 'node:timers';

/** Longest time our own work may hold the event loop (law 10). */
const sliceMs = 2;

/** Runs `callback` after the promises and callbacks that are ready now. */
function nextTurn(callback: () => void): void {
  realImmediate(callback);
}

export function turn(): Promise<void> {
  return new Promise(nextTurn);
}

export function startTimer(callback: () => void, ms: number): NodeJS.Timeout {
  const timer = setTimeout(callback, ms);
  timer.unref();
  return timer;
}

/** Tells long work when to let others run. */
export class Slice {
  #end: number = performance.now() + sliceMs;

  /** Costs some 40 ns: ask every few rows. */
  get over(): boolean {
    return performance.now() > this.#end;
  }

  async turn(): Promise<void> {
    await turn();
    this.#end = performance.now() + sliceMs;
  }
}
