/**
 * All leases, by id, in columns: a place for each, and numbers in it.
 *
 * LT1  A place is a lease's from `add` to `remove`; then it may become another's.
 * LT2  An id is two integers of 32 bits, so that looking it up makes no BigInt.
 * LT3  `expiry` is a time of the monotonic clock in milliseconds, or Infinity where the lease does not run out: while the lessor is
 *      not primary. `ttl` and `remaining` are whole seconds; `remaining` is the last checkpoint, 0 for none.
 * LT4  A large table that has become empty gives its memory back.
 *
 * etcd: server/lease/lessor.go, the maps of lessor and the fields of Lease (spec lease.md section 1).
 */
import { DoubleColumn, Int32Column, LARGE } from './columns.ts';
import { HashChains } from './hash-chains.ts';

const wide = new BigInt64Array(1);
const halves = new Int32Array(wide.buffer);

export class LeaseTable {
  readonly ttl: DoubleColumn = new DoubleColumn();
  readonly remaining: DoubleColumn = new DoubleColumn();
  readonly expiry: DoubleColumn = new DoubleColumn();
  /** The first key attached to it, and how many there are; kept by the attachments. */
  readonly firstKey: Int32Column = new Int32Column();
  readonly keyCount: Int32Column = new Int32Column();
  /** Kept by the queue of what falls due: when to look at it, and where it stands in the heap. */
  readonly dueAt: DoubleColumn = new DoubleColumn();
  readonly heapPlace: Int32Column = new Int32Column();
  /** Kept by the queue of checkpoints: its neighbours there, and its time; 0 for a lease that is not in it. */
  readonly checkpointAt: DoubleColumn = new DoubleColumn();
  readonly checkpointBefore: Int32Column = new Int32Column();
  readonly checkpointAfter: Int32Column = new Int32Column();

  readonly #low = new Int32Column();
  readonly #high = new Int32Column();
  readonly #next = new Int32Column();
  readonly #columns = [
    this.ttl,
    this.remaining,
    this.expiry,
    this.firstKey,
    this.keyCount,
    this.dueAt,
    this.heapPlace,
    this.checkpointAt,
    this.checkpointBefore,
    this.checkpointAfter,
    this.#low,
    this.#high,
    this.#next,
  ];
  readonly #chains = new HashChains(this.#next, (lease) => hashOf(this.#low.get(lease), this.#high.get(lease)));
  #free = 0;
  #end = 1;

  get size(): number {
    return this.#chains.size;
  }

  /** One more than the highest place in use; places below it may be free (`has`). */
  get end(): number {
    return this.#end;
  }

  /** The place of a lease, 0 where there is none of that id. */
  find(id: bigint): number {
    wide[0] = id;
    const low = halves[0]!;
    const high = halves[1]!;
    let lease = this.#chains.first(hashOf(low, high));
    while (lease !== 0 && (this.#low.get(lease) !== low || this.#high.get(lease) !== high))
      lease = this.#next.get(lease);
    return lease;
  }

  /** @param id one that is not in the table, and not 0 */
  add(id: bigint, ttl: number, remaining: number): number {
    let lease = this.#free;
    if (lease !== 0) this.#free = this.#next.get(lease);
    else {
      lease = this.#end++;
      for (const column of this.#columns) column.reach(lease);
    }
    wide[0] = id;
    this.#low.set(lease, halves[0]!);
    this.#high.set(lease, halves[1]!);
    this.ttl.set(lease, ttl);
    this.remaining.set(lease, remaining);
    this.expiry.set(lease, Infinity);
    this.#chains.add(lease);
    return lease;
  }

  /** The lease has no keys any more and is in no queue. */
  remove(lease: number): void {
    this.#chains.remove(lease);
    this.#low.set(lease, 0);
    this.#high.set(lease, 0);
    this.#next.set(lease, this.#free);
    this.#free = lease;
    if (this.size === 0 && this.#end > LARGE) this.#clear();
  }

  /** Whether a lease has this place: no lease has the id 0. */
  has(place: number): boolean {
    return this.#low.get(place) !== 0 || this.#high.get(place) !== 0;
  }

  id(lease: number): bigint {
    halves[0] = this.#low.get(lease);
    halves[1] = this.#high.get(lease);
    return wide[0]!;
  }

  /** Seconds it has from a promotion on. */
  effectiveRemaining(lease: number): number {
    return this.remaining.get(lease) || this.ttl.get(lease);
  }

  #clear(): void {
    for (const column of this.#columns) column.clear();
    this.#chains.clear();
    this.#free = 0;
    this.#end = 1;
  }

  /** @throws Error when places in use and free ones are not all there are, or a lease cannot be found */
  checkInvariants(): void {
    this.#chains.checkInvariants();
    let used = 0;
    for (let place = 1; place < this.#end; place++) {
      if (!this.has(place)) continue;
      used++;
      if (this.find(this.id(place)) !== place)
        throw new Error(`lease ${this.id(place)} is not found at place ${place}`);
    }
    let free = 0;
    for (let place = this.#free; place !== 0 && free < this.#end; place = this.#next.get(place)) free++;
    if (used !== this.size) throw new Error(`${this.size} leases are counted, ${used} are there`);
    if (used + free !== this.#end - 1) throw new Error(`${used} places in use and ${free} free, of ${this.#end - 1}`);
  }
}

function hashOf(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35);
  return hash ^ (hash >>> 13);
}
