/** For tests: time that stands still until it is moved; the wall clock goes along, and can be set. Turns of the event loop are Node's. */
import { worldOf, type World } from '../world.ts';
import { nodeClock } from './clock.ts';
import { nodeWorld } from './world.ts';

export class StandingClock {
  ms = 0;
  wallMs = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly work: () => void }>();

  /** Node's, with this clock. */
  readonly world: World = worldOf({
    ...nodeWorld,
    clock: {
      ...nodeClock,
      now: () => this.ms,
      unixMs: () => this.wallMs,
      after: (ms, work) => {
        const timer = { at: this.ms + ms, work };
        this.#timers.add(timer);
        return () => void this.#timers.delete(timer);
      },
    },
  });

  /** Milliseconds until each timer that waits, the next one first. */
  get waiting(): readonly number[] {
    return [...this.#timers].map(({ at }) => at - this.ms).toSorted((a, b) => a - b);
  }

  /** Goes on by so many milliseconds, and runs what is due by then, once. */
  advance(ms: number): void {
    this.ms += ms;
    this.wallMs += ms;
    for (const timer of [...this.#timers]) {
      // One may have been taken back by another one.
      if (timer.at <= this.ms && this.#timers.delete(timer)) timer.work();
    }
  }
}
