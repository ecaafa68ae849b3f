/**
 * The store in this process, seen through one key space and one pair of codecs.
 *
 * The whole store and every name space in it are objects of this class over one `Core`; only the one that `open` returns
 * closes it. Each method checks and hands on: what it does stands in the file named for it.
 */
import type { Compaction, HashResult, Snapshot } from '@varve/watch';
import {
  checkInteger,
  checkNames,
  checkOptionalBoolean,
  checkRevision,
  checkSignal,
  checkSignalOptions,
} from './checks.ts';
import { backupTo } from './backup.ts';
import type { Core } from './core.ts';
import { invalidType } from './errors.ts';
import { historyOf } from './history.ts';
import type * as api from './kv.ts';
import type { Op, Txn, TxnResult } from './operations.ts';
import { StoreReader } from './reader.ts';
import type { Records } from './records.ts';
import { optimistic } from './transaction.ts';
import { planWatch, StoreWatch } from './watch.ts';
import { StoreSection } from './write-section.ts';
import { deleteKeys, putKey, runTransaction, section } from './writer.ts';

const namespaceNames = ['value'];
const compactNames = ['physical', 'signal'];

export class StoreKv<K, V> implements api.EmbeddedKv<K, V> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #present: StoreReader<K, V>;
  /** False for name spaces, which are views. */
  readonly #owner: boolean;

  constructor(core: Core, records: Records<K, V>, owner: boolean) {
    this.#core = core;
    this.#records = records;
    this.#present = new StoreReader(core, records);
    this.#owner = owner;
  }

  get revision(): number {
    this.#core.check();
    return this.#core.store.rev();
  }

  get(key: K, options?: api.SignalOptions): Promise<api.Entry<K, V> | undefined> {
    return this.#present.get(key, options);
  }

  list(range: api.Range<K>, options?: api.ListOptions): AsyncIterable<api.Entry<K, V>> {
    return this.#present.list(range, options);
  }

  page(range: api.Range<K>, options?: api.PageOptions): Promise<api.Page<K, V>> {
    return this.#present.page(range, options);
  }

  count(range: api.Range<K>, options?: api.SignalOptions): Promise<number> {
    return this.#present.count(range, options);
  }

  at(revision: number): api.Reader<K, V> {
    checkRevision(revision, 'revision');
    return new StoreReader(this.#core, this.#records, revision);
  }

  put(key: K, value: V, options?: api.PutOptions): Promise<api.PutResult<K, V>> {
    return putKey(this.#core, this.#records, key, value, options);
  }

  delete(key: api.Selector<K>, options?: api.DeleteOptions): Promise<api.DeleteResult<K, V>> {
    return deleteKeys(this.#core, this.#records, key, options);
  }

  txn<const Then extends readonly Op<K, V>[] = readonly [], const Else extends readonly Op<K, V>[] = readonly []>(
    txn: Txn<K, V, Then, Else>,
    options?: api.SignalOptions,
  ): Promise<TxnResult<K, V, Then, Else>> {
    return runTransaction(this.#core, this.#records, txn, options);
  }

  transaction<T>(
    body: (tx: api.Transaction<K, V>) => T | Promise<T>,
    options?: api.TransactionOptions,
  ): Promise<api.TransactionResult<T>> {
    return optimistic(this.#core, this.#records, body, options);
  }

  async write<T>(
    body: (section: api.WriteSection<K, V>) => api.Synchronous<T>,
    options?: api.SignalOptions,
  ): Promise<api.WriteResult<K, V, T>> {
    this.#core.check();
    if (typeof body !== 'function') throw invalidType('the body of a write must be a function');
    if (options !== undefined) checkSignalOptions(options);
    const records = this.#records;
    const { value, revision, changes } = await section<T>(this.#core, options?.signal, (txn) =>
      body(new StoreSection(txn, records)),
    );
    // Decoded when looked at: a codec that throws must not make a finished write look like a failed one.
    return { value, revision, events: () => changes.map((change) => records.event(change)) };
  }

  history(key: K, options?: api.HistoryOptions): AsyncIterable<api.KvEvent<K, V>> {
    return historyOf(this.#core, this.#records, key, options);
  }

  watch(key: api.Selector<K>, options: api.WatchOptions = {}): api.Watch<K, V> {
    this.#core.check();
    return new StoreWatch(this.#core, this.#records, this.#records.keys.select(key), planWatch(options));
  }

  namespace<W = V>(prefix: K, options: api.NamespaceOptions<W> = {}): api.EmbeddedKv<K, W> {
    checkNames(options, 'options', namespaceNames);
    return new StoreKv(this.#core, this.#records.inside(prefix, options.value), false);
  }

  async compact(revision: number, options: api.CompactOptions = {}): Promise<Compaction> {
    this.#core.check();
    checkRevision(revision, 'revision');
    checkNames(options, 'options', compactNames);
    checkOptionalBoolean(options.physical, 'physical');
    checkSignal(options.signal);
    const compaction = await this.#core.store.compact(revision);
    if (options.physical === true) await until(compaction.finished(), options.signal);
    return compaction;
  }

  async status(options?: api.SignalOptions): Promise<api.Status> {
    this.#core.check();
    if (options !== undefined) checkSignalOptions(options);
    return this.#status();
  }

  stats(): api.Stats {
    this.#core.check();
    const { store, backend } = this.#core;
    return {
      ...this.#status(),
      durable: backend.durable,
      readOnly: backend.readOnly,
      warnings: [...backend.warnings],
      commits: backend.commits,
      openReads: backend.openReadTxN,
      watch: store.watchStats,
      metrics: store.metrics,
    };
  }

  backup(path: string, options?: api.BackupOptions): Promise<api.BackupResult> {
    return backupTo(this.#core, path, options);
  }

  async snapshot(options: api.SignalOptions = {}): Promise<Snapshot> {
    this.#core.check();
    checkSignalOptions(options);
    return this.#core.store.snapshot(options);
  }

  async defrag(): Promise<void> {
    this.#core.check();
    await this.#core.store.defrag();
  }

  async hashByRev(revision = 0, options: api.SignalOptions = {}): Promise<HashResult> {
    this.#core.check();
    checkInteger(revision, 'revision', 0, Number.MAX_SAFE_INTEGER);
    checkSignalOptions(options);
    return this.#core.store.hashByRev(revision, options);
  }

  async settled(): Promise<void> {
    this.#core.check();
    await this.#core.store.settled();
  }

  async commit(): Promise<void> {
    this.#core.check();
    await this.#core.store.commit();
  }

  async close(): Promise<void> {
    if (this.#owner) await this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #status(): api.Status {
    const { store, backend } = this.#core;
    return {
      revision: store.rev(),
      compactRevision: store.firstRev(),
      size: backend.size,
      sizeInUse: backend.sizeInUse,
    };
  }
}

/** Waits for the work or the signal, whichever comes first; the work goes on. */
async function until(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: done.signal });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    done.abort();
  }
}
