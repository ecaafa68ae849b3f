/** Times of a client that stand still until they are moved: its leases, and how long it waits for a stream. Deadlines on the wire are Node's. */
import { nodeClock } from '@varve/base/node/clock';
import { StandingClock } from '@varve/base/node/standing-clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';

export class StandingTime {
  readonly #clock = new StandingClock();
  readonly world: World;

  constructor() {
    const { now, after } = this.#clock.world.clock;
    this.world = worldOf({ ...nodeWorld, clock: { ...nodeClock, now, after } });
  }

  advance(ms: number): void {
    this.#clock.advance(ms);
  }
}
