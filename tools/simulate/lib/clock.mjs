// @ts-check
/**
 * Simulated time, put in the place of the system's before any package is loaded.
 *
 * SCL1  The packages take clocks and timers once, at import: whoever installs this one must import them afterwards.
 * SCL2  Time passes when somebody looks at the clock, and with each turn of the event loop while a timer waits. Where slices end
 *       and timers fire is so a matter of the seed, never of the machine.
 * SCL3  Turns (`setImmediate`) stay the system's: their order is that of the calls.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import { Random } from '../../run/random.mjs';

const { setImmediate } = timers;
const turnMs = 1;

class SimulatedTimer {
  /** @param {() => void} end */
  constructor(end) {
    this.end = end;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  hasRef() {
    return false;
  }
}

export class SimulatedClock {
  #now = 0;
  #random = new Random(0);
  #ticking = false;
  /** @type {Map<SimulatedTimer, { readonly at: number, readonly call: () => void }>} */
  #timers = new Map();

  /** A history begins. @param {number} seed */
  begin(seed) {
    this.#now = 0;
    this.#random = new Random(seed, 1);
    this.#timers.clear();
  }

  /** Timers that wait. */
  get waiting() {
    return this.#timers.size;
  }

  now() {
    // Mostly next to nothing; now and then a slice is over at once.
    this.#now += this.#random.chance(0.02) ? 3 * this.#random.next() : 0.01;
    return this.#now;
  }

  /** @param {() => void} call @param {number} ms */
  start(call, ms) {
    const timer = new SimulatedTimer(() => this.#timers.delete(timer));
    this.#timers.set(timer, { at: this.#now + ms, call });
    this.#tick();
    return timer;
  }

  #tick() {
    if (this.#ticking || this.#timers.size === 0) return;
    this.#ticking = true;
    setImmediate(() => {
      this.#ticking = false;
      this.#now += turnMs;
      for (const [timer, { at, call }] of [...this.#timers]) {
        if (at <= this.#now && this.#timers.delete(timer)) call();
      }
      this.#tick();
    });
  }
}

/** Puts a simulated clock where the packages will look for one. */
export function installClock() {
  const clock = new SimulatedClock();
  performance.now = () => clock.now();
  Date.now = () => 1_700_000_000_000 + Math.floor(clock.now());
  /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (timers)).setTimeout = (
    /** @type {(...args: unknown[]) => void} */ call,
    /** @type {number | undefined} */ ms,
    /** @type {unknown[]} */ ...args
  ) => clock.start(() => call(...args), ms ?? 1);
  /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (timers)).clearTimeout = (
    /** @type {unknown} */ timer,
  ) => {
    if (timer instanceof SimulatedTimer) timer.end();
  };
  syncBuiltinESMExports();
  return clock;
}

/** @param {number} count turns of the event loop */
export async function turns(count) {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
