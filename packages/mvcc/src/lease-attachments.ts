/**
 * The keys with a lease that a restore found, packed: a key's bytes and twelve more, and no object until somebody asks.
 *
 * LA1  In the order in which the restore met them. What is made for a caller is the caller's alone.
 */
import type { LeaseAttachment } from './store.ts';

export class LeaseAttachments implements Iterable<LeaseAttachment> {
  readonly #keys: Uint8Array;
  readonly #ends: Uint32Array;
  readonly #leases: BigInt64Array;

  /** @param leases by key, as latin1 */
  constructor(leases: ReadonlyMap<string, bigint>) {
    let length = 0;
    for (const key of leases.keys()) length += key.length;
    // A plain array, whose slices are copies: those of a Buffer would share its bytes (LA1).
    const keys = new Uint8Array(length);
    this.#keys = keys;
    this.#ends = new Uint32Array(leases.size);
    this.#leases = new BigInt64Array(leases.size);
    let at = 0;
    let i = 0;
    for (const [key, lease] of leases) {
      for (let c = 0; c < key.length; c++) keys[at++] = key.charCodeAt(c);
      this.#ends[i] = at;
      this.#leases[i] = lease;
      i++;
    }
  }

  *[Symbol.iterator](): Generator<LeaseAttachment, void, void> {
    const ends = this.#ends;
    for (let i = 0; i < ends.length; i++) {
      yield { key: this.#keys.slice(i === 0 ? 0 : ends[i - 1], ends[i]), lease: this.#leases[i]! };
    }
  }
}
