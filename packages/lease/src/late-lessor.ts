/**
 * A lessor that is loaded when the first lease is asked for: a store without leases does without its code.
 *
 *   no lease ever ──> `write` with `noLeases`          the first grant ──> `load` ──> the lessor, as if it had been there from the start
 *
 * LTL1  Until it is loaded there is no lease: nobody can have granted one, and a store that may have some loads it while it opens.
 * LTL2  What the store tells before that is of no lease, and is passed over; from then on the lessor hears everything.
 * LTL3  A load that fails, as where a file cannot be fetched, is tried again by the next one.
 *
 * etcd: none. A server's lessor is there from the start (`prepare-lessor.ts`).
 */
import { loadLate } from '@varve/base/late';
import type { Finished, Store, StoreObserver, WriteTxn } from '@varve/mvcc';
import { closed, LeaseError, notFound } from './errors.ts';
import type { LateLessor, LeaseTxn, Lessor, LessorOptions, PreparedLateLessor } from './lessor.ts';

/** Leases inside a section of a store that has none. */
const noLeases: LeaseTxn = {
  grant: () => {
    throw new LeaseError('LEASE_CLOSED', 'the lessor is not loaded: await load() before a section that grants');
  },
  check: (id) => {
    if (id !== 0n) throw notFound(id);
  },
  revoke: (id) => {
    throw notFound(id);
  },
  checkpoint: () => undefined,
};

/** What the lessor counts, where there is nothing to count. */
const noCounts = {
  lease_granted_total: 0,
  lease_revoked_total: 0,
  lease_renewed_total: 0,
  leases: 0,
  leased_keys: 0,
};

/** Prepares a lessor that is not loaded yet. Its options are checked when it is. */
export function prepareLateLessor(options: LessorOptions): PreparedLateLessor {
  let late: Late | undefined;
  return {
    observe: (store) => {
      late = new Late(store, options);
      return late.observer;
    },
    open: async (mayHaveLeases) => {
      if (late === undefined) throw new TypeError('open the store first, with `observe` among its observers');
      if (mayHaveLeases) await late.load();
      return late;
    },
  };
}

class Late implements LateLessor {
  readonly observer: StoreObserver;
  loaded: Lessor | undefined;
  readonly #store: Store;
  readonly #options: LessorOptions;
  /** Of the lessor, from the moment on in which it begins to load what the store has. */
  #inner: StoreObserver | undefined;
  #loading: Promise<Lessor> | undefined;
  #closing: Promise<void> | undefined;

  constructor(store: Store, options: LessorOptions) {
    this.#store = store;
    this.#options = options;
    this.observer = {
      finished: (transaction) => this.#inner?.finished?.(transaction),
      failed: (error) => this.#inner?.failed?.(error),
      swapping: async (next) => {
        await this.load();
        await this.#inner?.swapping?.(next);
      },
      swapped: (revision) => this.#inner?.swapped?.(revision),
      closing: async (settled) => {
        await this.#inner?.closing?.(settled);
      },
      leaseAttachments: () => (this.#inner === undefined ? [] : this.#inner.leaseAttachments?.()),
      metrics: () => this.#inner?.metrics?.() ?? noCounts,
    };
  }

  load(): Promise<Lessor> {
    if (this.#closing !== undefined && this.loaded === undefined) return Promise.reject(closed());
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = this.#inner = undefined;
      throw error;
    });
    return this.#loading;
  }

  check(id: bigint): void {
    (this.loaded ?? noLeases).check(id);
  }

  write<T>(body: (txn: WriteTxn, leases: LeaseTxn) => T): Finished<T> {
    return this.loaded === undefined ? this.#store.write((txn) => body(txn, noLeases)) : this.loaded.write(body);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #load(): Promise<Lessor> {
    const { prepareLessor } = await loadLate(() => import('./prepare-lessor.ts'));
    const prepared = prepareLessor(this.#options);
    this.#inner = prepared.observe(this.#store);
    this.loaded = await prepared.open();
    return this.loaded;
  }

  async #close(): Promise<void> {
    await this.#loading?.catch(() => undefined);
    await this.loaded?.close();
  }
}
