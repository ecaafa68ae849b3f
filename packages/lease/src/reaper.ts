/**
 * Takes leases away that have run out: each in a section of its own, as a revision of its own.
 *
 * REA1  All that runs out stands in one line and is taken slice by slice (law 10), no faster than commits follow (law 9).
 * REA2  One that cannot be taken away stays; the loop hands it over again.
 */
import type { Store } from '@varve/mvcc';
import type { Clock } from '@varve/base/clock';
import { Slice } from '@varve/base/pace';

export class Reaper {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #revoke: (id: bigint) => void;
  readonly #failed: (error: unknown) => void;
  #ended = false;
  #last: Promise<void> = Promise.resolve();

  /**
   * @param revoke takes a lease away, unless it is gone or has time left
   * @param failed told of what `revoke` throws
   */
  constructor(store: Store, clock: Clock, revoke: (id: bigint) => void, failed: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#revoke = revoke;
    this.#failed = failed;
  }

  /** Never rejects. */
  take(ids: readonly bigint[]): Promise<void> {
    this.#last = this.#last.then(() => this.#take(ids));
    return this.#last;
  }

  /** Resolves when the lease that it is at has been dealt with; nothing is taken any more. */
  end(): Promise<void> {
    this.#ended = true;
    return this.#last;
  }

  async #take(ids: readonly bigint[]): Promise<void> {
    const slice = new Slice(this.#clock);
    for (const id of ids) {
      if (slice.over) await slice.turn();
      try {
        if (!this.#store.admitting) await this.#store.admit();
        if (this.#ended) return;
        this.#revoke(id);
      } catch (error) {
        if (this.#ended) return;
        this.#failed(error);
        // What stands in the way of one mostly stands in the way of all.
        return;
      }
    }
  }
}
