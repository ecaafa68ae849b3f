/**
 * How catch-up shares the event loop with writers: for the time it takes, others get as much (law 10).
 *
 * WP1  What others get while history is read counts as catch-up's time: how much of it theirs was is not to be known.
 *      So that a slow medium does not hold it up for long, no debt is greater than `MOST_OWED_MS`.
 * WP2  Nobody is waited for: a turn that passes at once, and in which nothing was written, says that all others are
 *      idle, and ends the debt. Writers that wait for a commit are not idle: they get their turn as soon as it ends.
 * WP3  Catch-up gains on writers, whatever it costs them: a rest ends when `limit` is visible.
 */
import type { Clock } from './clock.ts';
import { SLICE_MS } from './clock.ts';

/** Debts that are smaller are saved up: a turn has its price, too. */
const SMALLEST_REST_MS = 1;
const MOST_OWED_MS = 2 * SLICE_MS;
/** A turn in which nothing happens takes some ten microseconds. */
const IDLE_TURN_MS = 0.1;

/** What a pace needs to know of the store. */
export interface Written {
  rev(): number;
  finishedRev(): number;
}

export class Pace {
  readonly #clock: Clock;
  readonly #store: Written;
  /** Others had their last turn; the work or the rest that goes on began. */
  #turnAt = 0;
  #since = 0;
  #owedMs = 0;

  constructor(clock: Clock, store: Written) {
    this.#clock = clock;
    this.#store = store;
  }

  /** Work begins, in a turn of its own. */
  begin(): void {
    this.#repay();
    this.#turnAt = this.#since;
  }

  /** Others had a turn, as in every reading of a slice's length (law 10 of the layers below). */
  turned(): void {
    this.#turnAt = this.#clock.now();
  }

  /** Work pauses. */
  leave(): void {
    const time = this.#clock.now();
    this.#owedMs = Math.min(this.#owedMs + time - this.#since, MOST_OWED_MS);
    this.#since = time;
  }

  /** Whether a slice has passed since others had a turn. */
  get sliceOver(): boolean {
    return this.#clock.now() - this.#turnAt >= SLICE_MS;
  }

  /** Between two pieces of work: others get what they are owed, where that is worth a turn, until `limit` is visible. */
  async rest(limit: number): Promise<void> {
    this.leave();
    if (this.#owedMs >= SMALLEST_REST_MS) {
      while (this.#owedMs > 0 && this.#store.rev() < limit) await this.#giveTurn();
    }
    if (!this.sliceOver) return;
    await this.#clock.turn();
    this.begin();
  }

  async #giveTurn(): Promise<void> {
    const finished = this.#store.finishedRev();
    const commits = this.#store.rev() < finished;
    const before = this.#clock.now();
    // Turn after turn would keep the processor busy for nothing while they wait.
    await (commits && this.#owedMs >= SMALLEST_REST_MS ? this.#clock.pause(SMALLEST_REST_MS) : this.#clock.turn());
    this.begin();
    const passedAtOnce = this.#since - before < IDLE_TURN_MS;
    if (passedAtOnce && !commits && this.#store.finishedRev() === finished) this.#owedMs = 0;
  }

  #repay(): void {
    const time = this.#clock.now();
    this.#owedMs = Math.max(0, this.#owedMs - (time - this.#since));
    this.#since = time;
  }
}
