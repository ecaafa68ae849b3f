/**
 * The store in this process, seen through one key space and one pair of codecs.
 *
 * The whole store and every name space in it are objects of this class over one `Core`; only the one that `open` returns
 * closes it. Each method checks and hands on: what it does stands in the file named for it.
 * Below here what is put has the type of what is read: only the codec knows the difference.
 */
import type { Codec, Op, Txn, TxnResult } from '@varve/api';
import {
  checkInteger,
  checkNames,
  checkOptionalBoolean,
  checkRevision,
  checkSignal,
  checkSignalOptions,
  planWatch,
  selectSeveral,
  type PlainKv,
  type Recoded,
  type Records,
} from '@varve/api/implement';
import { until } from '@varve/base/abort';
import type { Compaction, Snapshot } from '@varve/watch';
import { changesOf } from './changes.ts';
import { checkStore, type CheckOptions, type CheckResult } from './check-store.ts';
import type { Core } from './core.ts';
import { diffOf } from './diff.ts';
import { handedOutCompaction, handedOutSnapshot } from './handed-out.ts';
import { historyOf } from './history.ts';
import { dating } from './late.ts';
import { listLeases, openLease } from './lease.ts';
import { createKey, updateKey } from './optimistic-write.ts';
import type * as embedded from './embedded.ts';
import type * as api from '@varve/api';
import { optimistic } from './optimistic.ts';
import { getNow, listNow } from './read-now.ts';
import { StoreReader } from './reader.ts';
import type { Hold, HoldOptions } from './retain/hold.ts';
import { undoIn } from './undo.ts';
import { StoreWatch } from './watch.ts';
import { writeSection } from './write-section.ts';
import { deleteKeys, putKey, runTransaction } from './writer.ts';

const namespaceNames = ['value'];
const compactNames = ['physical', 'signal'];

export class StoreKv<K, V, W = V> implements embedded.MemoryKv<K, V, W>, Recoded {
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
    core.views.add(this, records);
  }

  get revision(): number {
    this.#core.check();
    return this.#core.store.rev();
  }

  get(key: K, options?: api.SignalOptions): Promise<api.Entry<K, V> | undefined> {
    return this.#present.get(key, options);
  }

  getMany(keys: readonly K[], options?: api.SignalOptions): Promise<readonly (api.Entry<K, V> | undefined)[]> {
    return this.#present.getMany(keys, options);
  }

  list(range: api.Range<K>, options?: api.ListOptions): api.Items<api.Entry<K, V>> {
    return this.#present.list(range, options);
  }

  keys(range: api.Range<K>, options?: api.KeysOptions): api.Items<K> {
    return this.#present.keys(range, options);
  }

  page(range: api.Range<K>, options?: api.PageOptions): Promise<api.Page<K, V>> {
    return this.#present.page(range, options);
  }

  count(range: api.Range<K>, options?: api.CountOptions): Promise<number> {
    return this.#present.count(range, options);
  }

  at(revision: number): api.Reader<K, V> {
    this.#core.check();
    checkRevision(revision, 'revision');
    return new StoreReader(this.#core, this.#records, revision);
  }

  getSync(key: K): api.Entry<K, V> | undefined {
    return getNow(this.#core, this.#records, key);
  }

  listSync(range: api.Range<K>, options: embedded.SyncListOptions): readonly api.Entry<K, V>[] {
    return listNow(this.#core, this.#records, range, options);
  }

  put(key: K, value: W, options?: api.PutOptions): Promise<api.PutResult<K, V>> {
    if (this.#core.inside) return this.#core.refuseInside();
    return putKey(this.#core, this.#records, key, value as unknown as V, options);
  }

  create(key: K, value: W, options?: api.CreateOptions): Promise<api.CreateResult<K, V>> {
    if (this.#core.inside) return this.#core.refuseInside();
    return createKey(this.#core, this.#records, key, value as unknown as V, options);
  }

  update(key: K, value: W, options: api.UpdateOptions): Promise<api.UpdateResult<K, V>> {
    if (this.#core.inside) return this.#core.refuseInside();
    return updateKey(this.#core, this.#records, key, value as unknown as V, options);
  }

  lease(options: api.GrantOptions | api.TakeUpOptions): Promise<api.Lease> {
    if (this.#core.inside) return this.#core.refuseInside();
    return openLease(this.#core, options);
  }

  leases(options?: api.SignalOptions): Promise<readonly api.LeaseStatus[]> {
    return listLeases(this.#core, options);
  }

  delete(key: api.DeleteSelector<K>, options?: api.DeleteOptions): Promise<api.DeleteResult<K, V>> {
    if (this.#core.inside) return this.#core.refuseInside();
    return deleteKeys(this.#core, this.#records, key, options);
  }

  txn<const Then extends readonly Op<K, W>[] = readonly [], const Else extends readonly Op<K, W>[] = readonly []>(
    txn: Txn<K, W, Then, Else>,
    options?: api.SignalOptions,
  ): Promise<TxnResult<K, V, Then, Else>> {
    if (this.#core.inside) return this.#core.refuseInside();
    const answer = runTransaction(this.#core, this.#records, txn as unknown as Txn<K, V>, options);
    // One result an operation, of its type: runStep builds exactly what OpResult says.
    return answer as Promise<unknown> as Promise<TxnResult<K, V, Then, Else>>;
  }

  transaction<T>(
    body: (tx: api.Transaction<K, V, W>) => T | Promise<T>,
    options?: api.TransactionOptions,
  ): Promise<api.TransactionResult<T>> {
    if (this.#core.inside) return this.#core.refuseInside();
    return optimistic(this.#core, this.#records, body as (tx: unknown) => T | Promise<T>, options);
  }

  write<T>(
    body: (section: embedded.WriteSection<K, V, W>) => embedded.Synchronous<T>,
    options: api.SignalOptions = {},
  ): Promise<embedded.WriteResult<K, V, T>> {
    if (this.#core.inside) return this.#core.refuseInside();
    return writeSection(this.#core, this.#records, body as (section: unknown) => embedded.Synchronous<T>, options);
  }

  history(key: K, options?: api.HistoryOptions): api.Items<api.KvEvent<K, V>> {
    return historyOf(this.#core, this.#records, key, options);
  }

  changes(key: api.Selector<K>, options: api.ChangesOptions): api.Items<api.KvEvent<K, V>> {
    return changesOf(this.#core, this.#records, key, options);
  }

  diff(first: number, second: number, range: api.Range<K>, options?: api.DiffOptions): api.Items<api.Difference<K, V>> {
    return diffOf(this.#core, this.#records, { first, second, range }, options);
  }

  undo(key: api.Selector<K>, revision: number, options?: api.UndoOptions): Promise<api.UndoResult> {
    if (this.#core.inside) return this.#core.refuseInside();
    const plain = (): PlainKv => new StoreKv(this.#core, this.#records.plain(), false);
    return undoIn(this.#core, this.#records, plain, { key, revision }, options);
  }

  watch(key: api.WatchSelector<K>, options: api.WatchOptions = {}): api.Watch<K, V> {
    this.#core.check();
    const watched = selectSeveral(this.#records.keys, key);
    return new StoreWatch(this.#core, this.#records, watched, planWatch(options));
  }

  namespace(prefix: K, options?: api.NamespaceOptions<never>): embedded.MemoryKv<K, V, W>;
  namespace<V2, W2 = V2>(prefix: K, options: api.NamespaceOptions<V2, W2>): embedded.MemoryKv<K, V2, W2>;
  namespace<V2, W2>(prefix: K, options: api.NamespaceOptions<V2, W2> = {}): embedded.MemoryKv<K, V2, W2> {
    return new StoreKv<K, V2, W2>(this.#core, this.inside(prefix, options), false);
  }

  recoded<L, X>(key: api.KeyCodec<L>, value: Codec<X>): embedded.MemoryKv<L, X> {
    this.#core.check();
    return new StoreKv(this.#core, this.#records.recoded(key, value), false);
  }

  /** The records of a name space in this one. */
  protected inside<V2, W2>(prefix: K, options: api.NamespaceOptions<V2, W2>): Records<K, V2> {
    this.#core.check();
    checkNames(options, 'options', namespaceNames);
    return this.#records.inside(prefix, options.value as Codec<V2> | undefined);
  }

  compact(revision: number, options: api.CompactOptions = {}): Promise<Compaction> {
    const core = this.#core;
    if (core.inside) return core.refuseInside();
    return core.call(async () => {
      checkRevision(revision, 'revision');
      checkNames(options, 'options', compactNames);
      const { physical, signal } = options;
      checkOptionalBoolean(physical, 'physical');
      checkSignal(signal);
      const compaction = handedOutCompaction(core, await core.holds.compact(revision));
      if (physical === true) await until(compaction.finished(), signal);
      return compaction;
    });
  }

  hold(revision: number, options?: HoldOptions): Hold {
    this.#core.check();
    return this.#core.holds.add(revision, options);
  }

  async revisionAt(date: Date | number): Promise<number | undefined> {
    const { revisionAtDate } = dating.loaded ?? (await dating.load());
    return revisionAtDate(this.#core, date);
  }

  async timeOf(revision: number): Promise<Date | undefined> {
    const { timeOfRevision } = dating.loaded ?? (await dating.load());
    return timeOfRevision(this.#core, revision);
  }

  status(options: api.SignalOptions = {}): Promise<api.Status> {
    return this.#core.call(() => {
      checkSignalOptions(options);
      return this.#status();
    });
  }

  stats(): embedded.Stats {
    this.#core.check();
    const { store, backend, holds, retention } = this.#core;
    return {
      ...this.#status(),
      durable: backend.durable,
      readOnly: backend.readOnly,
      warnings: [...backend.warnings],
      opened: store.opened,
      commits: backend.commits,
      openReads: backend.openReadTxN,
      watch: store.watchStats,
      metrics: store.metrics,
      holds: holds.status(),
      ...(retention === undefined ? undefined : { retain: retention.status }),
    };
  }

  snapshot(options: api.SignalOptions = {}): Promise<Snapshot> {
    const core = this.#core;
    return core.call(async () => {
      checkSignalOptions(options);
      return handedOutSnapshot(core, await core.store.snapshot({ signal: options.signal }));
    });
  }

  check(options?: CheckOptions): Promise<CheckResult> {
    return checkStore(this.#core, options);
  }

  defrag(): Promise<void> {
    return this.#core.call(() => this.#core.store.defrag());
  }

  hashByRev(revision = 0, options: api.SignalOptions = {}): Promise<embedded.HashResult> {
    const core = this.#core;
    return core.call(async () => {
      checkInteger(revision, 'revision', 0, Number.MAX_SAFE_INTEGER);
      checkSignalOptions(options);
      const { signal } = options;
      // No state can be held while a section runs: the answer comes when it is over, as that of other reads does.
      if (core.inside) await Promise.resolve();
      const { compactRevision, ...hash } = await core.store.hashByRev(revision, { signal });
      return { ...hash, ...compactedTo(compactRevision) };
    });
  }

  settled(): Promise<void> {
    return this.#core.call(async () => {
      await this.#core.written();
      await this.#core.store.settled();
    });
  }

  commit(): Promise<void> {
    return this.#core.call(async () => {
      await this.#core.written();
      await this.#core.store.commit();
    });
  }

  async close(): Promise<void> {
    try {
      if (this.#owner) await this.#core.close();
    } finally {
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #status(): api.Status {
    const { store, backend } = this.#core;
    return {
      revision: store.rev(),
      ...compactedTo(store.firstRev()),
      size: backend.size,
      sizeInUse: backend.sizeInUse,
    };
  }
}

/** Below, 0 means that nothing was compacted. */
function compactedTo(compactRevision: number): Pick<api.Status, 'compactRevision'> | undefined {
  return compactRevision === 0 ? undefined : { compactRevision };
}
