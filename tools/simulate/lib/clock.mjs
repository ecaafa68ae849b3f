// @ts-check
/**
 * Simulated time, for the world that a store is opened in.
 *
 * SCL1  Nothing of the process is replaced: who is given this clock lives by it, everybody else by the system's.
 * SCL2  Time passes when somebody looks at the clock, and with each turn of the event loop while a timer waits. Where slices end
 *       and timers fire is so a matter of the seed, never of the machine.
 * SCL3  Turns (`setImmediate`) stay the system's: their order is that of the calls.
 *
 * @typedef {import('@varve/base/clock').Clock} Clock
 * @typedef {{ at: number, readonly call: () => void, readonly everyMs: number | undefined }} Timer
 */
import { Random } from '../../run/random.mjs';

const turnMs = 1;
const began = 1_700_000_000_000;

export class SimulatedClock {
  #now = 0;
  #random = new Random(0);
  #ticking = false;
  /** @type {Set<Timer>} */
  #timers = new Set();

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

  /** What stores are given. @type {Clock} */
  clock = {
    now: () => this.#look(),
    unixMs: () => began + Math.floor(this.#look()),
    soon: (work) => void setImmediate(work),
    turn: () => turns(1),
    after: (ms, work) => this.#start(work, ms, undefined),
    every: (ms, work) => this.#start(work, ms, ms),
    pause: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const finish = () => {
          stop();
          signal?.removeEventListener('abort', finish);
          resolve();
        };
        const stop = this.#start(finish, ms, undefined);
        signal?.addEventListener('abort', finish);
      }),
    // The process is the simulation's own: nothing keeps it alive, and no history ends with it.
    keepAlive: () => () => {},
    onLastCall: () => () => {},
  };

  #look() {
    // Mostly next to nothing; now and then a slice is over at once.
    this.#now += this.#random.chance(0.02) ? 3 * this.#random.next() : 0.01;
    return this.#now;
  }

  /** @param {() => void} call @param {number} ms @param {number | undefined} everyMs @returns {() => void} what ends it */
  #start(call, ms, everyMs) {
    /** @type {Timer} */
    const timer = { at: this.#now + ms, call, everyMs };
    this.#timers.add(timer);
    this.#tick();
    return () => void this.#timers.delete(timer);
  }

  #tick() {
    if (this.#ticking || this.#timers.size === 0) return;
    this.#ticking = true;
    setImmediate(() => {
      this.#ticking = false;
      this.#now += turnMs;
      for (const timer of [...this.#timers]) {
        if (timer.at > this.#now || !this.#timers.has(timer)) continue;
        if (timer.everyMs === undefined) this.#timers.delete(timer);
        else timer.at += timer.everyMs;
        timer.call();
      }
      this.#tick();
    });
  }
}

/** @param {number} count turns of the event loop */
export async function turns(count) {
  for (let turn = 0; turn < count; turn++)
    await new Promise((/** @type {(value: void) => void} */ resolve) => setImmediate(resolve));
}
