/**
 * The layers of a store at a place: what `open` is built on, and what a server works with.
 *
 * LYP1  Options are checked by name before anything is opened; an engine that came with wrong ones is closed.
 */
import { checkOptionalBoolean, invalidType } from '@varve/api/implement';
import { hostWorld } from '@varve/base/host';
import { prepareLessor, type LateLessor, type Lessor, type LessorOptions } from '@varve/lease';
import { discard, withTurn, worldOf } from './given-engine.ts';
import { importSourceOf, type ImportSource } from './import-from.ts';
import {
  assembleOn,
  checkStoreOptions,
  type AssembledLayers,
  type AssembleOptions,
  type Layers,
  type PrepareLeases,
  type StoreOptions,
} from './layers-on.ts';
import { checkLocation, engineAt, type Location } from './location.ts';

/** How a store is kept, whatever is stored in it. */
export interface LayerOptions extends StoreOptions {
  /** Make the store when there is none; for a path only, engines have their own. @default true */
  readonly create?: boolean | undefined;
  /**
   * Fill the new store from a file before it opens: all of its history, and its leases. It is whole, or the store does not open and the
   * place is empty. Only for a place that holds nothing yet, else `BACKEND_NOT_EMPTY`. @default an empty store
   */
  readonly importFrom?: string | ImportSource | undefined;
}

export interface OpenLayersOptions extends LayerOptions {
  /** Keys that the range deletions of one section may take, at the most. @default 20_000 */
  readonly maxDeletes?: number | undefined;
  /** How leases are kept. @default those of `@varve/lease`; in a store that is read only, none runs out */
  readonly lessor?: LessorOptions | undefined;
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
    const layers = await assemble(location, options);
    return Object.assign(layers, { lessor: await layers.leases.load() });
  });
}

/** The names of what `LayerOptions` has beside `StoreOptions`; as an object, so that the compiler sees one that is missing. */
const layerNames: Record<Exclude<keyof LayerOptions, keyof StoreOptions>, true> = { create: true, importFrom: true };

/** @param more names of options that are checked elsewhere */
export function checkLayerOptions(
  location: Location,
  options: OpenLayersOptions,
  more: readonly string[] = ['maxDeletes', 'lessor'],
): void {
  if (Object.hasOwn(Object(options), 'readOnly')) {
    throw invalidType(
      'options: readOnly goes to the engine: log(path, { readOnly: true }) or file(path, { readOnly: true })',
    );
  }
  checkStoreOptions(options, [...more, ...Object.keys(layerNames)]);
  checkOptionalBoolean(options.create, 'create');
  importSourceOf(options.importFrom);
  if (options.lessor !== undefined) checkLessor(options.lessor);
  if (options.create !== undefined && typeof location !== 'string') {
    throw invalidType('create goes with a path; give it to log(), level() or file() instead');
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

/** A lessor that is there with the store: where files are, its code is, too. */
const withTheStore: PrepareLeases = (options) => {
  const prepared = prepareLessor(options);
  return { observe: prepared.observe, open: async () => presentLessor(await prepared.open()) };
};

/** A lessor that need not be loaded. */
export function presentLessor(lessor: Lessor): LateLessor {
  return {
    loaded: lessor,
    load: async () => lessor,
    check: (id) => lessor.check(id),
    write: (body) => lessor.write(body),
    close: () => lessor.close(),
  };
}

/** Opens what was checked. */
export async function assemble(
  location: Location,
  options: OpenLayersOptions & Pick<AssembleOptions, 'times'>,
): Promise<AssembledLayers> {
  const { world } = options;
  const { path, ...importing } = importSourceOf(options.importFrom) ?? { path: undefined };
  // What the path means now, however long the opening takes.
  const source = path === undefined ? undefined : (world ?? hostWorld).files.absolute(path);
  const { verify } = options;
  // Only where it is asked for: an engine may verify more than that by itself.
  const engine = await engineAt(location, { create: options.create, world, ...(verify === true && { verify }) });
  return assembleOn(engine, { ...options, prepareLeases: withTheStore }, async (backend) => {
    if (source === undefined) return;
    const { importSnapshot } = await import('@varve/backend/import');
    await importSnapshot(source, backend, { ...importing, world });
  });
}

export type { Layers, StoreOptions } from './layers-on.ts';
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
  Opened,
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
export {
  MisfitError,
  openReplica,
  type Replica,
  type ReplicaChange,
  type ReplicaOptions,
  type ReplicaRecord,
  type ReplicaState,
  type ReplicaView,
} from './replica.ts';
