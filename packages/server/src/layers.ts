/**
 * What the server stands on, as one object: everything it needs of the layers below comes through here.
 *
 * SVLY1  The server reads and writes through the store, and rows of its own (alarms, members) in the store's sections; of the
 *     backend it only reads.
 * SVLY2  The layers are their owner's: closing the server leaves them open.
 * SVLY3  A store for servers is opened with a `maxDeletes` that no deletion reaches: etcd knows no bound. With another one, a
 *     larger deletion is answered `etcdserver: request is too large`, and nothing is deleted.
 */
import type { Backend, WatchableStore, WriteTxn } from '@varve/watch';

/** A set of rows that is not the store's. */
export type Bucket = Parameters<WriteTxn['rows']['createBucket']>[0];

export interface Layers {
  readonly store: WatchableStore;
  readonly backend: Backend;
  /** Without it there are no leases: nobody can be granted one, and none is found. */
  readonly lessor?: Lessor | undefined;
}

/** What the server needs of a lessor, which attaches and detaches keys by itself, as an observer of the store. */
export interface Lessor {
  /**
   * Grants a lease in a section of its own.
   * @param ttl whole seconds; raised to the least that there is
   * @param id absent: the lessor chooses
   * @throws an error with the code `LEASE_EXISTS` or `LEASE_TTL_TOO_LARGE`
   */
  grant(ttl: number, id?: bigint): { readonly id: bigint; readonly ttl: number };
  /** Deletes the lease and its keys in one section. @throws an error with the code `LEASE_NOT_FOUND` */
  revoke(id: bigint): number;
  /**
   * Starts the lease's time anew; resolves with its TTL in seconds. Of one that has run out it waits until its keys are gone.
   * Rejects with the code `LEASE_NOT_FOUND`.
   */
  renew(id: bigint): Promise<number>;
  /** The lease as it is now, `undefined` where there is none. */
  lookup(id: bigint): Lease | undefined;
  /** The keys that go with the lease, in byte order. */
  keys(id: bigint): readonly Uint8Array[];
  /** All leases, soonest first. */
  list(): readonly Lease[];
}

export interface Lease {
  readonly id: bigint;
  /** As granted, in seconds. */
  readonly ttl: number;
  /** Seconds that are left, 0 or less when it has run out and is not gone yet. */
  readonly remaining: number;
}
