/**
 * Time and turns of the event loop; nothing else in this package asks for either.
 *
 * CL1  All of it is taken once, when this file is loaded: a test that replaces timers and clocks afterwards replaces its
 *     own, and work in hand does not hang on them. Names of `node:timers` alone would not do: they can be replaced, too.
 * CL2  No timer keeps the process alive. Work left when nothing else does so is for `last-call.ts`.
 */
import * as timers from 'node:timers';

const { clearTimeout, setImmediate, setTimeout } = timers;
const now = performance.now.bind(performance);

/** Longest time our own work may hold the event loop (law 10). */
const sliceMs = 2;

/** Runs `callback` after the promises and callbacks that are ready now. */
function nextTurn(callback: () => void): void {
  setImmediate(callback);
}

export function turn(): Promise<void> {
  return new Promise(nextTurn);
}

export interface Timers {
  /** Runs `callback` once, after so many milliseconds; gives what ends it before. */
  start(callback: () => void, ms: number): () => void;
}

export const systemTimers: Timers = {
  start(callback, ms) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Tells long work when to let others run. */
export class Slice {
  #end: number = now() + sliceMs;

  /** Costs some 40 ns: ask every few rows. */
  get over(): boolean {
    return now() > this.#end;
  }

  async turn(): Promise<void> {
    await turn();
    this.#end = now() + sliceMs;
  }
}
