/**
 * A follower, seen through one key space and one pair of codecs: what it reads, it reads here; what it writes, the source writes.
 *
 * The whole follower and every name space in it are objects of this class over one `FollowerCore`; only the one that `openFollower` returns closes
 * it.
 */
import type * as api from '@varve/api';
import { KvError, type Codec, type Kv, type Op, type Txn, type TxnResult } from '@varve/api';
import {
  checkRevision,
  checkSignalOptions,
  planWatch,
  selectSeveral,
  type Bounds,
  type KeySpace,
} from '@varve/api/implement';
import { until } from '@varve/base/abort';
import type { ReplicaView } from '@varve/kv/layers';
import type { AtLeastOption, Behind, CaughtUpOptions, Follower, FollowerStatus } from './contract.ts';
import type { FollowerCore, Running } from './core.ts';
import { lateItems } from './late-items.ts';
import { FollowerLease } from './lease.ts';
import { checkCaughtUp } from './options.ts';
import { passedBody, passedOn } from './passed-on.ts';
import { FollowerReader } from './reader.ts';
import { FollowerWatch } from './watch.ts';

/** One name space, here and at the source. */
export interface View<K, V, W> {
  readonly here: ReplicaView<K, V>;
  readonly there: Kv<K, V, W>;
  readonly space: KeySpace<K>;
}

/** A read of what has been, here or at the source. */
interface PastRead<T> {
  readonly bounds: Bounds;
  readonly signal: AbortSignal | undefined;
  readonly own: api.Items<T>;
  readonly far: api.Items<T>;
  /** It needs what there was from here on; `Infinity` for what there is. */
  readonly first: number;
  /** That is whole here from this revision on. */
  readonly oldest: () => number;
  /** Whether the rest of it is here. */
  readonly isHere: () => boolean;
}

export class FollowerKv<K, V, W = V> implements Follower<K, V, W> {
  readonly #core: FollowerCore;
  readonly #view: View<K, V, W>;
  readonly #present: FollowerReader<K, V>;
  readonly #owner: boolean;

  constructor(core: FollowerCore, view: View<K, V, W>, owner: boolean) {
    this.#core = core;
    this.#view = view;
    this.#present = new FollowerReader(core, view);
    this.#owner = owner;
    core.addView(this, view.there);
  }

  get synced(): Promise<void> {
    return this.#core.settings.synced.promise;
  }

  get behind(): Behind {
    return this.#core.behind;
  }

  async caughtUp(revision?: number, options: CaughtUpOptions = {}): Promise<number> {
    const core = this.#core;
    core.check();
    checkCaughtUp(options);
    const { signal, waitMs = core.settings.waitMs } = options;
    if (revision !== undefined) checkRevision(revision, 'revision');
    const wanted = revision ?? (await this.#view.there.status({ signal })).revision;
    await core.caughtUp(wanted, waitMs, signal);
    return core.revision;
  }

  get(key: K, options?: api.SignalOptions & AtLeastOption): Promise<api.Entry<K, V> | undefined> {
    return this.#present.get(key, options);
  }

  getMany(
    keys: readonly K[],
    options?: api.SignalOptions & AtLeastOption,
  ): Promise<readonly (api.Entry<K, V> | undefined)[]> {
    return this.#present.getMany(keys, options);
  }

  list(range: api.Range<K>, options?: api.ListOptions & AtLeastOption): api.Items<api.Entry<K, V>> {
    return this.#present.list(range, options);
  }

  keys(range: api.Range<K>, options?: api.KeysOptions & AtLeastOption): api.Items<K> {
    return this.#present.keys(range, options);
  }

  page(range: api.Range<K>, options?: api.PageOptions & AtLeastOption): Promise<api.Page<K, V>> {
    return this.#present.page(range, options);
  }

  count(range: api.Range<K>, options?: api.CountOptions & AtLeastOption): Promise<number> {
    return this.#present.count(range, options);
  }

  at(revision: number): api.Reader<K, V> {
    this.#core.check();
    checkRevision(revision, 'revision');
    const { here, there, space } = this.#view;
    return new FollowerReader(this.#core, { here: here.at(revision), there: there.at(revision), space }, revision);
  }

  put(key: K, value: W, options?: api.PutOptions): Promise<api.PutResult<K, V>> {
    return this.#writeOne(key, options, (there) => there.put(key, value, options));
  }

  create(key: K, value: W, options?: api.CreateOptions): Promise<api.CreateResult<K, V>> {
    return this.#writeOne(key, options, (there) => there.create(key, value, options));
  }

  update(key: K, value: W, options: api.UpdateOptions): Promise<api.UpdateResult<K, V>> {
    return this.#writeOne(key, options, (there) => there.update(key, value, options));
  }

  delete(key: api.DeleteSelector<K>, options?: api.DeleteOptions): Promise<api.DeleteResult<K, V>> {
    return this.#core.write(() => this.#view.there.delete(key, options), options?.signal);
  }

  async undo(key: api.Selector<K>, revision: number, options?: api.UndoOptions): Promise<api.UndoResult> {
    const undone = async (): Promise<{ readonly result: api.UndoResult; readonly revision: number }> => {
      const result = await this.#view.there.undo(key, revision, options);
      return { result, revision: result.revisions.at(-1) ?? 0 };
    };
    return (await this.#core.write(undone, options?.signal)).result;
  }

  txn<const Then extends readonly Op<K, W>[] = readonly [], const Else extends readonly Op<K, W>[] = readonly []>(
    txn: Txn<K, W, Then, Else>,
    options?: api.SignalOptions,
  ): Promise<TxnResult<K, V, Then, Else>> {
    const { there } = this.#view;
    const { sourceOf } = this.#core;
    const work = async (): Promise<TxnResult<K, V, Then, Else>> =>
      there.txn(passedOn(txn as Txn<unknown, unknown>, sourceOf) as Txn<K, W, Then, Else>, options);
    return this.#core.write(work, options?.signal);
  }

  async transaction<T>(
    body: (tx: api.Transaction<K, V, W>) => T | Promise<T>,
    options?: api.TransactionOptions,
  ): Promise<api.TransactionResult<T>> {
    const core = this.#core;
    core.check();
    const ending = new AbortController();
    const running: Running = { busy: 1, moved: true, ending };
    core.running.add(running);
    try {
      const there = this.#view.there.transaction(passedBody(core, running, body), options);
      const answer = await until(there, ending.signal);
      return await core.written(answer, options?.signal);
    } finally {
      core.running.delete(running);
    }
  }

  lease(options: api.GrantOptions | api.TakeUpOptions): Promise<api.Lease> {
    const core = this.#core;
    const renews = Object(options).keepAlive === true;
    // Renewed here, so that it ends with the follower.
    const asked = renews ? { ...options, keepAlive: false } : options;
    return core.admitted(async () => new FollowerLease(core, await this.#view.there.lease(asked), renews));
  }

  async leases(options?: api.SignalOptions): Promise<readonly api.LeaseStatus[]> {
    this.#core.check();
    return this.#view.there.leases(options);
  }

  history(key: K, options?: api.HistoryOptions): api.Items<api.KvEvent<K, V>> {
    const { here, there, space } = this.#view;
    const core = this.#core;
    core.check();
    const [own, far] = [here.history(key, options), there.history(key, options)];
    const bounds = { key: space.encodeOwn(key), end: undefined };
    const { from = Infinity, until: last = 0, signal } = options ?? {};
    const { following } = core;
    const isHere = (): boolean => (from < Infinity || following.holdsThePast) && last <= core.revision;
    return this.#choose({ bounds, signal, own, far, first: from, oldest: () => following.copy.eventsFrom, isHere });
  }

  changes(key: api.Selector<K>, options: api.ChangesOptions): api.Items<api.KvEvent<K, V>> {
    const { here, there, space } = this.#view;
    const core = this.#core;
    core.check();
    const [own, far] = [here.changes(key, options), there.changes(key, options)];
    const { since, until: last = 0, signal } = options;
    const bounds = space.select(key);
    const isHere = (): boolean => Math.max(since, last) <= core.revision;
    // What has changed since a state that is whole.
    const first = Math.max(since, 1);
    return this.#choose({ bounds, signal, own, far, first, oldest: () => core.following.copy.statesFrom, isHere });
  }

  diff(first: number, second: number, range: api.Range<K>, options?: api.DiffOptions): api.Items<api.Difference<K, V>> {
    const { here, there, space } = this.#view;
    const core = this.#core;
    core.check();
    const [own, far] = [here.diff(first, second, range, options), there.diff(first, second, range, options)];
    const bounds = space.bounds(range);
    const [signal, oldest] = [options?.signal, () => core.following.copy.statesFrom];
    const isHere = (): boolean => Math.max(first, second) <= core.revision;
    return this.#choose({ bounds, signal, own, far, first: Math.min(first, second), oldest, isHere });
  }

  watch(key: api.WatchSelector<K>, options: api.WatchOptions = {}): api.Watch<K, V> {
    const core = this.#core;
    core.check();
    const { here, there, space } = this.#view;
    const { union } = selectSeveral(space, key);
    const { from, initial } = planWatch(options);
    const isHeld = union.every((part) => core.holds(part));
    const isPast = from !== 0 && from < core.following.copy.eventsFrom;
    if (!isHeld || (isPast && !core.settings.refuses)) {
      core.leave(isHeld);
      return new FollowerWatch(core, there.watch(key, options), options.signal);
    }
    // What this follower has written is behind the beginning, also where it is not here yet.
    const later = from === 0 && !initial && core.floor > core.revision ? { ...options, from: core.floor + 1 } : options;
    return new FollowerWatch(core, here.watch(key, later), options.signal);
  }

  namespace(prefix: K, options?: api.NamespaceOptions<never>): Follower<K, V, W>;
  namespace<V2, W2 = V2>(prefix: K, options: api.NamespaceOptions<V2, W2>): Follower<K, V2, W2>;
  namespace<V2, W2>(prefix: K, options: api.NamespaceOptions<V2, W2> = {}): Follower<K, V2, W2> {
    this.#core.check();
    const { here, there, space } = this.#view;
    // Without a codec V2 is V: `namespace` says so in its type.
    const given = options as api.NamespaceOptions<V2, W2> & { readonly value: Codec<V2, W2> };
    const view: View<K, V2, W2> = {
      there: there.namespace<V2, W2>(prefix, given),
      here: here.namespace<V2>(prefix, given as unknown as { readonly value: Codec<V2> }),
      space: space.inside(prefix),
    };
    return new FollowerKv(this.#core, view, false);
  }

  async compact(revision: number, options?: api.CompactOptions): Promise<api.CompactResult> {
    const core = this.#core;
    core.check();
    await this.#view.there.compact(revision, options);
    await core.caughtUp(revision, core.settings.waitMs, options?.signal);
    await core.following.copy.compact(revision, options?.physical === true);
    return { revision };
  }

  async status(options: api.SignalOptions = {}): Promise<FollowerStatus> {
    const core = this.#core;
    core.checkOpen();
    checkSignalOptions(options);
    const { following } = core;
    const { replica, lag } = core.settings;
    const { compactRevision } = replica;
    const { reason } = following;
    const { clusterId } = following.copy;
    return {
      revision: replica.revision,
      ...(compactRevision === 0 ? undefined : { compactRevision }),
      size: replica.size,
      sizeInUse: replica.sizeInUse,
      ...(clusterId === undefined ? undefined : { clusterId }),
      phase: following.phase,
      behind: core.behind,
      sourceRevision: Math.max(lag.sourceRevision, replica.revision),
      copies: following.copies,
      events: following.events,
      elsewhere: core.elsewhere,
      ...(reason === undefined ? undefined : { reason: messageOf(reason) }),
    };
  }

  async close(): Promise<void> {
    if (this.#owner) await this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #writeOne<T extends { readonly revision: number }>(
    key: K,
    options: api.SignalOptions | undefined,
    work: (there: Kv<K, V, W>) => Promise<T>,
  ): Promise<T> {
    const concerns = (): boolean => this.#core.holds({ key: this.#view.space.encode(key), end: undefined });
    return this.#core.write(() => work(this.#view.there), options?.signal, concerns);
  }

  #choose<T>({ bounds, signal, own, far, first, oldest, isHere }: PastRead<T>): api.Items<T> {
    const core = this.#core;
    return lateItems(async () => {
      core.check();
      const isHeld = core.holds(bounds);
      if (isHeld) {
        await core.levelWith(0, signal);
        const isKnown = first >= oldest();
        if (core.settings.refuses && !isKnown) throw unknownPast(first, oldest());
        if (core.settings.refuses || (isKnown && isHere())) return own;
      }
      core.leave(isHeld);
      return far;
    });
  }
}

function unknownPast(wanted: number, oldest: number): KvError {
  const message = `what there was at revision ${wanted} is not known here, and elsewhere is "refuse"; ask from ${oldest} on`;
  return new KvError('MVCC_COMPACTED', message, { compactRevision: oldest });
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
