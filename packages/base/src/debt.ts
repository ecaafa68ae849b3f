/**
 * What background work owes: for the time it takes, others get as much (law 10).
 *
 * DEB1  All that passes between `leave` and `enter` was others': how much of it they used is not to be known.
 * DEB2  A debt may have a bound, so that a slow medium does not hold the work up for long.
 */
import type { Clock } from './clock.ts';

/** A turn of the event loop that is shorter passed at once: nobody else had anything to do. */
export const IDLE_TURN_MS = 0.1;
/** Timers are so coarse: smaller debts are saved up. */
export const SHORTEST_PAUSE_MS = 1;

export class Debt {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #mostMs: number;
  /** When the work or the rest that goes on began. */
  since: number;
  owedMs = 0;

  constructor(clock: Pick<Clock, 'now'>, mostMs: number = Infinity) {
    this.#clock = clock;
    this.#mostMs = mostMs;
    this.since = clock.now();
  }

  /** The work pauses. @returns how long it went on, in milliseconds */
  leave(): number {
    const time = this.#clock.now();
    const workedMs = time - this.since;
    this.owedMs = Math.min(this.owedMs + workedMs, this.#mostMs);
    this.since = time;
    return workedMs;
  }

  /** The work goes on: what passed since `leave` is repaid. */
  enter(): void {
    const time = this.#clock.now();
    this.owedMs = Math.max(0, this.owedMs - (time - this.since));
    this.since = time;
  }
}
