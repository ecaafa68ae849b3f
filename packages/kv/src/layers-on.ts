/**
 * The layers over an engine, put together and taken apart in one place; nothing in it asks for files.
 *
 *   engine ──> backend ──> store and its observers: watchers, and the lessor
 *
 * LYR1  Opened in this order. When a step fails, everything before it is closed again, and the step's own error is what the
 *      call rejects with. An engine that another store has is left as it is.
 * LYR2  How the lessor comes is said by who opens: with the store (`layers.ts`), or when a lease is asked for (`memory.ts`). Nothing else differs.
 * LYR3  Closing goes the other way, to its end even when a step fails; the first failure is what `close` rejects with.
 */
import {
  checkNames,
  checkOptionalBoolean,
  checkOptionalFunction,
  checkOptionalInteger,
  invalidType,
} from '@varve/api/implement';
import { openBackend, type Backend, type Engine } from '@varve/backend';
import type { World } from '@varve/base/world';
import type { LateLessor, Lessor, LessorOptions, PreparedLateLessor } from '@varve/lease';
import { openWatchableStore, type RestoreProgress, type WatchableStore } from '@varve/watch';
import { hostWorld } from '@varve/base/host';
import { loadLate } from '@varve/base/late';
import { checkWorld } from './given-engine.ts';
import type { RevisionTimes } from './times/revision-times.ts';

/** How a store is kept, whatever is stored in it. */
export interface StoreOptions {
  /**
   * When a write is answered and seen: after its commit, or at once. With `'interval'` a program that ends by itself
   * commits first what it was answered; `process.exit()`, a signal or a crash may lose the last interval. @default 'commit'
   */
  readonly durability?: 'commit' | 'interval' | undefined;
  /** Changes that make a commit start by itself. @default 10_000 */
  readonly batchLimit?: number | undefined;
  /** Longest time a write waits for a commit that nobody asked for. @default 100 */
  readonly batchIntervalMs?: number | undefined;
  /** Decoded records kept in memory, in bytes. @default 64 MiB */
  readonly cacheBytes?: number | undefined;
  /**
   * Read every record while opening, whatever was saved of the index; of a store given by its path, every byte. @default false
   */
  readonly verify?: boolean | undefined;
  /**
   * The index is saved beside the store, so that the next opening reads only what is newer: after so many changes, if they are half as many
   * as there are keys, and with fewer at close and after a compaction (an eighth of the keys, and 10,000, where this is not less).
   * Stores in memory and in a BoltDB file have no place for it. 0: never. @default 1_000_000
   */
  readonly checkpointEvery?: number | undefined;
  /** Called now and then while the index is rebuilt. What it throws ends the opening. */
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
  /**
   * For tests only: clock, timers, turns, randomness and files of their own (`@varve/base/world`, without promises between
   * versions). An engine is given the same. @default Node's, as it was when this package was loaded
   */
  readonly world?: World | undefined;
}

/** Prepares the lessor of a store, which is there at once, or comes when it is asked for. */
export type PrepareLeases = (options: LessorOptions) => PreparedLateLessor;

/** What is asked of the layers beside. */
export interface AssembleOptions extends StoreOptions {
  readonly maxDeletes?: number | undefined;
  readonly lessor?: LessorOptions | undefined;
  readonly prepareLeases: PrepareLeases;
  /** Note when revisions are written. */
  readonly times?: boolean | undefined;
}

/** An open store, layer by layer: keys and values are bytes, ids are bigints, and every answer names its revision. */
export interface Layers extends AsyncDisposable {
  /** Reads, sections, compaction, and `newWatchStream()`, each stream for many watchers. */
  readonly store: WatchableStore;
  /** What is under it: sizes, warnings, whether it may be written. */
  readonly backend: Backend;
  /** Whose the keys with a lease are, and when they go. Sections that grant or revoke leases go through its `write`. */
  readonly lessor: Lessor;
  /** Closes the lessor, the store, then the backend and its engine. Idempotent. @throws BackendError `BACKEND_FAILED` */
  close(): Promise<void>;
}

/** With what only a `Kv` has; the lessor may come later. */
export interface AssembledLayers extends Omit<Layers, 'lessor'> {
  readonly leases: LateLessor;
  readonly times?: RevisionTimes | undefined;
}

/** The names of `StoreOptions`; as an object, so that the compiler sees one that is missing. */
const storeNames: Record<keyof StoreOptions, true> = {
  durability: true,
  batchLimit: true,
  batchIntervalMs: true,
  cacheBytes: true,
  verify: true,
  checkpointEvery: true,
  onProgress: true,
  world: true,
};

/** @param more names of options that are checked elsewhere */
export function checkStoreOptions(options: Omit<AssembleOptions, 'prepareLeases'>, more: readonly string[]): void {
  checkNames(options, 'options', [...more, ...Object.keys(storeNames)]);
  const { durability } = options;
  if (durability !== undefined && durability !== 'commit' && durability !== 'interval') {
    throw invalidType('durability must be "commit" or "interval"');
  }
  checkOptionalInteger(options.batchLimit, 'batchLimit', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.batchIntervalMs, 'batchIntervalMs', 1, 0x7fffffff);
  checkOptionalInteger(options.cacheBytes, 'cacheBytes', 0, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.maxDeletes, 'maxDeletes', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.checkpointEvery, 'checkpointEvery', 0, Number.MAX_SAFE_INTEGER);
  checkOptionalBoolean(options.verify, 'verify');
  checkOptionalFunction(options.onProgress, 'onProgress');
  checkWorld(options.world);
}

/** Opens what was checked. @param fill what a new store begins with, once there is a backend */
export async function assembleOn(
  engine: Engine,
  options: AssembleOptions,
  fill: (backend: Backend) => Promise<unknown> = async () => undefined,
): Promise<AssembledLayers> {
  const {
    world,
    batchLimit,
    batchIntervalMs,
    durability,
    cacheBytes,
    maxDeletes,
    onProgress,
    verify,
    checkpointEvery,
  } = options;
  const times = options.times === true ? await newTimes(engine, world ?? hostWorld) : undefined;
  const backend = await openBackend(engine, { batchLimit, batchIntervalMs, world, preCommit: times?.preCommit });
  let store: WatchableStore | undefined;
  try {
    await fill(backend);
    const primary = backend.readOnly ? { primary: false } : undefined;
    const leases = options.prepareLeases({ world, ...options.lessor, ...primary });
    store = await openWatchableStore(backend, {
      durability,
      cacheBytes,
      maxDeletes,
      verify,
      checkpointEvery,
      onRestoreProgress: onProgress,
      world,
      // Watchers observe the store already.
      observers: times === undefined ? [leases.observe] : [leases.observe, times.observe],
    });
    // Before anybody writes: leases that ran out are deleted by those who open them.
    await times?.load();
    // Leases have rows of their own.
    const mayHaveLeases = backend.buckets().length > 2 || store.leaseAttachments.length > 0;
    return new OpenLayers(store, backend, await leases.open(mayHaveLeases), times);
  } catch (error) {
    // The first failure is the one to know; closing what it left may well fail, too.
    await store?.close().catch(() => undefined);
    await backend.close().catch(() => undefined);
    throw error;
  }
}

/** Loaded where it was asked for. The engine is nobody's yet: it is closed where that fails. */
async function newTimes(engine: Engine, { clock }: World): Promise<RevisionTimes> {
  try {
    const { RevisionTimes } = await loadLate(() => import('./times/revision-times.ts'));
    return new RevisionTimes(clock);
  } catch (error) {
    await engine.close().catch(() => undefined);
    throw error;
  }
}

class OpenLayers implements AssembledLayers {
  readonly store: WatchableStore;
  readonly backend: Backend;
  readonly leases: LateLessor;
  readonly times: RevisionTimes | undefined;
  /** May be taken off its object, as `const { store, close } = ...` does. */
  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close();
    return this.#closing;
  };
  #closing: Promise<void> | undefined;

  constructor(store: WatchableStore, backend: Backend, leases: LateLessor, times: RevisionTimes | undefined) {
    this.store = store;
    this.backend = backend;
    this.leases = leases;
    this.times = times;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    for (const layer of [this.leases, this.store, this.backend]) {
      await layer.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
