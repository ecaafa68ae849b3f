/**
 * What a store tells those who were there when it was built: watchers, leases, whoever keeps something beside it.
 *
 *   finished ──> finished ──> (commit) ──> visible          or, for all that is not visible yet, failed | swapped
 *
 * OB1  Every call is made in the tick in which the thing happens, in the order of the observers, and in order of time.
 *      When the call comes, the store says the same to everybody: at `visible(7)`, `rev()` is 7.
 * OB2  A member does its work at once, does not write to the store, and does not throw: what it throws is a failure of
 *      the commit for all who wait for it.
 * OB3  `visible` comes before anybody who waits for that revision is answered (law 1).
 */
import type { Change, LeaseAttachment, Rows, Store, StoreMetrics } from './store.ts';

/** A transaction that has changed something. */
export interface FinishedTransaction {
  readonly revision: number;
  /** Whether a put of it names a lease. Known without asking for the changes. */
  readonly hasLease: boolean;
  /** In execution order: sub-revision 0, 1, 2 ... Nobody changes it any more. Made when they are first asked for. */
  readonly changes: readonly Change[];
}

/** The data that a store is about to work on. */
export interface NextData {
  readonly rows: Rows;
  /** The live keys of these data that carry a lease, made one by one. */
  readonly leaseAttachments: Iterable<LeaseAttachment>;
}

/** Every member is optional: leave out what you do not need. */
export interface StoreObserver {
  /** A transaction has finished: writers see it, nobody else does, and it may still be lost. Revisions come in order. */
  finished?(transaction: FinishedTransaction): void;
  /** Every transaction up to `revision` has become visible. */
  visible?(revision: number): void;
  /** A commit has failed: what had not become visible never will. Called once. */
  failed?(error: unknown): void;
  /**
   * The store is about to move to other data: who keeps something beside it loads its own of them, aside, while the old go
   * on. The store waits; a rejection ends the restore, which then has changed nothing. `swapped` follows, unless the restore fails.
   */
  swapping?(next: NextData): Promise<void>;
  /** The data are those of another backend now, and `revision` is what is visible of them; the rest is gone. */
  swapped?(revision: number): void;
  /**
   * The store is closing: it takes no more writes. What has finished becomes visible still, then `settled` resolves, after
   * which nothing can be read. The store waits for what is returned; called once.
   */
  closing?(settled: Promise<void>): Promise<void>;
  /**
   * The keys that belong to a lease, for the index checkpoint: those of this moment, and of later ones as the iteration goes on. A key
   * that changes meanwhile may be left out, or come twice. Undefined: not known now. Left out: nobody keeps them but the records.
   */
  leaseAttachments?(): Iterable<LeaseAttachment> | undefined;
  /** Counters and gauges to show among the store's own. */
  metrics?(): StoreMetrics;
}

/** Makes an observer of a store that is about to open; the store is at its first visible revision already. */
export type ObserverFactory = (store: Store) => StoreObserver;
