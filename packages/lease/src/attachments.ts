/**
 * Which lease each key belongs to, and which keys each lease has, packed: some 80 bytes for a key of 32, and no object.
 *
 * AT1  A key belongs to one lease at the most, and is in that lease's list once.
 * AT2  Everything is one step, whatever the number of keys: a lease's keys are a list linked both ways.
 * AT3  A large table that has become empty gives its memory back.
 *
 * etcd: itemMap and itemSet of server/lease/lessor.go (spec lease.md sections 1.2, 4).
 */
import { Int32Column, LARGE } from './columns.ts';
import { HashChains } from './hash-chains.ts';
import { KeyBytes } from './key-bytes.ts';
import type { LeaseTable } from './lease-table.ts';

export class Attachments {
  readonly #leases: LeaseTable;
  readonly #bytes = new KeyBytes();
  readonly #hash = new Int32Column();
  readonly #next = new Int32Column();
  readonly #chunk = new Int32Column();
  readonly #length = new Int32Column();
  readonly #lease = new Int32Column();
  readonly #before = new Int32Column();
  readonly #after = new Int32Column();
  readonly #columns = [this.#hash, this.#next, this.#chunk, this.#length, this.#lease, this.#before, this.#after];
  readonly #chains = new HashChains(this.#next, (entry) => this.#hash.get(entry));
  #free = 0;
  #end = 1;

  constructor(leases: LeaseTable) {
    this.#leases = leases;
  }

  /** Keys that belong to a lease. */
  get size(): number {
    return this.#chains.size;
  }

  /** The place of the lease that the key belongs to, or 0. */
  leaseOf(key: Uint8Array): number {
    if (this.size === 0) return 0;
    const entry = this.#find(key, hashOf(key));
    return entry === 0 ? 0 : this.#lease.get(entry);
  }

  /** The key belongs to this lease from here on, and to no other; 0: to none. */
  move(key: Uint8Array, lease: number): void {
    if (lease === 0 && this.size === 0) return;
    const hash = hashOf(key);
    const entry = this.#find(key, hash);
    if (entry === 0) {
      if (lease !== 0) this.#link(this.#add(key, hash), lease);
      return;
    }
    if (this.#lease.get(entry) === lease) return;
    this.#unlink(entry);
    if (lease === 0) this.#remove(entry);
    else this.#link(entry, lease);
  }

  /** The lease has no key any more. */
  clear(lease: number): void {
    for (let entry = this.#leases.firstKey.get(lease); entry !== 0;) {
      const after = this.#after.get(entry);
      this.#remove(entry);
      entry = after;
    }
    this.#leases.firstKey.set(lease, 0);
    this.#leases.keyCount.set(lease, 0);
  }

  /**
   * All keys with the place of their lease, copies, in no order. What changes meanwhile may be left out, or come twice.
   */
  *entries(): Generator<{ readonly key: Uint8Array; readonly lease: number }, void, void> {
    for (let entry = 1; entry < this.#end; entry++) {
      const lease = this.#lease.get(entry);
      if (lease !== 0) yield { key: this.#bytes.read(this.#chunk.get(entry), this.#length.get(entry)), lease };
    }
  }

  /** Copies of the lease's keys, in no order. */
  keys(lease: number): Uint8Array[] {
    const keys: Uint8Array[] = [];
    for (let entry = this.#leases.firstKey.get(lease); entry !== 0; entry = this.#after.get(entry)) {
      keys.push(this.#bytes.read(this.#chunk.get(entry), this.#length.get(entry)));
    }
    return keys;
  }

  /** @throws Error when lists, table, and bytes tell different things */
  checkInvariants(): void {
    this.#chains.checkInvariants();
    this.#bytes.checkInvariants();
    let listed = 0;
    let chunks = 0;
    for (let lease = 1; lease < this.#leases.end; lease++) {
      if (!this.#leases.has(lease)) continue;
      let before = 0;
      let count = 0;
      for (let entry = this.#leases.firstKey.get(lease); entry !== 0; entry = this.#after.get(entry)) {
        const key = this.#bytes.read(this.#chunk.get(entry), this.#length.get(entry));
        if (this.#find(key, hashOf(key)) !== entry) throw new Error(`key ${entry} of lease ${lease} is not found`);
        if (this.#lease.get(entry) !== lease)
          throw new Error(`key ${entry} is in the list of lease ${lease}, not its own`);
        if (this.#before.get(entry) !== before)
          throw new Error(`key ${entry} of lease ${lease} has lost who is before it`);
        before = entry;
        count++;
        chunks += KeyBytes.chunksOf(key.length);
      }
      if (count !== this.#leases.keyCount.get(lease)) throw new Error(`lease ${lease} counts other keys than it has`);
      listed += count;
    }
    if (listed !== this.size) throw new Error(`${this.size} keys are counted, ${listed} are in lists`);
    if (chunks !== this.#bytes.chunks) throw new Error(`${this.#bytes.chunks} chunks are used, keys take ${chunks}`);
  }

  #find(key: Uint8Array, hash: number): number {
    let entry = this.#chains.first(hash);
    while (entry !== 0 && !this.#is(entry, key, hash)) entry = this.#next.get(entry);
    return entry;
  }

  #is(entry: number, key: Uint8Array, hash: number): boolean {
    return (
      this.#hash.get(entry) === hash &&
      this.#length.get(entry) === key.length &&
      this.#bytes.equals(this.#chunk.get(entry), key)
    );
  }

  #add(key: Uint8Array, hash: number): number {
    let entry = this.#free;
    if (entry !== 0) this.#free = this.#next.get(entry);
    else {
      entry = this.#end++;
      for (const column of this.#columns) column.reach(entry);
    }
    this.#hash.set(entry, hash);
    this.#chunk.set(entry, this.#bytes.add(key));
    this.#length.set(entry, key.length);
    this.#chains.add(entry);
    return entry;
  }

  #remove(entry: number): void {
    this.#chains.remove(entry);
    this.#bytes.remove(this.#chunk.get(entry));
    this.#lease.set(entry, 0);
    this.#next.set(entry, this.#free);
    this.#free = entry;
    if (this.size === 0 && this.#end > LARGE) this.#clear();
  }

  #clear(): void {
    for (const column of this.#columns) column.clear();
    this.#bytes.clear();
    this.#chains.clear();
    this.#free = 0;
    this.#end = 1;
  }

  #link(entry: number, lease: number): void {
    const { firstKey, keyCount } = this.#leases;
    const after = firstKey.get(lease);
    this.#lease.set(entry, lease);
    this.#before.set(entry, 0);
    this.#after.set(entry, after);
    if (after !== 0) this.#before.set(after, entry);
    firstKey.set(lease, entry);
    keyCount.set(lease, keyCount.get(lease) + 1);
  }

  #unlink(entry: number): void {
    const { firstKey, keyCount } = this.#leases;
    const lease = this.#lease.get(entry);
    const before = this.#before.get(entry);
    const after = this.#after.get(entry);
    if (before === 0) firstKey.set(lease, after);
    else this.#after.set(before, after);
    if (after !== 0) this.#before.set(after, before);
    keyCount.set(lease, keyCount.get(lease) - 1);
  }
}

/** FNV-1a, mixed once more at the end: its low bits, which choose the bucket, know only the last bytes well. */
function hashOf(key: Uint8Array): number {
  let hash = 0x811c_9dc5 | 0;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i]!, 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) | 0;
}
