/**
 * The typed face of a write section, for `kv.write`.
 *
 * Keys, values and limits are checked call by call: what throws undoes the whole transaction (law 3).
 */
import type { WriteTxn } from '@varve/watch';
import { checkNames, checkOptionalInteger } from './checks.ts';
import type { Entry, Range, Selector, WriteSection } from './kv.ts';
import type { Records } from './records.ts';

const listNames = ['limit'];

export class StoreSection<K, V> implements WriteSection<K, V> {
  readonly revision: number;
  readonly #txn: WriteTxn;
  readonly #records: Records<K, V>;

  constructor(txn: WriteTxn, records: Records<K, V>) {
    this.revision = txn.rev();
    this.#txn = txn;
    this.#records = records;
  }

  get(key: K): Entry<K, V> | undefined {
    const kv = this.#txn.get(this.#records.keys.encode(key));
    return kv === undefined ? undefined : this.#records.entry(kv, key);
  }

  list(range: Range<K>, options: { readonly limit?: number | undefined } = {}): readonly Entry<K, V>[] {
    checkNames(options, 'options', listNames);
    checkOptionalInteger(options.limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
    const { key, end } = this.#records.keys.bounds(range);
    return this.#txn.range(key, end, { limit: options.limit }).kvs.map((kv) => this.#records.entry(kv));
  }

  count(range: Range<K>): number {
    const { key, end } = this.#records.keys.bounds(range);
    return this.#txn.range(key, end, { countOnly: true }).count;
  }

  put(key: K, value: V): void {
    this.#txn.put(this.#records.newKey(key), this.#records.newValue(value));
  }

  delete(selector: Selector<K>): number {
    const { key, end } = this.#records.keys.selectDoomed(selector);
    return this.#txn.deleteRange(key, end).deleted;
  }
}
