/**
 * What an optimistic transaction has written and nobody has seen yet, by key: the last change of one counts.
 *
 * BFW1  Keys and values are the transaction's own, encoded when they are given.
 */
import { byteKey } from './byte-key.ts';
import { checkNames } from './checks.ts';
import type { Entry } from './kv.ts';
import { planLease, type LeasePlan } from './lease-plan.ts';
import type { LeaseChoice } from './lease.ts';
import type { Records } from './records.ts';

export interface BufferedWrite {
  readonly key: Uint8Array;
  /** `undefined` for a deletion. */
  readonly value: Uint8Array | undefined;
  readonly lease?: LeasePlan | undefined;
}

const putNames = ['lease', 'ttl'];

export class BufferedWrites {
  readonly #writes = new Map<string, BufferedWrite>();

  get size(): number {
    return this.#writes.size;
  }

  /** @param name of `byteKey` */
  get(name: string): BufferedWrite | undefined {
    return this.#writes.get(name);
  }

  /** @param name of `byteKey` */
  has(name: string): boolean {
    return this.#writes.has(name);
  }

  all(): IterableIterator<BufferedWrite> {
    return this.#writes.values();
  }

  put<K, V>(records: Records<K, V>, key: K, value: V, options: LeaseChoice = {}): void {
    checkNames(options, 'options', putNames);
    const lease = planLease(options);
    const bytes = records.newOwnKey(key);
    this.#writes.set(byteKey(bytes), { key: bytes, value: records.newOwnValue(value, bytes), lease });
  }

  delete<K, V>(records: Records<K, V>, key: K): void {
    const bytes = records.keys.encodeOwn(key);
    this.#writes.set(byteKey(bytes), { key: bytes, value: undefined });
  }
}

/** An own write as a read shows it; a lease that will be granted has no id yet. */
export function draftOf<K, V>(records: Records<K, V>, { key, value, lease }: BufferedWrite): Entry<K, V> | undefined {
  if (value === undefined) return undefined;
  return records.draft(key, value, lease !== undefined && 'id' in lease ? lease.id : 0n);
}
