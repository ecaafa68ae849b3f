/** An attempt of an optimistic transaction as one name space sees it. */
import type { Entry, Kv, Range, Transaction } from './kv.ts';
import type { LeaseChoice } from './lease.ts';
import type { Records } from './records.ts';

/** One run of a transaction's body, for whatever name space. */
export interface TransactionAttempt {
  readonly revision: number;
  get<K, V>(records: Records<K, V>, key: K): Promise<Entry<K, V> | undefined>;
  getMany<K, V>(records: Records<K, V>, keys: readonly K[]): Promise<readonly (Entry<K, V> | undefined)[]>;
  list<K, V>(records: Records<K, V>, range: Range<K>): Promise<readonly Entry<K, V>[]>;
  put<K, V>(records: Records<K, V>, key: K, value: V, options?: LeaseChoice): void;
  delete<K, V>(records: Records<K, V>, key: K): void;
  /** @throws TypeError `KV_INVALID` for a name space of another store */
  recordsOf<K, V, W>(namespace: Kv<K, V, W>): Records<K, V>;
}

export class TransactionView<K, V, W = V> implements Transaction<K, V, W> {
  readonly #attempt: TransactionAttempt;
  readonly #records: Records<K, V>;

  constructor(attempt: TransactionAttempt, records: Records<K, V>) {
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
