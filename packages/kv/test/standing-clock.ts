/** Time that stands still until a test moves it; the wall clock goes along, and can be set. */
import { nodeClock } from '@varve/base/node/clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import { expect } from 'vitest';

export class StandingClock {
  ms = 0;
  wallMs = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly work: () => void }>();

  readonly world: World = worldOf({
    ...nodeWorld,
    clock: {
      ...nodeClock,
      now: () => this.ms,
      unixMs: () => this.wallMs,
      after: (ms, work) => {
        const timer = { at: this.ms + ms, work };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    },
  });

  /** Timers that wait. */
  get waiting(): readonly number[] {
    return [...this.#timers].map(({ at }) => at - this.ms).toSorted((a, b) => a - b);
  }

  /** Goes on by so many milliseconds, and runs what is due by then, once. */
  advance(ms: number): void {
    this.ms += ms;
    this.wallMs += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.ms)) {
      this.#timers.delete(timer);
      timer.work();
    }
  }
}

/** Lets everything that is under way go on until it is so; the bound is for what never comes, not for what is slow. */
export async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (const until = nodeClock.now() + 60_000; nodeClock.now() < until;) {
    if (isSo()) return;
    await new Promise(setImmediate);
  }
  expect.fail(`it never came to that: ${what}`);
}
