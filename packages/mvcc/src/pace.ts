/**
 * How background work shares the event loop: for the time it takes, it owes as much to others (law 10).
 *
 * PA1  What others get while the work waits for a scan or a commit counts.
 * PA2  Nobody is waited for: a turn of the loop that passes at once says that all others are idle, and ends the debt.
 * PA3  Save where others are known to wait for a medium: they need turns that come soon, and get them for as long as
 *      is owed. Timers are a millisecond coarse, so smaller debts are saved up.
 */
import { nextTurn, now, pause } from './clock.ts';

/** A turn in which nothing happens takes some ten microseconds. */
const IDLE_TURN_MS = 0.1;
const SHORTEST_PAUSE_MS = 1;

export class Pace {
  #since: number = now();
  #owedMs = 0;
  #busyMs = 0;

  /** The work goes on; since `leave` the loop was others'. */
  enter(): void {
    this.#repay();
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

  /** Gives turns to others until they had what is owed, or want no more (PA2); one turn at the least. */
  async rest(): Promise<void> {
    do {
      const before = now();
      await nextTurn();
      if (now() - before < IDLE_TURN_MS) this.#owedMs = 0;
      else this.#repay();
    } while (this.#owedMs > 0);
  }

  /** As `rest`, where others wait for a medium (PA3). */
  async restFully(signal: AbortSignal): Promise<void> {
    await (this.#owedMs < SHORTEST_PAUSE_MS ? nextTurn() : pause(this.#owedMs, signal));
    this.#repay();
  }

  #repay(): void {
    const time = now();
    this.#owedMs = Math.max(0, this.#owedMs - (time - this.#since));
    this.#since = time;
  }
}
