/**
 * The layers of a store, put together in one place: what `open` is built on, and what a server works with.
 *
 *   engine ──> backend ──> store and its observers: watchers, and the lessor
 *
 * LYR1  Opened in this order. When a step fails, everything before it is closed again, and the step's own error is what the
 *      call rejects with. An engine that another store has is left as it is.
 * LYR2  Options are checked by name before anything is opened; an engine that came with wrong ones is closed.
 * LYR3  Closing goes the other way, to its end even when a step fails; the first failure is what `close` rejects with.
 */
import {
  checkNames,
  checkOptionalBoolean,
  checkOptionalFunction,
  checkOptionalInteger,
  invalidType,
} from '@varve/api/implement';
import { importSnapshot, openBackend, type Backend } from '@varve/backend';
import { nodeWorld } from '@varve/base/node/world';
import type { World } from '@varve/base/world';
import { prepareLessor, type Lessor, type LessorOptions } from '@varve/lease';
import { openWatchableStore, type RestoreProgress, type WatchableStore } from '@varve/watch';
import { importSourceOf, type ImportSource } from './import-from.ts';
import { checkLocation, checkWorld, discard, engineAt, withTurn, worldOf, type Location } from './location.ts';

/** How a store is kept, whatever is stored in it. */
export interface LayerOptions {
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
  /** Make the store when there is none; for a path only, engines have their own. @default true */
  readonly create?: boolean | undefined;
  /**
   * Fill the new store from a file before it opens: all of its history, and its leases. It is whole, or the store does not open and the
   * place is empty. Only for a place that holds nothing yet, else `BACKEND_NOT_EMPTY`. @default an empty store
   */
  readonly importFrom?: string | ImportSource | undefined;
  /** Called now and then while the index is rebuilt. What it throws ends the opening. */
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
  /**
   * For tests only: clock, timers, turns, randomness and files of their own (`@varve/base/world`, without promises between
   * versions). An engine is given the same. @default Node's, as it was when this package was loaded
   */
  readonly world?: World | undefined;
}

export interface OpenLayersOptions extends LayerOptions {
  /** Keys that the range deletions of one section may take, at the most. @default 20_000 */
  readonly maxDeletes?: number | undefined;
  /** How leases are kept. @default those of `@varve/lease`; in a store that is read only, none runs out */
  readonly lessor?: LessorOptions | undefined;
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

/**
 * Opens a store, or makes one, and gives its layers as they are.
 * The engine is closed again when opening fails.
 * @throws TypeError, RangeError `KV_INVALID` for an unknown option or a wrong one
 * @throws BackendError, MvccError as `open` of `@varve/kv`
 */
export function openLayers(location: Location, options: OpenLayersOptions = {}): Promise<Layers> {
  return withTurn(worldOf(options), async () => {
    try {
      checkLocation(location);
      checkLayerOptions(location, options);
    } catch (error) {
      await discard(location);
      throw error;
    }
    return assemble(location, options);
  });
}

/** The names of `LayerOptions`; as an object, so that the compiler sees one that is missing. */
const layerNames: Record<keyof LayerOptions, true> = {
  durability: true,
  batchLimit: true,
  batchIntervalMs: true,
  cacheBytes: true,
  create: true,
  importFrom: true,
  onProgress: true,
  world: true,
};

/** @param more names of options that are checked elsewhere */
export function checkLayerOptions(
  location: Location,
  options: OpenLayersOptions,
  more: readonly string[] = ['maxDeletes', 'lessor'],
): void {
  if (Object.hasOwn(Object(options), 'readOnly')) {
    throw invalidType('options: readOnly goes to the engine: file(path, { readOnly: true }). LevelDB has no such mode');
  }
  checkNames(options, 'options', [...more, ...Object.keys(layerNames)]);
  const { durability } = options;
  if (durability !== undefined && durability !== 'commit' && durability !== 'interval') {
    throw invalidType('durability must be "commit" or "interval"');
  }
  checkOptionalInteger(options.batchLimit, 'batchLimit', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.batchIntervalMs, 'batchIntervalMs', 1, 0x7fffffff);
  checkOptionalInteger(options.cacheBytes, 'cacheBytes', 0, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.maxDeletes, 'maxDeletes', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalBoolean(options.create, 'create');
  checkOptionalFunction(options.onProgress, 'onProgress');
  importSourceOf(options.importFrom);
  checkWorld(options.world);
  if (options.lessor !== undefined) checkLessor(options.lessor);
  if (options.create !== undefined && typeof location !== 'string') {
    throw invalidType('create goes with a path; give it to level() or file() instead');
  }
}

/** What the lessor says of wrong options, with this package's code. */
function checkLessor(options: LessorOptions): void {
  try {
    prepareLessor(options);
  } catch (error) {
    throw invalidType(`lessor: ${(error as Error).message}`, error);
  }
}

/** Opens what was checked. */
export async function assemble(location: Location, options: OpenLayersOptions): Promise<Layers> {
  const { world } = options;
  const { path, ...importing } = importSourceOf(options.importFrom) ?? { path: undefined };
  // What the path means now, however long the opening takes.
  const source = path === undefined ? undefined : (world ?? nodeWorld).files.absolute(path);
  const engine = await engineAt(location, { create: options.create, world });
  const { batchLimit, batchIntervalMs, durability, cacheBytes, maxDeletes, onProgress } = options;
  const backend = await openBackend(engine, { batchLimit, batchIntervalMs, world });
  let store: WatchableStore | undefined;
  try {
    if (source !== undefined) await importSnapshot(source, backend, { ...importing, world });
    const leases = prepareLessor({ world, ...options.lessor, ...(backend.readOnly ? { primary: false } : undefined) });
    store = await openWatchableStore(backend, {
      durability,
      cacheBytes,
      maxDeletes,
      onRestoreProgress: onProgress,
      world,
      // Watchers observe the store already.
      observers: [leases.observe],
    });
    return new OpenLayers(store, backend, await leases.open());
  } catch (error) {
    // The first failure is the one to know; closing what it left may well fail, too.
    await store?.close().catch(() => undefined);
    await backend.close().catch(() => undefined);
    throw error;
  }
}

class OpenLayers implements Layers {
  readonly store: WatchableStore;
  readonly backend: Backend;
  readonly lessor: Lessor;
  /** May be taken off its object, as `const { store, close } = ...` does. */
  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close();
    return this.#closing;
  };
  #closing: Promise<void> | undefined;

  constructor(store: WatchableStore, backend: Backend, lessor: Lessor) {
    this.store = store;
    this.backend = backend;
    this.lessor = lessor;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    for (const layer of [this.lessor, this.store, this.backend]) {
      await layer.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

export { BackendError, leaseGrantCost, putCost, quotaOf, txnCost } from '@varve/backend';
export type { Backend, BackendErrorCode, CostedOp, CostedTxn, Engine, Quota, Snapshot } from '@varve/backend';
export { LeaseError } from '@varve/lease';
export type { Lease, LeaseCheckpoint, LeaseErrorCode, LeaseTxn, Lessor, LessorOptions } from '@varve/lease';
export { MvccError, WatchError } from '@varve/watch';
export type {
  Change,
  Compaction,
  DeleteRangeOptions,
  DeleteRangeResult,
  Event,
  EventFilter,
  Finished,
  GetOptions,
  HashResult,
  HistoryOptions,
  KeyValue,
  LeaseAttachment,
  MvccErrorCode,
  RangeEnd,
  RangeOptions,
  RangeResult,
  ReadTxn,
  RestoreProgress,
  SliceOptions,
  Store,
  StoreMetrics,
  WatchableStore,
  WatchErrorCode,
  WatchOptions,
  WatchResponse,
  WatchStats,
  WatchStream,
  WriteTxn,
} from '@varve/watch';
export type { Location } from './location.ts';
