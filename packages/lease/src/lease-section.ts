/**
 * Leases inside one section of the store: rows change at once, with the section's other changes; what is in memory, when it has ended.
 *
 * SEC1  Nothing in memory changes before the section has ended well, so there is nothing to undo (law 3).
 * SEC2  The section sees its own grants and revocations. An id that it revoked is free again in the next one.
 * SEC3  Dead once the section has ended.
 */
import { MvccError, type WriteTxn } from '@varve/mvcc';
import { byteKey, compareBytes } from '@varve/base/order';
import { leaseBucket } from './bucket.ts';
import { checkId, checkTtl } from './checks.ts';
import { LeaseError, notFound, printId } from './errors.ts';
import { leaseKey, leaseValue } from './lease-row.ts';
import type { LeaseState } from './lease-state.ts';
import type { LeaseCheckpoint, LeaseTxn } from './lessor.ts';

export interface SectionSettings {
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly persistCheckpoints: boolean;
  readonly random: () => bigint;
}

/** Ids in a row that are all taken tell that `random` is none. */
const MOST_DRAWS = 100;

export class LeaseSection implements LeaseTxn {
  readonly granted: Map<bigint, number> = new Map();
  readonly revoked: Set<bigint> = new Set();
  readonly checkpoints: LeaseCheckpoint[] = [];
  readonly #state: LeaseState;
  readonly #settings: SectionSettings;
  #txn: WriteTxn | undefined;
  #hasBucket: boolean;

  /** @param hasBucket whether the bucket is known to be there */
  constructor(state: LeaseState, txn: WriteTxn, settings: SectionSettings, hasBucket: boolean) {
    this.#state = state;
    this.#txn = txn;
    this.#settings = settings;
    this.#hasBucket = hasBucket;
  }

  /** Whether the bucket is there when the section has ended well. */
  get hasBucket(): boolean {
    return this.#hasBucket;
  }

  /** Ends it. */
  leave(): void {
    this.#txn = undefined;
  }

  grant(ttl: number, id?: bigint): { readonly id: bigint; readonly ttl: number } {
    const txn = this.#live();
    if (id !== undefined) checkId(id);
    checkTtl(ttl);
    if (id === 0n) throw new LeaseError('LEASE_NOT_FOUND', 'a lease cannot have the id 0; leave it out to get one');
    const { minTtl, maxTtl } = this.#settings;
    if (ttl > maxTtl) throw new LeaseError('LEASE_TTL_TOO_LARGE', `a TTL of ${ttl} s: at most ${maxTtl}`);
    const chosen = id ?? this.#draw();
    if (this.#taken(chosen)) throw new LeaseError('LEASE_EXISTS', `there is a lease ${printId(chosen)} already`);
    const lease = { id: chosen, ttl: Math.max(ttl, minTtl) };
    this.#putRow(txn, lease.id, lease.ttl, 0);
    this.granted.set(lease.id, lease.ttl);
    return lease;
  }

  check(id: bigint): void {
    this.#live();
    checkId(id);
    if (id !== 0n && !this.#exists(id)) throw notFound(id);
  }

  revoke(id: bigint): number {
    const txn = this.#live();
    checkId(id);
    if (!this.#exists(id)) throw notFound(id);
    const keys = this.#keysOf(id, txn).sort(compareBytes);
    for (const key of keys) txn.deleteRange(key);
    txn.rows.delete(leaseBucket, leaseKey(id));
    this.revoked.add(id);
    return keys.length;
  }

  checkpoint(checkpoint: LeaseCheckpoint): void {
    const txn = this.#live();
    const { id, remaining } = checkpoint;
    checkId(id);
    if (!Number.isSafeInteger(remaining) || remaining < 0)
      throw new RangeError('remaining must be a whole number of seconds');
    if (!this.#exists(id)) return;
    const ttl = this.granted.get(id) ?? this.#state.leases.ttl.get(this.#state.leases.find(id));
    if (this.#settings.persistCheckpoints) this.#putRow(txn, id, ttl, remaining);
    this.checkpoints.push({ id, remaining });
  }

  #putRow(txn: WriteTxn, id: bigint, ttl: number, remaining: number): void {
    if (!this.#hasBucket) txn.rows.createBucket(leaseBucket);
    this.#hasBucket = true;
    txn.rows.put(leaseBucket, leaseKey(id), leaseValue({ id, ttl, remaining }));
  }

  /** The keys that would belong to the lease if the section ended here. */
  #keysOf(id: bigint, txn: WriteTxn): Uint8Array[] {
    const lease = this.#state.leases.find(id);
    const before = lease === 0 ? [] : this.#state.attachments.keys(lease);
    const changes = txn.changes();
    if (changes.length === 0) return before;
    const changed = new Map(changes.map(({ kv }) => [byteKey(kv.key), kv]));
    const kept = before.filter((key) => !changed.has(byteKey(key)));
    return [...kept, ...[...changed.values()].filter((kv) => kv.lease === id).map(({ key }) => key)];
  }

  #exists(id: bigint): boolean {
    return !this.revoked.has(id) && (this.granted.has(id) || this.#state.leases.find(id) !== 0);
  }

  /** As far as a new lease is concerned: one that this section revoked has its id still. */
  #taken(id: bigint): boolean {
    return this.granted.has(id) || this.#state.leases.find(id) !== 0;
  }

  #draw(): bigint {
    for (let draws = 0; draws < MOST_DRAWS; draws++) {
      const id = BigInt.asUintN(63, this.#settings.random());
      if (id !== 0n && !this.#taken(id)) return id;
    }
    throw new LeaseError('LEASE_EXISTS', `${MOST_DRAWS} random ids in a row are taken: look at random`);
  }

  #live(): WriteTxn {
    if (this.#txn === undefined) throw new MvccError('MVCC_CLOSED', 'the transaction has ended');
    return this.#txn;
  }
}
