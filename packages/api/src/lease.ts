/**
 * Leases: keys that go when nobody keeps them alive. `kv.lease` grants one, `put(key, value, { lease })` ties a key to it.
 *
 * LSE1  A lease lives at least its time to live after the last renewal, by the clock of the one who keeps the data. When it ends, its keys are
 *       deleted in one revision, which watchers see like any other.
 * LSE2  A lease belongs to the whole store: a name space is only a view, and one lease may hold keys of several.
 * LSE3  A write that names a lease is refused with `LEASE_NOT_FOUND` when there is none; nothing of it is done then.
 * LSE4  Of a lease that is over nothing brings back the keys: a renewal that comes too late is refused.
 *
 * etcd: Lease of rpc.proto and clientv3/lease.go (spec lease.md). Departs: seconds left have fractions; a lost lease says so by a signal.
 */
import type { SignalOptions } from './kv.ts';

/** A new lease. */
export interface GrantOptions extends SignalOptions {
  /** Seconds that it lives after each renewal; whole, from 1. A store may have a longer minimum: `Lease.ttl` tells. */
  readonly ttl: number;
  /** Its id, as hexadecimal text of up to 16 digits. @default one that is chosen */
  readonly id?: string | undefined;
  /**
   * Renew it by itself each third of `ttl`, until it is revoked or lost or the store is closed. Keeps no process alive. An attempt that
   * fails is made again at the next third. @default false: call `keepAlive()`
   */
  readonly keepAlive?: boolean | undefined;
}

/** A lease that is there already. */
export interface TakeUpOptions extends SignalOptions {
  /** Its id, as hexadecimal text. */
  readonly id: string;
  /** Never given: a lease that is taken up has its time already. */
  readonly ttl?: undefined;
  /** As for a new one. @default false */
  readonly keepAlive?: boolean | undefined;
}

export interface RevokeResult {
  /** The revision that deleted its keys, or the one it found when it had none. */
  readonly revision: number;
  /** How many keys were deleted. */
  readonly deleted: number;
}

/**
 * A lease that is held. `await using` revokes it, unless the store was closed before: then it runs out by itself.
 * Its `id` and `ttl` survive `JSON.stringify`.
 */
export interface Lease extends AsyncDisposable {
  /** Hexadecimal text, as entries have it. */
  readonly id: string;
  /** Seconds, as granted. */
  readonly ttl: number;
  /**
   * Aborts when the lease is lost: it has run out, also by the clock of this process; it was revoked, here or elsewhere; or nothing can be
   * said of it any more, since the store was closed or failed. The reason is the error: `LEASE_NOT_FOUND`, `KV_CLOSED`, `BACKEND_FAILED`.
   */
  readonly signal: AbortSignal;
  /**
   * Renews it once; resolves with the seconds it has again.
   * @throws `LEASE_NOT_FOUND` when it is over; `BACKEND_READ_ONLY` where nothing can be written
   */
  keepAlive(options?: SignalOptions): Promise<number>;
  /** Seconds left, with fractions; 0 when it is over. */
  remaining(options?: SignalOptions): Promise<number>;
  /**
   * Ends it and deletes its keys, in byte order, as one revision.
   * @throws `LEASE_NOT_FOUND` when it is over
   */
  revoke(options?: SignalOptions): Promise<RevokeResult>;
}

/** What is known of a lease that others may hold. */
export interface LeaseStatus {
  /** Hexadecimal text, as entries have it. */
  readonly id: string;
  /** Seconds, as granted. */
  readonly ttl: number;
  /** Seconds left, with fractions. `Infinity` where leases do not run out now, as in a store that is read only. */
  readonly remaining: number;
}

/** A lease to tie a key to: itself, or its id as entries have it. */
export type LeaseRef = string | { readonly id: string };

/** How a put may tie its key to a lease: to one that is there, or to one of its own. Not both. */
export interface LeaseChoice {
  /** The lease that the key goes with. A put without one takes the key off the lease it had. @default none */
  readonly lease?: LeaseRef | undefined;
  /** Seconds that the key lives: grants a lease in the same transaction, which nobody renews. Whole, from 1. @default for ever */
  readonly ttl?: number | undefined;
}

/** The part of a `Kv` that has to do with leases. */
export interface Leases {
  /**
   * Grants a lease, or takes up one that is there: `lease({ ttl: 30 })`, `lease({ id })`.
   * @throws `LEASE_EXISTS` for an id that is taken; `LEASE_NOT_FOUND` for one to take up that is not there; `LEASE_TTL_TOO_LARGE`
   */
  lease(options: GrantOptions | TakeUpOptions): Promise<Lease>;
  /** All leases of the store, the one with least time left first. */
  leases(options?: SignalOptions): Promise<readonly LeaseStatus[]>;
}
