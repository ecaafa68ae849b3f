/**
 * All that is known of the leases of one store's data: the table, the keys, and the two queues over them.
 *
 * LST1  A place that leaves the table has left the queues and has no keys.
 * LST2  A key whose last change has a lease belongs to it if there is such a lease; otherwise to none: it is an orphan that never
 *       goes by itself (spec lease.md section 6.4).
 * LST3  While no key has a lease, a transaction that names none is not taken apart: its changes would be made for nothing, at every put.
 */
import type { FinishedTransaction, LeaseAttachment } from '@varve/mvcc';
import { Attachments } from './attachments.ts';
import { CheckpointQueue } from './checkpoint-queue.ts';
import { backgroundError } from './diagnostics.ts';
import { DueQueue } from './due-queue.ts';
import { notFound } from './errors.ts';
import { LeaseTable } from './lease-table.ts';
import type { Lease } from './lessor.ts';

export class LeaseState {
  readonly leases: LeaseTable = new LeaseTable();
  readonly attachments: Attachments = new Attachments(this.leases);
  readonly due: DueQueue = new DueQueue(this.leases);
  readonly checkpoints: CheckpointQueue = new CheckpointQueue(this.leases);

  /** Takes over what a transaction changed. */
  apply(transaction: FinishedTransaction): void {
    if (!transaction.hasLease && this.attachments.size === 0) return;
    for (const { kv } of transaction.changes) {
      const id = kv.lease;
      if (id === 0n) this.attachments.move(kv.key, 0);
      else this.attach(kv.key, id);
    }
  }

  attach(key: Uint8Array, id: bigint): void {
    const lease = this.leases.find(id);
    if (lease === 0) backgroundError('attach', notFound(id));
    this.attachments.move(key, lease);
  }

  /** The keys that belong to a lease; what changes meanwhile may be left out, or come twice. */
  *attached(): Generator<LeaseAttachment, void, void> {
    for (const { key, lease } of this.attachments.entries()) yield { key, lease: this.leases.id(lease) };
  }

  remove(lease: number): void {
    this.attachments.clear(lease);
    this.due.remove(lease);
    this.checkpoints.remove(lease);
    this.leases.remove(lease);
  }

  view(lease: number, now: number): Lease {
    const { leases } = this;
    return {
      id: leases.id(lease),
      ttl: leases.ttl.get(lease),
      remaining: (leases.expiry.get(lease) - now) / 1000,
      keyCount: leases.keyCount.get(lease),
    };
  }

  /** All of them, the one with least time left first. */
  list(now: number): Lease[] {
    const list: Lease[] = [];
    for (let place = 1; place < this.leases.end; place++) if (this.leases.has(place)) list.push(this.view(place, now));
    return list.sort((a, b) => (a.remaining < b.remaining ? -1 : Number(a.remaining > b.remaining)));
  }

  /** @throws Error when its structures contradict each other. @param runs whether leases may run out */
  checkInvariants(runs: boolean): void {
    this.leases.checkInvariants();
    this.attachments.checkInvariants();
    this.due.checkInvariants();
    this.checkpoints.checkInvariants();
    for (let place = 1; place < this.leases.end; place++) {
      const runsOut = this.leases.heapPlace.get(place) !== 0;
      if (this.leases.has(place)) {
        if (runsOut !== this.leases.expiry.get(place) < Infinity)
          throw new Error(`lease ${place} is queued or it is not`);
        if (runsOut && !runs) throw new Error(`lease ${place} runs out without a primary`);
        continue;
      }
      const queued = runsOut || this.leases.checkpointAt.get(place) !== 0;
      if (queued || this.leases.keyCount.get(place) !== 0)
        throw new Error(`place ${place} is no lease's and is in use`);
    }
  }
}
