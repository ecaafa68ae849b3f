/**
 * Opening: codecs and limits over the layers (layers.ts).
 *
 * OPE1  Options are checked by name before anything is opened; an engine that came with wrong ones is closed.
 */
import type {
  ClusterName,
  Codec,
  ConnectBothOptions,
  ConnectKeyOptions,
  ConnectOptions,
  ConnectValueOptions,
  KeyCodec,
  Kv,
} from '@varve/api';
import { recordNames, recordsFor, type RecordOptions, type Records } from '@varve/api/implement';
import { hostWorld } from '@varve/base/host';
import { isClusterName, openCluster } from './cluster.ts';
import { FiledKv } from './filed-kv.ts';
import type { EmbeddedKv } from './embedded.ts';
import { assemble, checkLayerOptions, type LayerOptions } from './layers.ts';
import { discard, withTurn, worldOf } from './given-engine.ts';
import { openCore } from './open-core.ts';
import { historyNames, planRetain, type HistoryKeepingOptions, type RetainPlan } from './retain/retain-options.ts';
import { checkLocation, type Location } from './location.ts';

export interface OpenOptions<K, V, W = V> extends LayerOptions, RecordOptions<K, V, W>, HistoryKeepingOptions {}

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

/** A cluster by its name, as `open(name)`, with codecs for keys and values. */
export function open<K, V, W = V>(name: ClusterName, options: ConnectBothOptions<K, V, W>): Promise<Kv<K, V, W>>;
/** A cluster by its name, as `open(name)`, with a codec for values; keys are strings. */
export function open<K extends string, V, W = V>(
  name: ClusterName,
  options: ConnectValueOptions<K, V, W>,
): Promise<Kv<K, V, W>>;
/** A cluster by its name, as `open(name)`, with a codec for keys; values are strings. */
export function open<K>(name: ClusterName, options: ConnectKeyOptions<K>): Promise<Kv<K>>;
/**
 * Connects to the cluster of a name such as `etcd://a:2379,b:2379` (with TLS `etcds:`), or `etcd+unix:///path`: the same `Kv` on it, by `@varve/etcd`,
 * which is installed beside. Keys and values are strings unless codecs are given.
 * @throws TypeError, RangeError `KV_INVALID` for a wrong name or option
 * @throws KvError `KV_UNAVAILABLE` where `@varve/etcd` is not installed, or nobody answers; `KV_DENIED`
 */
export function open(name: ClusterName, options?: ConnectOptions): Promise<Kv>;
/** Opens a store, or makes one, as `open(location)`, with codecs for keys and values. */
export function open<K, V, W = V>(location: Location, options: BothOptions<K, V, W>): Promise<EmbeddedKv<K, V, W>>;
/** Opens a store, or makes one, as `open(location)`, with a codec for values; keys are strings. */
export function open<K extends string, V, W = V>(
  location: Location,
  options: ValueOptions<K, V, W>,
): Promise<EmbeddedKv<K, V, W>>;
/** Opens a store, or makes one, as `open(location)`, with a codec for keys; values are strings. */
export function open<K>(location: Location, options: KeyOptions<K>): Promise<EmbeddedKv<K>>;
// The last one: before, it would take json() for a codec of strings.
/**
 * Opens a store, or makes one. Keys and values are strings unless codecs are given.
 * A string is the path of a folder, which is opened as what it is: a log, or LevelDB's. A new one becomes a log. `file(path)`, `memory()`, `level(path)`,
 * `log(path)` and engines of your own go in its place; an engine is closed again when opening fails.
 * A string that may also be the name of a cluster, as from a setting, is taken for a path by the compiler, and what comes has the type of a store in
 * this process: ask `isClusterName` first, or keep what comes as a `Kv`, which both are.
 * @throws TypeError, RangeError `KV_INVALID` for an unknown option or a wrong one
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_FOREIGN`, `BACKEND_NOT_FOUND`, `BACKEND_READ_ONLY`, `BACKEND_UNREADABLE`, `BACKEND_VERSION`,
 *   `BACKEND_CORRUPT`, `BACKEND_UNAVAILABLE`, with `importFrom` `BACKEND_NOT_EMPTY`; MvccError `MVCC_CORRUPT`; LeaseError `LEASE_CORRUPT`
 */
export function open(location: Location, options?: OpenOptions<string, string>): Promise<EmbeddedKv>;
export async function open<K, V, W>(
  location: Location,
  options: OpenOptions<K, V, W> | ConnectOptions<K, V, W> = {},
): Promise<Kv<K, V, W>> {
  if (isClusterName(location)) return openCluster(location, options);
  // Options of a cluster go with its name: the overloads have said so.
  return withTurn(worldOf(options), () => openStore(location, options as OpenOptions<K, V, W>));
}

async function openStore<K, V, W>(location: Location, options: OpenOptions<K, V, W>): Promise<EmbeddedKv<K, V, W>> {
  let records: Records<K, V>;
  let retain: RetainPlan | undefined;
  try {
    checkLocation(location);
    checkLayerOptions(location, options, [...recordNames, ...historyNames]);
    retain = planRetain(options);
    records = recordsFor(options);
  } catch (error) {
    await discard(location);
    throw error;
  }
  const { world = hostWorld } = options;
  const { maxDeletes } = records.limits;
  // At once: a relative path means the working directory of the call.
  const layers = await assemble(location, { ...options, maxDeletes });
  return new FiledKv<K, V, W>(await openCore(layers, world, retain), records, true);
}
