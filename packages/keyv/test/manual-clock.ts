/** A clock that stands still until it is told to go on; turns of the event loop are Node's. */
import { nodeClock } from '@varve/base/node/clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';

export class ManualClock {
  #ms = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  readonly world: World = worldOf({
    ...nodeWorld,
    clock: {
      ...nodeClock,
      now: () => this.#ms,
      unixMs: () => 1_700_000_000_000 + this.#ms,
      after: (ms, work) => {
        const timer = { at: this.#ms + ms, run: work };
        this.#timers.add(timer);
        return () => void this.#timers.delete(timer);
      },
    },
  });

  goOn(ms: number): void {
    this.#ms += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#ms || !this.#timers.delete(timer)) continue;
      timer.run();
    }
  }
}
