/**
 * The contract of the lessor: it grants leases, knows which keys belong to them, and takes the keys of those that run out.
 *
 * LES1  A lease lives at least its TTL after the last renewal by the monotonic clock, whatever the wall clock does; after a restart at
 *       least what was left at its last checkpoint, or its TTL.
 * LES2  It goes at most one second later, while the process runs, the store takes writes, and no more fall due a second than
 *       `expiryRate`. What ran out while the store was closed goes while it opens, unless `downtime` is `'ignored'`; with
 *       `expiryRate` or `onExpired` as those want it.
 * LES3  A lease and its keys go in one commit: the keys in one revision, sorted, as deletions like any other.
 * LES4  Answers are those of a writer: what has finished. Await the store's `settled()` before you tell somebody else (law 1).
 * LES5  Ids are signed 64-bit numbers other than 0; TTLs whole seconds.
 *
 * etcd: server/lease/lessor.go (spec lease.md). Departs: it observes the store and is not called by it; expiry needs no consumer.
 */
import type { Finished, ObserverFactory, WriteTxn } from '@varve/mvcc';
import type { World } from '@varve/base/world';

export interface Lease {
  readonly id: bigint;
  /** Seconds, as granted: at least `minTtl`. */
  readonly ttl: number;
  /** Seconds left, with fractions; Infinity while the lessor is not primary; 0 or less for one that has run out and is not gone yet. */
  readonly remaining: number;
  /** How many keys belong to it. */
  readonly keyCount: number;
}

/** What a lease had left when it was checkpointed. */
export interface LeaseCheckpoint {
  readonly id: bigint;
  /** Whole seconds; 0: forget the checkpoint, the lease has its TTL again. */
  readonly remaining: number;
}

/** Leases inside a section of the store: what is done here is done with the section, or not at all. */
export interface LeaseTxn {
  /**
   * Grants a lease; it can be used in this very section. Makes no revision.
   * @param ttl whole seconds; below `minTtl` means `minTtl`
   * @param id absent: a random positive one
   * @throws LeaseError `LEASE_NOT_FOUND` for the id 0, `LEASE_TTL_TOO_LARGE`, `LEASE_EXISTS`; RangeError for a TTL or an id of the wrong kind
   */
  grant(ttl: number, id?: bigint): { readonly id: bigint; readonly ttl: number };
  /**
   * Call it for each lease that a section puts keys with, before its first change. 0n, for none, passes.
   * @throws LeaseError `LEASE_NOT_FOUND`
   */
  check(id: bigint): void;
  /**
   * Deletes the keys of the lease, in byte order, and the lease. Returns how many keys went; with none, no revision is made.
   * All in one section: some microseconds a key. @throws LeaseError `LEASE_NOT_FOUND`
   */
  revoke(id: bigint): number;
  /** Notes what a lease has left for the next restart or promotion; does not change when it runs out. Without effect for a lease that is gone. */
  checkpoint(checkpoint: LeaseCheckpoint): void;
}

export interface Lessor extends AsyncDisposable {
  /**
   * As `Store.write`, with leases. Other sections may put keys with leases too; only here can leases be granted and revoked.
   * @throws LeaseError `LEASE_CLOSED`; what `Store.write` throws
   */
  write<T>(body: (txn: WriteTxn, leases: LeaseTxn) => T): Finished<T>;
  /** A section of one grant. @throws as `LeaseTxn.grant`, and `LEASE_CLOSED` */
  grant(ttl: number, id?: bigint): { readonly id: bigint; readonly ttl: number };
  /** A section of one put with a lease; returns its revision. @throws LeaseError `LEASE_NOT_FOUND`, before anything changes */
  put(key: Uint8Array, value: Uint8Array, lease: bigint): number;
  /** A section of one revocation; returns how many keys went. @throws as `LeaseTxn.revoke`, and `LEASE_CLOSED` */
  revoke(id: bigint): number;
  /**
   * Gives the lease its whole TTL again; resolves with the TTL. Changes no revision, and writes only where there was a checkpoint.
   * A lease that has run out is not brought back: the promise waits until it is gone.
   * @throws LeaseError `LEASE_NOT_FOUND`, also after such a wait; `LEASE_NOT_PRIMARY`, also when the lessor is demoted or closed meanwhile
   */
  renew(id: bigint): Promise<number>;
  /** Writes checkpoints, a section for all of them. What a `checkpointer` of one's own calls in the end. */
  checkpoint(checkpoints: readonly LeaseCheckpoint[]): void;

  /** As `LeaseTxn.check`, outside of a section. */
  check(id: bigint): void;
  /** What is known of the lease; `undefined` where there is none. */
  lookup(id: bigint): Lease | undefined;
  /** The keys of the lease, in byte order; copies. Costs as much as sorting them. @throws LeaseError `LEASE_NOT_FOUND` */
  keys(id: bigint): readonly Uint8Array[];
  /** The lease that a live key belongs to, 0n for none. */
  leaseOf(key: Uint8Array): bigint;
  /** All leases, the one with least time left first. Costs as much as sorting them. */
  list(): readonly Lease[];
  /** How many leases there are. */
  readonly size: number;
  /**
   * Aborts when the lease is lost: it has run out by this clock, it was revoked, or nothing can be said of it any more since the
   * lessor was closed or a commit has failed. The reason is the error. @throws LeaseError `LEASE_NOT_FOUND`
   */
  signal(id: bigint): AbortSignal;

  /** Whether this lessor renews leases and lets them run out. */
  readonly primary: boolean;
  /**
   * From now on leases run out: each after what it has left, from now, and `extendMs`. In a lessor that is primary already all of them
   * begin anew. Resolves when all have begun; a demotion meanwhile ends it.
   */
  promote(extendMs?: number): Promise<void>;
  /** From now on no lease runs out, and renewals are refused. Idempotent. */
  demote(): void;
  /**
   * Ends it, before the store is closed: notes what each lease has left, so that the time until the store opens again counts. The keys
   * stay. Idempotent.
   */
  close(): Promise<void>;
  /** For tests. @throws Error when its structures contradict each other */
  checkInvariants(): void;
}

export interface LessorOptions {
  /** Seconds. @default 1; a server of etcd's has 2 */
  readonly minTtl?: number | undefined;
  /** Seconds. @default 9_000_000_000, as etcd's */
  readonly maxTtl?: number | undefined;
  /** Whether it is primary as soon as it is open. @default true; false for a server that is not ready, and for a store that is read only */
  readonly primary?: boolean | undefined;
  /** Leases a second that are taken away at most; also spreads a pile-up at a promotion. @default no limit; etcd has 1000 */
  readonly expiryRate?: number | undefined;
  /** After how long a lease that has run out and is still there is offered again. @default 3000 */
  readonly retryMs?: number | undefined;
  /**
   * Takes leases away that have run out; 16 calls may be under way. @default the lessor revokes them, slice by slice
   */
  readonly onExpired?: ((ids: readonly bigint[]) => Promise<void>) | undefined;
  /** How often what a long lease has left is written, and which leases are long; 0 for never. @default 300_000 */
  readonly checkpointIntervalMs?: number | undefined;
  /** Takes checkpoints where they have to go, and resolves when they are there. @default `Lessor.checkpoint`, and its commit */
  readonly checkpointer?: ((checkpoints: readonly LeaseCheckpoint[]) => Promise<void>) | undefined;
  /** Whether checkpoints are written to the rows. @default true */
  readonly persistCheckpoints?: boolean | undefined;
  /**
   * Whether the time between `close` and the next opening counts. It is told by the wall clock: set forward meanwhile, it takes
   * from leases what it was set by. After a crash nobody knows when it was, and nothing is taken. @default 'counts'; etcd ignores it
   */
  readonly downtime?: 'counts' | 'ignored' | undefined;
  /** 64 random bits, for ids. @default the system's */
  readonly random?: (() => bigint) | undefined;
  /** Clock and randomness, for tests: `@varve/base/world`. @default Node's */
  readonly world?: World | undefined;
}

/** A lessor of a store that is not open yet. */
export interface PreparedLessor {
  /** Goes among the `observers` of the store. */
  readonly observe: ObserverFactory;
  /**
   * Loads the leases and begins, before anybody else uses the store.
   * @throws LeaseError `LEASE_CORRUPT`; TypeError before the store is open
   */
  open(): Promise<Lessor>;
}

/** A lessor that may not be loaded yet. */
export interface LateLessor {
  /** Absent until it is loaded: then there is no lease. */
  readonly loaded: Lessor | undefined;
  /** Loads it, once; before a section that grants. Rejects with what loading failed with, and is tried again by the next call. */
  load(): Promise<Lessor>;
  /** As `Lessor.check`. */
  check(id: bigint): void;
  /** As `Lessor.write`. Until it is loaded, a section that grants throws `LEASE_CLOSED`. */
  write<T>(body: (txn: WriteTxn, leases: LeaseTxn) => T): Finished<T>;
  /** As `Lessor.close`; waits for a load that is under way. */
  close(): Promise<void>;
}

/** A late lessor of a store that is not open yet. */
export interface PreparedLateLessor {
  /** Goes among the `observers` of the store. */
  readonly observe: ObserverFactory;
  /**
   * Begins, before anybody else uses the store. @param mayHaveLeases whether the store has anything but records, which is when it is loaded now
   * @throws as `PreparedLessor.open`
   */
  open(mayHaveLeases: boolean): Promise<LateLessor>;
}
