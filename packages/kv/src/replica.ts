/**
 * The layers of a store that holds a part of another one, under that one's revisions: what a follower is built on.
 *
 *   place ──> backend ──> sparse store ──> views to read with
 *               ^-- filled with a state, which takes the place of what was there in one step
 *
 * REP1  Only what its owner applies gets in: there is no lessor, no section of users, and views have no writes.
 * REP2  A place is this replica's if its bucket is there. If it holds anything else it is refused, and left as it is; if the bucket has no note, a
 *       filling was cut off, and what is there is taken out.
 * REP3  While a place is filled again, readers go on with a copy in memory: they see the state before or the state after, and nothing else.
 * REP4  What a change says of its key must be what comes of applying it. If it is not, nothing of its revision is applied: something was missed.
 * REP5  Watches are whole, or end with `MVCC_COMPACTED`: of the revision that a state is of, only who had the one before knows what was deleted.
 */
import { KvError, type Codec, type KeyCodec, type Kv } from '@varve/api';
import { activeLimits, compareBytes, leaseOf, Records } from '@varve/api/implement';
import { BackendError, openBackend, type Backend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { hostWorld } from '@varve/base/host';
import type { World } from '@varve/base/world';
import type { LateLessor } from '@varve/lease';
import {
  emptyBackend,
  fillState,
  openWatchableStore,
  type KeyValue,
  type StoreOptions,
  type WatchableStore,
  type WriteTxn,
} from '@varve/watch';
import { Core } from './core.ts';
import { StoreKv } from './embedded-kv.ts';
import { checkLocation, engineAt, type Location } from './location.ts';

export interface ReplicaOptions {
  /** Where it is kept. @default in memory */
  readonly location?: Location | undefined;
  /** Decoded records kept in memory, in bytes. @default 64 MiB */
  readonly cacheBytes?: number | undefined;
  /** For tests only: `@varve/base/world`. @default the host's */
  readonly world?: World | undefined;
  /** Called in the step in which everything up to a revision can be read. */
  readonly onVisible?: ((revision: number) => void) | undefined;
}

/** What may be done with a view of a replica. */
export type ReplicaView<K, V> = Pick<
  Kv<K, V>,
  'get' | 'getMany' | 'list' | 'keys' | 'page' | 'count' | 'at' | 'history' | 'changes' | 'diff' | 'watch'
> & { namespace<V2 = V>(prefix: K, options?: { readonly value?: Codec<V2> | undefined }): ReplicaView<K, V2> };

/** A key as the other store has it. */
export interface ReplicaRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Hexadecimal text, as entries have it. */
  readonly lease?: string | undefined;
}

/** A change as a watch of the other store tells it, of bytes. */
export type ReplicaChange =
  | ({ readonly type: 'put' } & ReplicaRecord)
  | { readonly type: 'delete'; readonly key: Uint8Array };

export interface ReplicaState {
  readonly revision: number;
  readonly records: readonly ReplicaRecord[];
  /** What the owner wants to find again; it is there when the state is. */
  readonly note: Uint8Array;
  /** What was there may be wrong: whoever watches is told that history is gone. @default false */
  readonly gap?: boolean | undefined;
}

export interface Replica extends AsyncDisposable {
  /** What was found when it was opened; absent where there was no whole copy. */
  readonly note: Uint8Array | undefined;
  /** Everything up to here can be read; 1 in a new one. */
  readonly revision: number;
  /** The oldest revision that can be read, 0 where nothing was given up. */
  readonly compactRevision: number;
  /** Watches from here on are whole; of earlier revisions, events may be missing. */
  readonly eventsFrom: number;
  readonly size: number;
  readonly sizeInUse: number;
  /** A view to read with. */
  view<K, V>(key: KeyCodec<K>, value: Codec<V>): ReplicaView<K, V>;
  /** The changes of one revision, all or none. @throws MisfitError; BackendError `BACKEND_FAILED` */
  apply(revision: number, changes: readonly ReplicaChange[]): void;
  /** Nothing has changed up to this revision. */
  advance(revision: number): void;
  /** Resolves when another revision may be applied: at once, unless commits lag. */
  admit(): Promise<void>;
  /** Replaces the note. */
  keepNote(note: Uint8Array): void;
  /** Events before this revision are not known to be all: what an owner knows of a copy that was kept. */
  loseEvents(before: number): void;
  /** Replaces everything. */
  fill(state: ReplicaState): Promise<void>;
  /** Gives up what is older. Does nothing where that is given up. */
  compact(revision: number, physical: boolean): Promise<void>;
  close(): Promise<void>;
}

/** A change does not fit what is there: something was missed. */
export class MisfitError extends Error {}

/**
 * Opens a replica: a part of another store, under that one's revisions, which gets nothing but what its owner applies.
 * @throws BackendError as `open`; `BACKEND_FOREIGN` for a place that holds a store of another kind
 * @throws TypeError `KV_INVALID` for a place that is none
 */
export async function openReplica(options: ReplicaOptions = {}): Promise<Replica> {
  const { location, world = hostWorld } = options;
  if (location === undefined) return OpenReplica.open(options, undefined);
  checkLocation(location);
  const home = await openBackend(await engineAt(location, { world: options.world }), { world });
  try {
    return await OpenReplica.open(options, home);
  } catch (error) {
    await home.close().catch(() => undefined);
    throw error;
  }
}

const bucket = Object.freeze({ id: 0, name: 'varve_replica', appendOnly: false });
const noteKey = new TextEncoder().encode('note');

class OpenReplica implements Replica {
  readonly note: Uint8Array | undefined;
  readonly #store: WatchableStore;
  readonly #core: Core;
  readonly #world: World;
  readonly #home: Backend | undefined;
  /** What the store works on. */
  #backend: Backend;
  #closing: Promise<void> | undefined;
  #eventsFrom = 0;
  /** What is lost when the next state is swapped in. */
  #losing: { readonly before: number; readonly all: boolean } | undefined;

  private constructor(parts: {
    readonly store: WatchableStore;
    readonly backend: Backend;
    readonly home: Backend | undefined;
    readonly note: Uint8Array | undefined;
    readonly world: World;
  }) {
    this.note = parts.note;
    this.#store = parts.store;
    this.#backend = parts.backend;
    this.#home = parts.home;
    this.#world = parts.world;
    this.#core = new ReplicaCore(parts.store, parts.backend, parts.world, () => this.#closeLayers());
  }

  static async open(options: ReplicaOptions, home: Backend | undefined): Promise<OpenReplica> {
    const { cacheBytes, onVisible, world = hostWorld } = options;
    const note = home && (await noteOf(home));
    const backend = note === undefined || home === undefined ? await inMemory(world) : home;
    let replica: OpenReplica | undefined;
    const swapped = (revision: number): void => {
      if (replica !== undefined) replica.#swapped();
      onVisible?.(revision);
    };
    const storeOptions: StoreOptions = {
      sparse: true,
      // A copy of what is durable elsewhere: what a crash takes comes again.
      durability: 'interval',
      cacheBytes,
      world,
      observers: [() => (onVisible === undefined ? { swapped } : { visible: onVisible, swapped })],
    };
    const store = await openWatchableStore(backend, storeOptions);
    replica = new OpenReplica({ store, backend, home, note, world });
    return replica;
  }

  get revision(): number {
    return this.#store.rev();
  }

  get compactRevision(): number {
    return this.#store.firstRev();
  }

  get eventsFrom(): number {
    return Math.max(this.#eventsFrom, this.#store.firstRev());
  }

  get size(): number {
    return this.#backend.size;
  }

  get sizeInUse(): number {
    return this.#backend.sizeInUse;
  }

  view<K, V>(key: KeyCodec<K>, value: Codec<V>): ReplicaView<K, V> {
    const records = new Records(key, value, activeLimits({}));
    return new StoreKv<K, V>(this.#core, records, false);
  }

  apply(revision: number, changes: readonly ReplicaChange[]): void {
    this.#store.writeAt(revision, (txn) => {
      for (const change of changes) applyTo(txn, revision, change);
    });
  }

  advance(revision: number): void {
    if (revision > this.#store.finishedRev()) this.#store.advance(revision);
  }

  async admit(): Promise<void> {
    if (!this.#store.admitting) await this.#store.admit();
  }

  keepNote(note: Uint8Array): void {
    if (this.#backend !== this.#home) return;
    this.#store.write((txn) => txn.rows.put(bucket, noteKey, note));
  }

  loseEvents(before: number): void {
    this.#lose(before, false);
  }

  async fill(state: ReplicaState): Promise<void> {
    const records = state.records.map(keyValueOf).toSorted((a, b) => a.modRevision - b.modRevision);
    const { revision, gap = false } = state;
    // Only who was up to the revision before can still be told what this one deleted; all others are told that history is gone.
    const isNext = !gap && this.#store.rev() === revision - 1;
    const gone = isNext ? await this.#missingIn(records) : [];
    // Revision 1 has changed nothing.
    const first = isNext || revision === 1 ? revision : revision + 1;
    const row = { bucket, key: noteKey, value: state.note };
    const stored = { revision, records, gone, row };
    const before = this.#backend;
    let isTold = false;
    if (this.#home === undefined || before === this.#home) {
      const aside = await inMemory(this.#world);
      await fillState(aside, stored, this.#world.clock);
      await this.#swap(aside, { before: first, all: gap });
      isTold = true;
    }
    if (this.#home === undefined) {
      await before.close();
      return;
    }
    const aside = this.#backend;
    await emptyBackend(this.#home);
    await fillState(this.#home, stored, this.#world.clock);
    await this.#swap(this.#home, { before: first, all: gap && !isTold });
    await aside.close();
  }

  async compact(revision: number, physical: boolean): Promise<void> {
    if (revision <= this.#store.firstRev() || revision > this.#store.rev()) return;
    const compaction = await this.#store.compact(revision);
    if (physical) await compaction.finished();
    else compaction.finished().catch(() => undefined);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#core.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #swap(backend: Backend, losing: { readonly before: number; readonly all: boolean }): Promise<void> {
    this.#losing = losing;
    try {
      await this.#store.restore(backend);
    } finally {
      this.#losing = undefined;
    }
    this.#backend = backend;
  }

  /** In the step of the swap, so that no watcher is told anything in between. */
  #swapped(): void {
    if (this.#losing !== undefined) this.#lose(this.#losing.before, this.#losing.all);
  }

  #lose(before: number, all: boolean): void {
    this.#eventsFrom = Math.max(this.#eventsFrom, before);
    this.#store.loseEvents(before, all);
  }

  /** Keys that are live here and not there. */
  async #missingIn(records: readonly KeyValue[]): Promise<readonly Uint8Array[]> {
    const there = records.map(({ key }) => key).toSorted(compareBytes);
    const { kvs } = await this.#store.range(Uint8Array.of(0), new Uint8Array(0), { keysOnly: true });
    let at = 0;
    return kvs.flatMap(({ key }) => {
      while (at < there.length && compareBytes(there[at]!, key) < 0) at++;
      return at < there.length && compareBytes(there[at]!, key) === 0 ? [] : [key];
    });
  }

  async #closeLayers(): Promise<void> {
    const failures: unknown[] = [];
    const layers: readonly { close(): Promise<void> }[] = [
      this.#store,
      this.#backend,
      ...(this.#home === undefined || this.#home === this.#backend ? [] : [this.#home]),
    ];
    for (const layer of layers) await layer.close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

/** Of reads that were under way when the state was replaced, history is gone. */
class ReplicaCore extends Core {
  constructor(store: WatchableStore, backend: Backend, world: World, close: () => Promise<void>) {
    // Nobody asks for it: what would is not in the views (REP1).
    const leases = Object.freeze({}) as LateLessor;
    super({ store, backend, leases, close, [Symbol.asyncDispose]: close }, world);
  }

  override inOwnWords(error: unknown): unknown {
    const own = super.inOwnWords(error);
    if (own !== error || !(error instanceof Error) || !('code' in error) || error.code !== 'MVCC_CLOSED') return own;
    const compactRevision = this.store.firstRev();
    const message = `the revision is compacted; the oldest that can be read is ${compactRevision}`;
    return new KvError('MVCC_COMPACTED', message, { compactRevision, cause: error });
  }
}

async function inMemory(world: World): Promise<Backend> {
  return openBackend(memoryEngine({ world }), { world });
}

/** The note of a whole copy. What is no copy is refused, what is not whole is taken out (REP2). */
async function noteOf(home: Backend): Promise<Uint8Array | undefined> {
  const names = home.buckets();
  if (names.length === 0) return undefined;
  if (!names.includes(bucket.name)) {
    throw new BackendError(
      'BACKEND_FOREIGN',
      'the place holds a store that is no copy of a follower: give it a place of its own',
    );
  }
  const note = home.readTx((tx) => tx.get(bucket, noteKey));
  if (note === undefined) await emptyBackend(home);
  return note && new Uint8Array(note);
}

function applyTo(txn: WriteTxn, revision: number, change: ReplicaChange): void {
  if (change.type === 'delete') {
    if (txn.deleteRange(change.key).deleted === 0)
      throw new MisfitError(`revision ${revision} deletes a key that is not here`);
    return;
  }
  txn.put(change.key, change.value, leaseIn(change));
  const made = txn.get(change.key, { keyOnly: true });
  if (
    made?.version !== change.version ||
    made.createRevision !== change.createRevision ||
    change.modRevision !== revision
  )
    throw new MisfitError(`revision ${revision} changes a key that was another one here`);
}

function keyValueOf(record: ReplicaRecord): KeyValue {
  const { key, value, version, createRevision, modRevision } = record;
  return { key, value, version, createRevision, modRevision, lease: leaseIn(record) };
}

function leaseIn({ lease }: { readonly lease?: string | undefined }): bigint {
  return lease === undefined ? 0n : (leaseOf(lease) ?? 0n);
}
