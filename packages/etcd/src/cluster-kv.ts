/**
 * A cluster, seen through one key space and one pair of codecs.
 *
 * The whole store and every name space in it are objects of this class over one `Core`; only the one that `connect` returns closes it. Each
 * method checks and hands on: what it does stands in the file named for it.
 * Below here what is put has the type of what is read: only the codec knows the difference.
 */
import type { Codec, Op, Txn, TxnResult } from '@varve/api';
import type * as api from '@varve/api';
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
import { kvService, maintenanceService } from '@varve/etcd-api';
import type { Core } from './core.ts';
import type { EtcdKv, HashResult } from './etcd-kv.ts';
import { listLeases, openLease } from './lease/cluster-lease.ts';
import { compactRequest } from './messages.ts';
import { changesOf } from './read/changes.ts';
import { compactedTo } from './read/compacted.ts';
import { diffOf } from './read/diff.ts';
import { historyOf } from './read/history.ts';
import { ClusterReader } from './read/reader.ts';
import { ClusterWatch } from './watch/cluster-watch.ts';
import { optimistic } from './write/transaction.ts';
import { undoOn } from './write/undo.ts';
import { createKey, deleteKeys, putKey, runTransaction, updateKey } from './write/writer.ts';
import { tracing } from './write/send-txn.ts';

const namespaceNames = ['value'];
const compactNames = ['physical', 'signal'];

export class ClusterKv<K, V, W = V> implements EtcdKv<K, V, W>, Recoded {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #present: ClusterReader<K, V>;
  /** False for name spaces, which are views. */
  readonly #owner: boolean;

  constructor(core: Core, records: Records<K, V>, owner: boolean) {
    this.#core = core;
    this.#records = records;
    this.#present = new ClusterReader(core, records);
    this.#owner = owner;
    core.views.add(this, records);
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
    return new ClusterReader(this.#core, this.#records, revision);
  }

  put(key: K, value: W, options?: api.PutOptions): Promise<api.PutResult<K, V>> {
    return putKey(this.#core, this.#records, key, value as unknown as V, options);
  }

  create(key: K, value: W, options?: api.CreateOptions): Promise<api.CreateResult<K, V>> {
    return createKey(this.#core, this.#records, key, value as unknown as V, options);
  }

  update(key: K, value: W, options: api.UpdateOptions): Promise<api.UpdateResult<K, V>> {
    return updateKey(this.#core, this.#records, key, value as unknown as V, options);
  }

  lease(options: api.GrantOptions | api.TakeUpOptions): Promise<api.Lease> {
    return openLease(this.#core, options);
  }

  leases(options?: api.SignalOptions): Promise<readonly api.LeaseStatus[]> {
    return listLeases(this.#core, options);
  }

  delete(key: api.DeleteSelector<K>, options?: api.DeleteOptions): Promise<api.DeleteResult<K, V>> {
    return deleteKeys(this.#core, this.#records, key, options);
  }

  txn<const Then extends readonly Op<K, W>[] = readonly [], const Else extends readonly Op<K, W>[] = readonly []>(
    txn: Txn<K, W, Then, Else>,
    options?: api.SignalOptions,
  ): Promise<TxnResult<K, V, Then, Else>> {
    const answer = runTransaction(this.#core, this.#records, txn as unknown as Txn<K, V>, options);
    // One result an operation, of its type: AnswerReader builds exactly what OpResult says.
    return answer as Promise<unknown> as Promise<TxnResult<K, V, Then, Else>>;
  }

  transaction<T>(
    body: (tx: api.Transaction<K, V, W>) => T | Promise<T>,
    options?: api.TransactionOptions,
  ): Promise<api.TransactionResult<T>> {
    return optimistic(this.#core, this.#records, body as (tx: unknown) => T | Promise<T>, options);
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
    const plain = (): PlainKv => new ClusterKv(this.#core, this.#records.plain(), false);
    return undoOn(this.#core, this.#records, plain, { key, revision }, options);
  }

  watch(key: api.WatchSelector<K>, options: api.WatchOptions = {}): api.Watch<K, V> {
    this.#core.check();
    const watched = selectSeveral(this.#records.keys, key);
    return new ClusterWatch(this.#core, this.#records, watched, planWatch(options));
  }

  namespace(prefix: K, options?: api.NamespaceOptions<never>): EtcdKv<K, V, W>;
  namespace<V2, W2 = V2>(prefix: K, options: api.NamespaceOptions<V2, W2>): EtcdKv<K, V2, W2>;
  namespace<V2, W2>(prefix: K, options: api.NamespaceOptions<V2, W2> = {}): EtcdKv<K, V2, W2> {
    this.#core.check();
    checkNames(options, 'options', namespaceNames);
    return new ClusterKv(this.#core, this.#records.inside(prefix, options.value as Codec<V2> | undefined), false);
  }

  recoded<L, X>(key: api.KeyCodec<L>, value: Codec<X>): EtcdKv<L, X> {
    this.#core.check();
    return new ClusterKv(this.#core, this.#records.recoded(key, value), false);
  }

  compact(revision: number, options: api.CompactOptions = {}): Promise<api.CompactResult> {
    const core = this.#core;
    return core.call(async () => {
      checkRevision(revision, 'revision');
      checkNames(options, 'options', compactNames);
      const { physical, signal } = options;
      checkOptionalBoolean(physical, 'physical');
      checkSignal(signal);
      const write = tracing(core, 'the status');
      const request = compactRequest(revision, physical === true);
      const answer = await until(core.calls.unary(kvService.compact, request, { signal, write }), signal);
      core.calls.see(answer.header);
      return { revision };
    });
  }

  status(options: api.SignalOptions = {}): Promise<api.Status> {
    const core = this.#core;
    return core.call(async () => {
      checkSignalOptions(options);
      const { signal } = options;
      const near = this.#records.keys.bounds({});
      const revision = await core.present(near, signal);
      const compactRevision = await compactedTo(core, near, signal);
      const request = { $typeName: 'etcdserverpb.StatusRequest' as const };
      const sizes = await core.calls.unary(maintenanceService.status, request, { signal, leaderless: true });
      return {
        revision,
        ...(compactRevision === 0 ? undefined : { compactRevision }),
        size: Number(sizes.dbSize),
        sizeInUse: Number(sizes.dbSizeInUse),
        ...(sizes.header === undefined ? undefined : { clusterId: sizes.header.clusterId.toString(16) }),
      };
    });
  }

  hashByRev(revision = 0, options: api.SignalOptions = {}): Promise<HashResult> {
    const core = this.#core;
    return core.call(async () => {
      checkInteger(revision, 'revision', 0, Number.MAX_SAFE_INTEGER);
      checkSignalOptions(options);
      const request = { $typeName: 'etcdserverpb.HashKVRequest' as const, revision: BigInt(revision) };
      const answer = await core.calls.unary(maintenanceService.hashKV, request, { signal: options.signal });
      const currentRevision = core.calls.see(answer.header);
      const compactRevision = Number(answer.compactRevision);
      return {
        hash: answer.hash,
        ...(compactRevision > 0 ? { compactRevision } : undefined),
        revision: revision === 0 ? currentRevision : revision,
        currentRevision,
      };
    });
  }

  async close(): Promise<void> {
    if (this.#owner) await this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
