/**
 * The one Backend over any engine: sections, the layers a reader sees, and what is open.
 *
 *   section ─┐ writes straight into
 *            v
 *          pending   finished, not yet given to the engine
 *          flushing  given to the engine, not yet acknowledged
 *          engine    durable
 *
 * OPN1  Reads look through the layers newest first; a layer is dropped only once the engine shows its rows.
 * OPN2  `pending` is written inside sections only, and what a section wrote is out of it again if it throws.
 * OPN3  A reader that asks inside a section is answered from the state before it (B2, BD1).
 *
 * etcd: server/storage/backend/backend.go, batch_tx.go, read_tx.go.
 */
import {
  check,
  checkOptional,
  checkOptions,
  isFunction,
  isInteger,
  isNumber,
  isSignal,
  type Rules,
} from '@varve/base/options';
import { refusePromise } from '@varve/base/synchronous';
import { allowListeners, hostWorld } from '@varve/base/host';
import { isWorld, type World } from '@varve/base/world';
import type { Aside } from '../contract/aside.ts';
import type { Backend, BackendOptions, BatchTx, ConcurrentReadTx, ReadTx } from '../contract/backend.ts';
import type { Bucket } from '../contract/bucket.ts';
import { type CommitSource, Committer } from '../commit/committer.ts';
import type { Changes, Engine, PinnedView, Room, Snapshot } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import { floorKeys } from '../read/floor-keys.ts';
import { copying, hashing, loadParts } from '../late.ts';
import { type LinkedSignal, linkedSignal } from '../linked-signal.ts';
import { noRoom } from '../contract/packed-changes.ts';
import type { RowSearch } from '../contract/row-search.ts';
import { type Ground, Overlay } from '../pending/overlay.ts';
import { giveBack, takeEngine } from './owners.ts';
import { findAll, lookUp } from '../read/look-up.ts';
import { PinnedReadTx, PinnedState } from '../read/pinned-state.ts';
import { type Reader, SectionTx, TickReadTx } from '../commit/section.ts';
import type { OpenSnapshot } from '../read/snapshot.ts';
import { Slab } from '../pending/slab.ts';
import { GuardedAside } from './guarded-aside.ts';
import { undoUnfinishedImport } from './unfinished-import.ts';

const longestTimer = 2 ** 31 - 1;
const isRoom = isInteger(0, 64);

const rules: Rules<BackendOptions> = {
  batchLimit: isInteger(1),
  batchIntervalMs: isNumber(
    `a number of milliseconds from 0 to ${longestTimer}`,
    (ms) => ms >= 0 && ms <= longestTimer,
  ),
  preCommit: isFunction,
  world: isWorld,
};
const snapshotRules: Rules<{ readonly signal?: AbortSignal | undefined }> = { signal: isSignal };

/**
 * The one Backend over any engine; takes the engine over and closes it, also when opening fails. An import that was cut
 * short is undone first, with a warning.
 * @throws BackendError `BACKEND_LOCKED` for an engine that has a Backend, `BACKEND_CLOSED` for one that had one; both leave
 * it alone
 */
export async function openBackend(engine: Engine, options: BackendOptions = {}): Promise<Backend> {
  takeEngine(engine);
  try {
    checkOptions(options, rules);
    const { batchLimit = 10_000, batchIntervalMs = 100, preCommit, world = hostWorld } = options;
    const { room = noRoom } = engine;
    check(room.before, "the engine's room.before", isRoom);
    check(room.after, "the engine's room.after", isRoom);
    await loadParts();
    const undone = await undoUnfinishedImport(engine);
    const names = new Set(engine.buckets());
    const floors = await floorKeys(engine, names, world.clock);
    const ground: Ground = {
      names,
      floors,
      kinds: new Map(),
      slab: new Slab(room),
      read: new WeakSet(),
      words: undefined,
    };
    const warnings = [...(engine.warnings ?? []), ...undone];
    return new LayeredBackend(engine, ground, warnings, { batchLimit, batchIntervalMs, preCommit, world });
  } catch (error) {
    // What went wrong first is what the caller wants to know.
    await giveBack(engine).catch(() => {});
    throw error;
  }
}

interface Settings {
  readonly batchLimit: number;
  readonly batchIntervalMs: number;
  readonly preCommit: ((tx: BatchTx) => void) | undefined;
  readonly world: World;
}

class LayeredBackend implements Backend, CommitSource, Reader {
  readonly durable: boolean;
  readonly readOnly: boolean;
  readonly warnings: readonly string[];
  readonly aside: Aside | undefined;
  readonly #engine: Engine;
  readonly #world: World;
  readonly #ground: Ground;
  readonly #committer: Committer;
  readonly #preCommit: ((tx: BatchTx) => void) | undefined;
  #pending: Overlay;
  #flushing: Overlay | undefined;
  /** Where `pending` stood when the running section began; absent outside of one. */
  #mark: number | undefined;
  /** The state before the running section, once somebody has asked for it. */
  #before: Reader | undefined;
  /** The pin of the finished state, as long as that stays as it is. */
  #pinned: PinnedState | undefined;
  readonly #readers = new Set<{ end(): Promise<void> }>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(
    engine: Engine,
    ground: Ground,
    warnings: readonly string[],
    { batchLimit, batchIntervalMs, preCommit, world }: Settings,
  ) {
    this.#engine = engine;
    this.#world = world;
    this.#ground = ground;
    allowListeners(this.#closing.signal); // one for each open snapshot
    this.#pending = new Overlay(ground);
    this.readOnly = engine.readOnly ?? false;
    this.#preCommit = this.readOnly ? undefined : preCommit;
    this.#committer = new Committer(engine, this, batchLimit, batchIntervalMs, world.clock);
    this.durable = engine.durable ?? true;
    this.warnings = warnings;
    const { signal } = this.#closing;
    this.aside = engine.aside && new GuardedAside(engine.aside, signal, (work) => this.#background(work));
  }

  get size(): number {
    return this.#committer.size;
  }

  get sizeInUse(): number {
    return this.#committer.sizeInUse;
  }

  get room(): Room {
    return this.#ground.slab.room;
  }

  holds(block: Uint8Array): boolean {
    const { holds } = this.#engine;
    if (holds === undefined || this.#pending.changes.hasBlock(block)) return true;
    if (this.#flushing?.changes.hasBlock(block) === true || this.#ground.read.has(block)) return true;
    return holds.call(this.#engine, block);
  }

  get readsTogether(): boolean {
    return this.#engine.find !== undefined;
  }

  get openReadTxN(): number {
    return this.#readers.size;
  }

  get commits(): number {
    return this.#committer.commits;
  }

  get nextCommit(): number {
    return this.#committer.nextCommit;
  }

  get failure(): AbortSignal {
    return this.#committer.failure;
  }

  get admitting(): boolean {
    return this.#committer.admitting;
  }

  readTx<T>(body: (tx: ReadTx) => T): T {
    this.#refuseClosed();
    const tx = new TickReadTx(this.#mark === undefined ? this : this.#stateBefore(this.#mark));
    try {
      return body(tx);
    } finally {
      tx.end();
    }
  }

  batchTx<T>(body: (tx: BatchTx) => T): T {
    const committer = this.#committer;
    if (!committer.writable) throw committer.refusal!;
    const before = this.#pending.changes.length;
    const result = this.#section(body);
    const rows = this.#pending.changes.length - before;
    if (rows > 0) committer.finished(rows);
    return result;
  }

  concurrentReadTx(): ConcurrentReadTx {
    this.#refuseClosed();
    if (this.#mark !== undefined) throw nested('a concurrent read transaction');
    if (this.#pinned === undefined || !this.#pinned.held) {
      this.#pinned = new PinnedState(
        this.#pending.pin(),
        this.#flushing?.share(),
        this.#engine.pin(),
        this.#world.clock,
      );
    }
    const tx = new PinnedReadTx(this.#pinned, (ended) => this.#readers.delete(ended));
    this.#readers.add(tx);
    return tx;
  }

  buckets(): readonly string[] {
    this.#refuseClosed();
    if (this.#mark !== undefined) throw nested('the list of buckets');
    return [...this.#ground.names].toSorted();
  }

  admit(): Promise<void> {
    return this.#committer.admit();
  }

  forceCommit(): Promise<void> {
    return this.#committer.request(this.#preCommit !== undefined);
  }

  async snapshot(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Snapshot> {
    checkOptions(options, snapshotRules);
    const { signal } = options;
    signal?.throwIfAborted();
    await this.forceCommit();
    // The next commit may have started by now (CMM2). An engine that waits for its medium still shows the state of this one,
    // one that commits at once may show the next: a whole commit either way.
    this.#refuseClosed();
    return this.#background(this.#openSnapshot(linkedSignal(this.#closing.signal, signal)));
  }

  async hash(ignore?: (bucket: string, key: Uint8Array) => boolean): Promise<number> {
    this.#refuseClosed();
    checkOptional(ignore, 'ignore', isFunction);
    const view = this.#engine.pin();
    try {
      return await this.#background(this.#hash(view, ignore));
    } finally {
      view[Symbol.dispose]();
    }
  }

  defrag(): Promise<void> {
    return this.#committer.compact();
  }

  close(): Promise<void> {
    return this.#committer.close(() => this.#release());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // CommitSource

  get changeN(): number {
    return this.#pending.changes.length;
  }

  get byteN(): number {
    return this.#pending.byteN;
  }

  seal(): Changes {
    if (this.#preCommit !== undefined) this.#section(this.#preCommit);
    const sealed = this.#pending;
    if (sealed.changes.length === 0) return [];
    sealed.seal();
    this.#flushing = sealed;
    this.#pending = new Overlay(this.#ground, sealed.changes.length);
    return sealed.changes;
  }

  settle(): void {
    this.#flushing?.end();
    this.#flushing = undefined;
    this.#pinned = undefined;
  }

  // Reader

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return lookUp(this.#pending.layers, this.#flushing?.layers, this.#engine, bucket, key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    findAll(this.#pending.layers, this.#flushing?.layers, this.#engine, bucket, search);
  }

  #section<T>(body: (tx: BatchTx) => T): T {
    if (this.#mark !== undefined) throw nested('a section');
    const overlay = this.#pending;
    const mark = overlay.mark();
    this.#mark = mark;
    const tx = new SectionTx(overlay, this);
    let finished = false;
    try {
      const result = body(tx);
      refusePromise(result, asynchronous);
      finished = true;
      return result;
    } finally {
      tx.end();
      this.#mark = undefined;
      this.#before = undefined;
      if (!finished) overlay.rollback(mark);
      else if (overlay.changes.length > mark) this.#pinned = undefined;
    }
  }

  async #hash(view: PinnedView, ignore: Parameters<Backend['hash']>[0]): Promise<number> {
    const { hashView } = hashing.loaded ?? (await hashing.load());
    return hashView(view, ignore, this.#closing.signal, this.#world.clock);
  }

  async #openSnapshot({ signal, release }: LinkedSignal): Promise<Snapshot> {
    let snapshot: OpenSnapshot;
    try {
      const { copyOf, OpenSnapshot } = copying.loaded ?? (await copying.load());
      const [copy, releaseCopy] = await copyOf(this.#engine, signal, this.#world);
      snapshot = new OpenSnapshot(copy, releaseCopy, (ended) => {
        release();
        this.#readers.delete(ended);
      });
    } catch (error) {
      release();
      throw error;
    }
    this.#readers.add(snapshot);
    if (!signal.aborted) return snapshot;
    await snapshot.end();
    throw signal.reason;
  }

  /** The finished state while a section runs. Nothing but the section can change anything meanwhile. */
  #stateBefore(mark: number): Reader {
    if (this.#before === undefined) {
      const pending = this.#pending.pinBefore(mark);
      const flushing = this.#flushing?.layers;
      const engine = this.#engine;
      this.#before = {
        get: (bucket, key) => lookUp(pending, flushing, engine, bucket, key),
        find: (bucket, search) => findAll(pending, flushing, engine, bucket, search),
      };
    }
    return this.#before;
  }

  #refuseClosed(): void {
    if (this.#committer.closing) throw closed();
  }

  /** Work that `close` waits for, after it has aborted it. */
  async #background<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async #release(): Promise<void> {
    this.#closing.abort(closed());
    await Promise.allSettled([...this.#running, ...[...this.#readers].map((reader) => reader.end())]);
  }
}

function closed(): BackendError {
  return new BackendError('BACKEND_CLOSED', 'the backend is closed');
}

function nested(what: string): BackendError {
  return new BackendError('BACKEND_NESTED', `${what} cannot be opened inside a section`);
}

function asynchronous(): TypeError {
  return new TypeError('a section must be synchronous: its body returned a promise');
}
