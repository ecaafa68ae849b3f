/**
 * How background work shares the event loop: for the time it takes, it owes as much to others (law 10).
 *
 * PA1  What others get while the work waits for a scan or a commit counts.
 * PA2  Nobody is waited for: a turn of the loop that passes at once says that all others are idle, and ends the debt.
 * PA3  Save where others are known to wait for a medium: they need turns that come soon, and get them for as long as
 *      is owed.
 */
import type { Clock } from '@varve/base/clock';
import { WORK_MS } from '@varve/base/pace';
import { Debt, IDLE_TURN_MS, SHORTEST_PAUSE_MS } from '@varve/base/debt';

export class Pace {
  readonly #clock: Clock;
  readonly #debt: Debt;
  #busyMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#debt = new Debt(clock);
  }

  /** The work goes on; since `leave` the loop was others'. */
  enter(): void {
    this.#debt.enter();
  }

  /** The work is about to wait for something. */
  leave(): void {
    this.#busyMs += this.#debt.leave();
  }

  /** Whether the work has gone on for so long that others are to have a turn. */
  get over(): boolean {
    return this.#clock.now() - this.#debt.since > WORK_MS;
  }

  /** Milliseconds of work since the last call. */
  takeBusy(): number {
    const busyMs = this.#busyMs;
    this.#busyMs = 0;
    return busyMs;
  }

  /** Gives turns to others until they had what is owed, or want no more (PA2); one turn at the least. */
  async rest(): Promise<void> {
    const debt = this.#debt;
    do {
      const before = this.#clock.now();
      await this.#clock.turn();
      if (this.#clock.now() - before < IDLE_TURN_MS) debt.owedMs = 0;
      else debt.enter();
    } while (debt.owedMs > 0);
  }

  /** As `rest`, where others wait for a medium (PA3). */
  async restFully(signal: AbortSignal): Promise<void> {
    const { owedMs } = this.#debt;
    await (owedMs < SHORTEST_PAUSE_MS ? this.#clock.turn() : this.#clock.pause(owedMs, signal));
    this.#debt.enter();
  }
}
