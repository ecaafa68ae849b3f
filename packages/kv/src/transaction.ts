/**
 * Optimistic transactions: read one revision, buffer the writes, commit if what was read is still so, else begin again.
 *
 * Y1  An attempt reads one revision, so its body never sees half of another transaction.
 * Y2  Keys and ranges that were read are compared in the same section that writes: by the revision of each key's last
 *     change, and for ranges by the set of keys, too. Equal means: as if it had run in that instant.
 * Y3  Some transaction commits in every round. A loser waits for the winner's commit before it reads again, because it
 *     could not see it earlier (law 1); a winner lets losers go first, so that none is overtaken for ever.
 *
 * etcd: client/v3/concurrency/stm.go. Departs: ranges are read, too, and guarded against new and vanished keys.
 */
import { MvccError, type KeyValue, type WriteTxn } from '@varve/watch';
import { checkNames, checkOptionalInteger, checkSignal } from './checks.ts';
import { byteKey } from './byte-key.ts';
import { breathe } from './clock.ts';
import type { Core } from './core.ts';
import { invalidType, KvError } from './errors.ts';
import type { Entry, Range, Transaction, TransactionOptions, TransactionResult } from './kv.ts';
import { contains, type Bounds } from './range.ts';
import type { Records } from './records.ts';
import { section } from './writer.ts';

const optionNames = ['attempts', 'signal'];

export async function optimistic<K, V, T>(
  core: Core,
  records: Records<K, V>,
  body: (tx: Transaction<K, V>) => T | Promise<T>,
  options: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  core.check();
  if (typeof body !== 'function') throw invalidType('the body of a transaction must be a function');
  checkNames(options, 'options', optionNames);
  checkOptionalInteger(options.attempts, 'attempts', 1, Number.MAX_SAFE_INTEGER);
  const { attempts: most = 1000, signal } = options;
  let lost = 0;
  try {
    for (let attempts = 1; attempts <= most; attempts++) {
      checkSignal(signal);
      core.check();
      const attempt = new Attempt(core, records);
      const outcome = await attempt.run(body);
      const revision = outcome.valid ? await attempt.commit(signal) : undefined;
      if (outcome.valid && revision !== undefined) {
        if (core.losers > lost) await breathe();
        return { value: outcome.value, revision, attempts };
      }
      if (attempts === 1) core.losers += ++lost;
      await core.store.settled();
    }
  } finally {
    core.losers -= lost;
  }
  const message = `what the transaction read changed in each of ${most} attempts; try again, or read less`;
  throw new KvError('KV_CONFLICT', message);
}

interface Write {
  readonly key: Uint8Array;
  /** `undefined` for a deletion. */
  readonly value: Uint8Array | undefined;
}

/** One range that was read, and what was in it. */
interface RangeRead {
  readonly bounds: Bounds;
  readonly kvs: readonly KeyValue[];
}

class Attempt<K, V> implements Transaction<K, V> {
  readonly revision: number;
  readonly #core: Core;
  readonly #records: Records<K, V>;
  /** By `byteKey`, as the writes. */
  readonly #reads = new Map<string, { readonly key: Uint8Array; readonly modRevision: number }>();
  readonly #ranges: RangeRead[] = [];
  readonly #writes = new Map<string, Write>();
  #over = false;

  constructor(core: Core, records: Records<K, V>) {
    this.#core = core;
    this.#records = records;
    this.revision = core.store.rev();
  }

  async run<T>(body: (tx: Transaction<K, V>) => T | Promise<T>): Promise<{ valid: true; value: T } | { valid: false }> {
    try {
      return { valid: true, value: await body(this) };
    } catch (error) {
      // Compaction passed the revision under the body: no fault of its own, a newer one will do.
      const overtaken = error instanceof MvccError && error.code === 'MVCC_COMPACTED';
      if (overtaken && this.revision < this.#core.store.firstRev()) return { valid: false };
      throw error;
    } finally {
      this.#over = true;
    }
  }

  /** The revision of the commit, or `undefined` when something read has changed. */
  async commit(signal: AbortSignal | undefined): Promise<number | undefined> {
    // One revision was read, which is a point in time within the call: nothing to compare.
    if (this.#writes.size === 0) return this.revision;
    signal?.throwIfAborted();
    const finished = await section(this.#core, signal, (txn) => this.#unchanged(txn) && this.#apply(txn));
    return finished.value ? finished.revision : undefined;
  }

  async get(key: K): Promise<Entry<K, V> | undefined> {
    this.#check();
    const bytes = this.#records.keys.encodeOwn(key);
    const name = byteKey(bytes);
    const write = this.#writes.get(name);
    if (write !== undefined) return write.value && this.#records.draft(write.key, write.value);
    const kv = this.#core.store.get(bytes, { revision: this.revision });
    this.#reads.set(name, { key: bytes, modRevision: kv?.modRevision ?? 0 });
    return kv === undefined ? undefined : this.#records.entry(kv, key);
  }

  async list(range: Range<K>): Promise<readonly Entry<K, V>[]> {
    this.#check();
    const bounds = this.#records.keys.bounds(range);
    const { kvs } = await this.#core.store.range(bounds.key, bounds.end, { revision: this.revision });
    this.#ranges.push({ bounds, kvs });
    if (this.#writes.size === 0) return this.#records.entries(kvs);
    const entries = new Map<string, () => Entry<K, V>>();
    for (const kv of kvs) entries.set(byteKey(kv.key), () => this.#records.entry(kv));
    for (const [name, { key, value }] of this.#writes) {
      if (!contains(bounds, key)) continue;
      if (value === undefined) entries.delete(name);
      else entries.set(name, () => this.#records.draft(key, value));
    }
    return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry());
  }

  put(key: K, value: V): void {
    this.#check();
    const bytes = this.#records.newOwnKey(key);
    this.#writes.set(byteKey(bytes), { key: bytes, value: this.#records.newOwnValue(value) });
  }

  delete(key: K): void {
    this.#check();
    const bytes = this.#records.keys.encodeOwn(key);
    this.#writes.set(byteKey(bytes), { key: bytes, value: undefined });
  }

  #check(): void {
    this.#core.check();
    if (this.#over)
      throw invalidType('the transaction is over: use it inside its body only, and await what it returns');
  }

  #unchanged(txn: WriteTxn): boolean {
    for (const { key, modRevision } of this.#reads.values()) {
      if ((txn.get(key)?.modRevision ?? 0) !== modRevision) return false;
    }
    return this.#ranges.every(({ bounds, kvs }) => {
      const now = txn.range(bounds.key, bounds.end, { keysOnly: true }).kvs;
      return now.length === kvs.length && now.every((kv, i) => same(kv, kvs[i]));
    });
  }

  #apply(txn: WriteTxn): true {
    for (const { key, value } of this.#writes.values()) {
      if (value === undefined) txn.deleteRange(key);
      else txn.put(key, value);
    }
    return true;
  }
}

function same(a: KeyValue, b: KeyValue | undefined): boolean {
  return b !== undefined && a.modRevision === b.modRevision && Buffer.compare(a.key, b.key) === 0;
}
