/**
 * The keys with a lease that a restore found, packed: a key's bytes and twelve more, and no object until somebody asks.
 *
 * LA1  In the order in which the restore met them. What `list` makes is the caller's alone.
 */
import type { LeaseAttachment } from './store.ts';

export class LeaseAttachments {
  readonly #keys: Uint8Array;
  readonly #ends: Uint32Array;
  readonly #leases: BigInt64Array;

  /** @param leases by key, as latin1 */
  constructor(leases: ReadonlyMap<string, bigint>) {
    let length = 0;
    for (const key of leases.keys()) length += key.length;
    const keys = Buffer.allocUnsafeSlow(length);
    this.#keys = keys;
    this.#ends = new Uint32Array(leases.size);
    this.#leases = new BigInt64Array(leases.size);
    let at = 0;
    let i = 0;
    for (const [key, lease] of leases) {
      at += keys.write(key, at, 'latin1');
      this.#ends[i] = at;
      this.#leases[i] = lease;
      i++;
    }
  }

  list(): readonly LeaseAttachment[] {
    return Array.from(this.#leases, (lease, i) => ({
      key: this.#keys.slice(this.#ends[i - 1] ?? 0, this.#ends[i]),
      lease,
    }));
  }
}
