/**
 * What all views of one open store share: the layers below, the limits, and whether it is still open.
 *
 * O1  Closing happens once, in the reverse order of opening, to its end even when a step fails; the first failure is
 *     what `close` rejects with.
 * O2  Before anything is closed, what was written is committed, so that waiting writers get their answers (R8, R9).
 */
import type { Backend, WatchableStore } from '@varve/watch';
import { KvError } from './errors.ts';

export class Core {
  readonly store: WatchableStore;
  readonly backend: Backend;
  /** True when a write is answered after its commit (law 1). */
  readonly durableWrites: boolean;
  /** Ends a watch each. */
  readonly watches: Set<() => void> = new Set<() => void>();
  /** Optimistic transactions that lost an attempt and try again. */
  losers = 0;
  #closing: Promise<void> | undefined;

  constructor(store: WatchableStore, backend: Backend) {
    this.store = store;
    this.backend = backend;
    this.durableWrites = store.durability === 'commit';
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** @throws KvError `KV_CLOSED` */
  check(): void {
    if (this.#closing !== undefined) throw new KvError('KV_CLOSED', 'the store is closed; open it again to go on');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (step: () => Promise<void>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    await attempt(() => this.store.commit());
    for (const end of this.watches) end();
    await attempt(() => this.store.close());
    await attempt(() => this.backend.close());
    if (failures.length > 0) throw failures[0];
  }
}
