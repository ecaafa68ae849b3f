/**
 * Waiting for commits, in groups: one question to the store for everybody who finished since the last one.
 *
 *   finished, finished  ->  store.settled()  ->  made visible, watchers have it  ->  all waiters of the group
 *         finished (meanwhile)  ->  the next group
 *
 * L1  A waiter is answered after everything that finished before it asked has been made visible by `visible` (law 1).
 * L2  One question is under way at a time; it is asked a microtask after the first of the group has finished.
 * L3  A failure answers its group and nothing else; unheard rejections are nobody's problem (R15).
 */
import { deferred, rejectQuietly, type Deferred } from './deferred.ts';

export class Settling {
  readonly #settled: () => Promise<void>;
  /** Makes visible, and hands to watchers, what the store says is visible. */
  readonly #visible: () => void;
  #next: Deferred<void> | undefined;
  #current: Deferred<void> | undefined;

  constructor(settled: () => Promise<void>, visible: () => void) {
    this.#settled = settled;
    this.#visible = visible;
  }

  /** Something has finished. */
  finished(): void {
    if (this.#next !== undefined) return;
    this.#next = deferred();
    if (this.#current === undefined) void this.#run();
  }

  /** Settles with the group that what finished last belongs to; `undefined` when nothing is under way. */
  waiter(): Promise<void> | undefined {
    return (this.#next ?? this.#current)?.promise;
  }

  /** Resolves when nothing is under way any more. Never rejects. */
  async idle(): Promise<void> {
    for (let waiter = this.waiter(); waiter !== undefined; waiter = this.waiter()) {
      await waiter.catch(() => undefined);
    }
  }

  async #run(): Promise<void> {
    for (let group = this.#next; group !== undefined; group = this.#next) {
      this.#current = group;
      await Promise.resolve();
      this.#next = undefined;
      await this.#settle(group);
      this.#current = undefined;
    }
  }

  async #settle(group: Deferred<void>): Promise<void> {
    try {
      await this.#settled();
      this.#visible();
      group.resolve();
    } catch (error) {
      rejectQuietly(group, error);
    }
  }
}
