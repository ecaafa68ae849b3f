/** An attempt of an optimistic transaction as one name space sees it. */
import type { Entry, Kv, LeaseChoice, Range, Transaction } from '@varve/api';
import type { Records } from '@varve/api/implement';
import type { Attempt } from './attempt.ts';

export class TransactionView<K, V, W = V> implements Transaction<K, V, W> {
  readonly #attempt: Attempt;
  readonly #records: Records<K, V>;

  constructor(attempt: Attempt, records: Records<K, V>) {
    this.#attempt = attempt;
    this.#records = records;
  }

  get revision(): number {
    return this.#attempt.revision;
  }

  get(key: K): Promise<Entry<K, V> | undefined> {
    return this.#attempt.get(this.#records, key);
  }

  getMany(keys: readonly K[]): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#attempt.getMany(this.#records, keys);
  }

  list(range: Range<K>): Promise<readonly Entry<K, V>[]> {
    return this.#attempt.list(this.#records, range);
  }

  put(key: K, value: W, options?: LeaseChoice): void {
    this.#attempt.put(this.#records, key, value as unknown as V, options);
  }

  delete(key: K): void {
    this.#attempt.delete(this.#records, key);
  }

  in<L, X, Y>(namespace: Kv<L, X, Y>): Transaction<L, X, Y> {
    return new TransactionView<L, X, Y>(this.#attempt, this.#attempt.recordsOf(namespace));
  }
}
