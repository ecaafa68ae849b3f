/**
 * Leases in order of their next checkpoint: a list linked both ways.
 *
 * CQ1  Every lease waits as long as any other, so whoever comes last is last: `append` is all the ordering there is.
 * CQ2  A lease stands in it once, and `checkpointAt` is 0 for one that does not.
 *
 * etcd: the heap leaseCheckpointHeap of server/lease/lessor.go. Departs: one entry a lease.
 */
import type { LeaseTable } from './lease-table.ts';

export class CheckpointQueue {
  readonly #leases: LeaseTable;
  #first = 0;
  #last = 0;

  constructor(leases: LeaseTable) {
    this.#leases = leases;
  }

  /** The lease whose time comes first, or 0. */
  get first(): number {
    return this.#first;
  }

  get firstAt(): number {
    return this.#first === 0 ? Infinity : this.#leases.checkpointAt.get(this.#first);
  }

  /** Takes the lease to the end of the list. @param at not before the time of any other, and not 0 */
  append(lease: number, at: number): void {
    this.remove(lease);
    const { checkpointAt, checkpointBefore, checkpointAfter } = this.#leases;
    checkpointAt.set(lease, at);
    checkpointBefore.set(lease, this.#last);
    checkpointAfter.set(lease, 0);
    if (this.#last === 0) this.#first = lease;
    else checkpointAfter.set(this.#last, lease);
    this.#last = lease;
  }

  remove(lease: number): void {
    const { checkpointAt, checkpointBefore, checkpointAfter } = this.#leases;
    if (checkpointAt.get(lease) === 0) return;
    checkpointAt.set(lease, 0);
    const before = checkpointBefore.get(lease);
    const after = checkpointAfter.get(lease);
    if (before === 0) this.#first = after;
    else checkpointAfter.set(before, after);
    if (after === 0) this.#last = before;
    else checkpointBefore.set(after, before);
  }

  clear(): void {
    this.#first = 0;
    this.#last = 0;
    this.#leases.checkpointAt.fill(0);
  }

  /** @throws Error when the links or the order are wrong */
  checkInvariants(): void {
    const { checkpointAt, checkpointBefore, checkpointAfter } = this.#leases;
    let before = 0;
    let time = 0;
    for (let lease = this.#first; lease !== 0; lease = checkpointAfter.get(lease)) {
      if (checkpointBefore.get(lease) !== before) throw new Error(`lease ${lease} has lost who is before it`);
      const at = checkpointAt.get(lease);
      if (at === 0 || at < time) throw new Error(`lease ${lease} is checkpointed at ${at}, after one at ${time}`);
      before = lease;
      time = at;
    }
    if (before !== this.#last) throw new Error(`the list ends with ${before}, not with ${this.#last}`);
  }
}
