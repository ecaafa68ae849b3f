/**
 * How catch-up shares the event loop with writers: for the time it takes, others get as much (law 10).
 *
 * WP1  What others get while history is read counts as catch-up's time: how much of it theirs was is not to be known.
 *      So that a slow medium does not hold it up for long, no debt is greater than `MOST_OWED_MS`.
 * WP2  Nobody is waited for: a turn that passes at once, and in which nothing was written, says that all others are
 *      idle, and ends the debt. Writers that wait for a commit are not idle: they get their turn as soon as it ends.
 * WP3  Catch-up gains on writers, whatever it costs them: a rest ends when `limit` is visible.
 */
import type { Clock } from '@varve/base/clock';
import { Debt, IDLE_TURN_MS, SHORTEST_PAUSE_MS } from '@varve/base/debt';
import { SLICE_MS } from '@varve/base/pace';

const MOST_OWED_MS = 2 * SLICE_MS;

/** What a pace needs to know of the store. */
export interface Written {
  rev(): number;
  finishedRev(): number;
}

export class Pace {
  readonly #clock: Clock;
  readonly #store: Written;
  readonly #debt: Debt;
  /** Others had their last turn. */
  #turnAt = 0;

  constructor(clock: Clock, store: Written) {
    this.#clock = clock;
    this.#store = store;
    this.#debt = new Debt(clock, MOST_OWED_MS);
  }

  /** Work begins, in a turn of its own. */
  begin(): void {
    this.#debt.enter();
    this.#turnAt = this.#debt.since;
  }

  /** Others had a turn, as in every reading of a slice's length (law 10 of the layers below). */
  turned(): void {
    this.#turnAt = this.#clock.now();
  }

  /** Work pauses. */
  leave(): void {
    this.#debt.leave();
  }

  /** Whether a slice has passed since others had a turn. */
  get sliceOver(): boolean {
    return this.#clock.now() - this.#turnAt >= SLICE_MS;
  }

  /** Between two pieces of work: others get what they are owed, where that is worth a turn, until `limit` is visible. */
  async rest(limit: number): Promise<void> {
    const debt = this.#debt;
    debt.leave();
    // A turn has its price, too: smaller debts are saved up.
    if (debt.owedMs >= SHORTEST_PAUSE_MS) {
      while (debt.owedMs > 0 && this.#store.rev() < limit) await this.#giveTurn();
    }
    if (!this.sliceOver) return;
    await this.#clock.turn();
    this.begin();
  }

  async #giveTurn(): Promise<void> {
    const debt = this.#debt;
    const finished = this.#store.finishedRev();
    const commits = this.#store.rev() < finished;
    const before = this.#clock.now();
    // Turn after turn would keep the processor busy for nothing while they wait.
    await (commits && debt.owedMs >= SHORTEST_PAUSE_MS ? this.#clock.pause(SHORTEST_PAUSE_MS) : this.#clock.turn());
    this.begin();
    const passedAtOnce = debt.since - before < IDLE_TURN_MS;
    if (passedAtOnce && !commits && this.#store.finishedRev() === finished) debt.owedMs = 0;
  }
}
