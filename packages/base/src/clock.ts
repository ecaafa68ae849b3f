/**
 * Time, timers and turns of the event loop, as an argument (law 11). Types only; Node's own is `node/clock.ts`.
 *
 * CLK1  A clock's functions need no `this`, and each is one call: hot paths ask `now()` often.
 * CLK2  Timers of `after` and `every` keep no process alive: they end work that somebody else waits for, or none. `pause` and
 *       `keepAlive` do: whoever waits there has work to do.
 */

export interface Clock {
  /** Milliseconds, with fractions, that only go forward. */
  readonly now: () => number;
  /** Milliseconds since 1970, as files are stamped; may be set back. */
  readonly unixMs: () => number;
  /** Runs `work` in the next turn of the event loop, after all that is ready now. */
  readonly soon: (work: () => void) => void;
  /** Resolves in the next turn of the event loop, after all that is ready now. */
  readonly turn: () => Promise<void>;
  /** Runs `work` once, after so many milliseconds, unless the function it returns is called first. */
  readonly after: (ms: number, work: () => void) => () => void;
  /** Runs `work` after each so many milliseconds until the function it returns is called. */
  readonly every: (ms: number, work: () => void) => () => void;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. Never rejects. */
  readonly pause: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Keeps the process alive until the function it returns is called: Node counts timers and sockets, not promises. */
  readonly keepAlive: () => () => void;
  /** Runs `work` each time nothing keeps the process alive any more, until the function it returns is called. */
  readonly onLastCall: (work: () => Promise<void>) => () => void;
}
