/**
 * Who waits for a revision to come.
 *
 * FAR1  Everybody who waits is told in the step in which the revision can be read, or by the clock, the signal, or the end.
 */
import { KvError } from '@varve/api';
import { onAbort } from '@varve/base/abort';
import type { Clock } from '@varve/base/clock';
import { deferred, type Deferred } from '@varve/base/deferred';

interface Waiter {
  readonly revision: number;
  readonly came: Deferred<void>;
}

export class Arrivals {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  came(revision: number): void {
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.came.resolve();
  }

  end(reason: unknown): void {
    for (const { came } of this.#waiters) came.reject(reason);
  }

  /** @param here says where the copy is @throws KvError `KV_BEHIND` when it takes longer; the signal's reason */
  async wait(revision: number, ms: number, signal: AbortSignal | undefined, here: () => number): Promise<void> {
    signal?.throwIfAborted();
    const waiter: Waiter = { revision, came: deferred<void>() };
    const late = (): void => {
      const message = `the follower is at revision ${here()}, and ${revision} did not come within ${ms} ms: try again, or ask the source`;
      waiter.came.reject(new KvError('KV_BEHIND', message, { revision: here() }));
    };
    const stop = this.#clock.after(ms, late);
    const letGo = signal && onAbort(signal, () => waiter.came.reject(signal.reason));
    // Whoever waits has work to do.
    const release = this.#clock.keepAlive();
    this.#waiters.add(waiter);
    try {
      await waiter.came.promise;
    } finally {
      this.#waiters.delete(waiter);
      stop();
      letGo?.();
      release();
    }
  }
}
