/** Long work in slices: it lets others run whenever it has held the event loop for long enough (law 10). */
import type { Clock } from './clock.ts';

/** Two pieces of long work, and what they are called from, fit into five milliseconds. */
const WORK_MS = 2;
/** Asking the clock costs some 40 ns. */
const STEPS = 16;

export class Slice {
  readonly #clock: Pick<Clock, 'now' | 'turn'>;
  #end: number;
  #steps = 0;

  constructor(clock: Pick<Clock, 'now' | 'turn'>) {
    this.#clock = clock;
    this.#end = clock.now() + WORK_MS;
  }

  /** Whether it is time for a turn; asks the clock every 16th time only. */
  due(): boolean {
    return (++this.#steps & (STEPS - 1)) === 0 && this.over;
  }

  get over(): boolean {
    return this.#clock.now() > this.#end;
  }

  /** Lets others run; then a slice begins. */
  async turn(): Promise<void> {
    await this.#clock.turn();
    this.#end = this.#clock.now() + WORK_MS;
  }
}
