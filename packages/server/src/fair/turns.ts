/**
 * When a request is carried out: at once, while there is time in this turn of the event loop; and then each connection in its turn.
 *
 *     requests ──> a slice of time is left: now ────────────────────> carried out
 *            └──> none: a line, by address and connection ──> the next slices
 *
 * SVTU1  Between two slices the event loop takes what has come meanwhile, so whoever asks for little waits a slice or two, whatever
 *     others ask for (R99, law 10). One request that takes longer than a slice takes that long.
 * SVTU2  What waits is bounded by those who bound requests: nothing is refused here.
 */
import { nowMs, soon } from '../clock.ts';
import { placeOf } from './place.ts';
import { WaitingLine } from './waiting-line.ts';

const SLICE_MS = 10;

/** What the dispatcher needs of the clock; tests have their own. */
export interface TurnClock {
  nowMs(): number;
  soon(work: () => void): void;
}

export class Turns {
  readonly #line: WaitingLine<() => void> = new WaitingLine(Infinity);
  readonly #clock: TurnClock;
  /** When this slice began; undefined: nothing was done since the last one was over. */
  #began: number | undefined;

  constructor(clock: TurnClock = { nowMs, soon }) {
    this.#clock = clock;
  }

  /** Does the work, now or soon. It must not throw. @param peer asked for only if the work waits */
  run(peer: () => string, work: () => void): void {
    const now = this.#clock.nowMs();
    if (this.#began === undefined) {
      this.#began = now;
      this.#clock.soon(() => void this.#next());
    }
    if (this.#line.size === 0 && now - this.#began < SLICE_MS) work();
    else this.#line.add(work, placeOf(peer(), ''));
  }

  /** Resolves when there is time. */
  turn(peer: () => string): Promise<void> {
    return new Promise((resolve) => this.run(peer, resolve));
  }

  async #next(): Promise<void> {
    const began = this.#clock.nowMs();
    this.#began = began;
    for (let work = this.#line.next(); work !== undefined; work = this.#line.next()) {
      work();
      // What the work goes on with belongs to the slice, too.
      await Promise.resolve();
      if (this.#clock.nowMs() - began >= SLICE_MS) break;
    }
    if (this.#line.size === 0) this.#began = undefined;
    else this.#clock.soon(() => void this.#next());
  }
}
