/**
 * How background work shares the event loop: for the time it takes, it owes as much to others (law 10).
 *
 * PA1  What others get while the work waits for a scan or a commit counts; a timer is set only for the rest.
 * PA2  Small debts are saved up: timers are a millisecond coarse.
 */
import { nextTurn, now, pause } from './clock.ts';

const SHORTEST_PAUSE_MS = 4;

export class Pace {
  #since: number = now();
  #owedMs = 0;
  #busyMs = 0;

  /** The work goes on; since `leave` the loop was others'. */
  enter(): void {
    const time = now();
    this.#owedMs = Math.max(0, this.#owedMs - (time - this.#since));
    this.#since = time;
  }

  /** The work is about to wait for something. */
  leave(): void {
    const time = now();
    this.#owedMs += time - this.#since;
    this.#busyMs += time - this.#since;
    this.#since = time;
  }

  /** Milliseconds of work since the last call. */
  takeBusy(): number {
    const busyMs = this.#busyMs;
    this.#busyMs = 0;
    return busyMs;
  }

  /** Waits for what is owed, and for one turn at the least. */
  async rest(signal: AbortSignal): Promise<void> {
    await (this.#owedMs < SHORTEST_PAUSE_MS ? nextTurn() : pause(this.#owedMs, signal));
  }
}
