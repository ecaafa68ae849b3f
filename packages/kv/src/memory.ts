/**
 * The store without files: in memory, or on an engine that is given; for browsers, workers and wherever Node is not.
 *
 * MEO1  Nothing here, or under here, imports a built-in of Node: the test of the bundles holds that.
 * MEO2  The same store as that of `@varve/kv`, layer by layer; what needs paths is not in its type.
 */
import type { Codec, KeyCodec } from '@varve/api';
import { invalidType, recordNames, recordsFor, type RecordOptions, type Records } from '@varve/api/implement';
import { hostWorld } from '@varve/base/host';
import { prepareLateLessor } from '@varve/lease';
import { StoreKv } from './embedded-kv.ts';
import type { MemoryKv } from './embedded.ts';
import { discard, isEngine, mayBeEngine, memory, withTurn, worldOf, type GivenEngine } from './given-engine.ts';
import { openCore } from './open-core.ts';
import { assembleOn, checkStoreOptions, type StoreOptions } from './layers-on.ts';
import { historyNames, planRetain, type HistoryKeepingOptions, type RetainPlan } from './retain/retain-options.ts';

export interface OpenOptions<K, V, W = V> extends StoreOptions, RecordOptions<K, V, W>, HistoryKeepingOptions {}

/** Options with a codec for keys. */
export interface KeyOptions<K> extends OpenOptions<K, string> {
  /** How keys are stored. */
  readonly key: KeyCodec<K>;
  /** Not given: values are strings. */
  readonly value?: undefined;
}

/** Options with a codec for values. */
export interface ValueOptions<K extends string, V, W> extends OpenOptions<K, V, W> {
  /** How values are stored. */
  readonly value: Codec<V, W>;
}

/** Options with both. */
export interface BothOptions<K, V, W> extends OpenOptions<K, V, W> {
  /** How keys are stored. */
  readonly key: KeyCodec<K>;
  /** How values are stored. */
  readonly value: Codec<V, W>;
}

/** Opens a store in memory or on an engine, as `open(engine)`, with codecs for keys and values. */
export function open<K, V, W = V>(
  engine: GivenEngine | undefined,
  options: BothOptions<K, V, W>,
): Promise<MemoryKv<K, V, W>>;
/** Opens a store in memory or on an engine, as `open(engine)`, with a codec for values; keys are strings. */
export function open<K extends string, V, W = V>(
  engine: GivenEngine | undefined,
  options: ValueOptions<K, V, W>,
): Promise<MemoryKv<K, V, W>>;
/** Opens a store in memory or on an engine, as `open(engine)`, with a codec for keys; values are strings. */
export function open<K>(engine: GivenEngine | undefined, options: KeyOptions<K>): Promise<MemoryKv<K>>;
// The last one: before, it would take json() for a codec of strings.
/**
 * Opens a store in memory, or on the engine that is given, which it takes over and closes, also when opening fails. Keys and values are strings
 * unless codecs are given.
 * @throws TypeError, RangeError `KV_INVALID` for an unknown option or a wrong one
 * @throws BackendError, MvccError of an engine that is given
 * @throws LateError `BASE_NOT_LOADED` where the code of `retain` or `times` cannot be had; the engine is closed
 */
export function open(engine?: GivenEngine, options?: OpenOptions<string, string>): Promise<MemoryKv>;
export async function open<K, V, W>(
  engine: GivenEngine = memory(),
  options: OpenOptions<K, V, W> = {},
): Promise<MemoryKv<K, V, W>> {
  return withTurn(worldOf(options), () => openStore(engine, options));
}

async function openStore<K, V, W>(given: GivenEngine, options: OpenOptions<K, V, W>): Promise<MemoryKv<K, V, W>> {
  let records: Records<K, V>;
  let retain: RetainPlan | undefined;
  try {
    if (!mayBeEngine(given)) throw wrongEngine();
    checkStoreOptions(options, [...recordNames, ...historyNames]);
    retain = planRetain(options);
    records = recordsFor(options);
  } catch (error) {
    await discard(given);
    throw error;
  }
  const engine = await given;
  if (!isEngine(engine)) throw wrongEngine();
  const { maxDeletes } = records.limits;
  const layers = await assembleOn(engine, { ...options, maxDeletes, prepareLeases: prepareLateLessor });
  return new StoreKv<K, V, W>(await openCore(layers, options.world ?? hostWorld, retain), records, true);
}

function wrongEngine(): Error {
  return invalidType('there must be an engine, such as memory(); a path needs files: open it with @varve/kv');
}

export * from '@varve/api';
export type { Limits } from '@varve/api/implement';
export { memory, type GivenEngine } from './given-engine.ts';
export type * from './embedded.ts';
export type { Hold, HoldOptions, HoldStatus } from './retain/hold.ts';
export type { HistoryKeepingOptions, RetainOptions } from './retain/retain-options.ts';
export type { RetainStatus, RetainedCompaction, RetainFailure } from './retain/retain-status.ts';
export type { CheckOptions, CheckProgress, CheckResult } from './check-store.ts';
export {
  MvccError,
  WatchError,
  type Compaction,
  type MvccErrorCode,
  type Opened,
  type RestoreProgress,
  type StoreMetrics,
  type WatchStats,
} from '@varve/watch';
export { BackendError, type BackendErrorCode, type Engine, type Snapshot } from '@varve/backend';
