/**
 * The typed face of a write section, for `kv.write`.
 *
 * WS1 Keys, values and limits are checked call by call: what throws undoes the whole transaction (law 3).
 * WS2 Of no use once the body has returned, and says so whatever it is given.
 */
import type { Entry, Range, DeleteSelector, SignalOptions } from '@varve/api';
import {
  checkNames,
  checkOptionalBoolean,
  checkOptionalInteger,
  checkSignalOptions,
  invalidType,
  type Records,
} from '@varve/api/implement';
import type { WriteTxn } from '@varve/watch';
import type { Core } from './core.ts';
import { runDelete } from './deletion.ts';
import type { SectionListOptions, WriteResult, WriteSection } from './embedded.ts';
import { section } from './writer.ts';

/** Runs `body` as one transaction. */
export function writeSection<K, V, T>(
  core: Core,
  records: Records<K, V>,
  body: (section: WriteSection<K, V>) => T,
  options: SignalOptions,
): Promise<WriteResult<K, V, T>> {
  return core.call(async () => {
    if (typeof body !== 'function') throw invalidType('the body of a write must be a function');
    checkSignalOptions(options);
    const { value, revision, changes } = await section<T>(core, { signal: options.signal }, (txn) => {
      const opened = new StoreSection(core, txn, records);
      try {
        return body(opened);
      } finally {
        opened.end();
      }
    });
    // Decoded when looked at: a codec that throws must not make a finished write look like a failed one.
    return { value, revision, events: () => changes.map((change) => records.event(change)) };
  });
}

const listNames = ['limit', 'reverse'];

class StoreSection<K, V> implements WriteSection<K, V> {
  readonly revision: number;
  readonly #core: Core;
  readonly #records: Records<K, V>;
  #open: WriteTxn | undefined;

  constructor(core: Core, txn: WriteTxn, records: Records<K, V>) {
    this.revision = txn.rev();
    this.#core = core;
    this.#open = txn;
    this.#records = records;
  }

  /** The body has returned. */
  end(): void {
    this.#open = undefined;
  }

  get(key: K): Entry<K, V> | undefined {
    const kv = this.#txn.get(this.#records.keys.encode(key));
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

  put(key: K, value: V): void {
    const txn = this.#txn;
    const keyBytes = this.#records.newKey(key);
    const valueBytes = this.#records.newValue(value, keyBytes);
    txn.put(keyBytes, valueBytes);
  }

  delete(selector: DeleteSelector<K>): number {
    const txn = this.#txn;
    const at = this.#records.keys.selectDoomed(selector);
    return runDelete(txn, this.#records, { at, previous: false }).deleted;
  }

  get #txn(): WriteTxn {
    if (this.#open !== undefined) return this.#open;
    this.#core.check();
    throw invalidType('the section is over: use it inside the body of write only');
  }
}
