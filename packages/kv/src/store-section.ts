/**
 * The typed face of a write section, for the body of `kv.write`; loaded with the first one (`write-section.ts`).
 *
 * WS1 Keys, values and limits are checked call by call: what throws undoes the whole transaction (law 3).
 * WS2 Of no use once the body has returned, and says so whatever it is given.
 */
import type { Entry, Kv, LeaseChoice, Range, DeleteSelector } from '@varve/api';
import {
  checkNames,
  checkOptionalBoolean,
  checkOptionalInteger,
  invalidType,
  planLease,
  type Records,
} from '@varve/api/implement';
import type { LeaseTxn } from '@varve/lease';
import type { WriteTxn } from '@varve/watch';
import type { Core } from './core.ts';
import { runDelete } from './deletion.ts';
import { leaseFor } from './lease-choice.ts';
import type { SectionListOptions, WriteSection } from './embedded.ts';

const listNames = ['limit', 'reverse'];
const putNames = ['lease', 'ttl'];

/** What all views of one section share. */
export interface Opened {
  readonly core: Core;
  readonly revision: number;
  readonly leases: LeaseTxn;
  /** Absent when the body has returned. */
  txn: WriteTxn | undefined;
}

export class StoreSection<K, V, W = V> implements WriteSection<K, V, W> {
  readonly revision: number;
  readonly #opened: Opened;
  readonly #records: Records<K, V>;

  constructor(opened: Opened, records: Records<K, V>) {
    this.revision = opened.revision;
    this.#opened = opened;
    this.#records = records;
  }

  in<L, X, Y>(namespace: Kv<L, X, Y>): WriteSection<L, X, Y> {
    void this.#txn;
    return new StoreSection<L, X, Y>(this.#opened, this.#opened.core.views.recordsOf(namespace));
  }

  get(key: K): Entry<K, V> | undefined {
    const kv = this.#txn.get(this.#records.keys.lend(key));
    return kv === undefined ? undefined : this.#records.entry(kv, key);
  }

  list(range: Range<K>, options: SectionListOptions = {}): readonly Entry<K, V>[] {
    const txn = this.#txn;
    checkNames(options, 'options', listNames);
    const { limit, reverse } = options;
    checkOptionalInteger(limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
    checkOptionalBoolean(reverse, 'reverse');
    const { key, end } = this.#records.keys.bounds(range);
    return txn.range(key, end, { limit, reverse }).kvs.map((kv) => this.#records.entry(kv));
  }

  count(range: Range<K>): number {
    const txn = this.#txn;
    const { key, end } = this.#records.keys.bounds(range);
    return txn.range(key, end, { countOnly: true }).count;
  }

  put(key: K, value: W, options: LeaseChoice = {}): void {
    const txn = this.#txn;
    checkNames(options, 'options', putNames);
    const lease = planLease(options);
    const keyBytes = this.#records.newKey(key);
    const valueBytes = this.#records.newValue(value as unknown as V, keyBytes);
    txn.put(keyBytes, valueBytes, leaseFor(this.#opened.leases, lease));
  }

  delete(selector: DeleteSelector<K>): number {
    const txn = this.#txn;
    const at = this.#records.keys.selectDoomed(selector);
    return runDelete(txn, this.#records, { at, previous: false }).deleted;
  }

  get #txn(): WriteTxn {
    if (this.#opened.txn !== undefined) return this.#opened.txn;
    this.#opened.core.check();
    throw invalidType('the section is over: use it inside the body of write only');
  }
}
