/**
 * Opening: the one place that puts the layers together.
 *
 * OPE1  engine, backend, store: opened in this order. When a step fails, everything before it is closed again, and the
 *     step's own error is what `open` rejects with. An engine that another store has is left as it is.
 * OPE2  Options are checked by name before anything is opened; an engine that came with wrong ones is closed.
 */
import { discardEngine, openBackend, type Engine } from '@varve/backend';
import type { FileOptions } from '@varve/backend/file';
import type { LevelOptions } from '@varve/backend/level';
import { memoryEngine, type MemoryEngine } from '@varve/backend/memory';
import { openWatchableStore, type RestoreProgress } from '@varve/watch';
import { checkNames, checkOptionalBoolean, checkOptionalFunction, checkOptionalInteger } from './checks.ts';
import { nextSlice, sliceOver } from './clock.ts';
import { utf8, type Codec, type KeyCodec } from './codec.ts';
import { Core } from './core.ts';
import { StoreKv } from './embedded-kv.ts';
import { invalidType, type InvalidArgument } from './errors.ts';
import { fromHere } from './here.ts';
import { isThenable, kindOf } from './kind.ts';
import type { EmbeddedKv } from './embedded.ts';
import { Records } from './records.ts';

/** Where a store is: the folder of a LevelDB store, or an engine, which the store takes over and closes. */
export type Location = string | Engine | Promise<Engine>;

/** What is refused rather than stored. */
export interface Limits {
  /** @default 32 KiB */
  readonly maxKeyBytes?: number | undefined;
  /** @default 1.5 MiB, etcd's limit of a request */
  readonly maxValueBytes?: number | undefined;
  /**
   * Operations of `then`, operations of `else`, and conditions that one transaction may hold; all that is nested in it,
   * in either branch, counts. @default 128
   */
  readonly maxOps?: number | undefined;
  /** Transactions inside transactions. At most 1000. @default 100 */
  readonly maxDepth?: number | undefined;
  /**
   * Keys that one call may delete by a range, or one transaction by its ranges: they are one piece of work, which holds
   * the event loop. Beyond it `KV_TOO_LARGE`, and nothing is changed: delete in parts, `delete(range, { limit })`.
   * @default 20_000, some 200 ms
   */
  readonly maxDeletes?: number | undefined;
}

export interface OpenOptions<K, V> {
  /** How keys are stored. @default utf8 */
  readonly key?: KeyCodec<K> | undefined;
  /** How values are stored. @default utf8 */
  readonly value?: Codec<V> | undefined;
  /**
   * When a write is answered and seen: after its commit (law 1), or at once. With `'interval'` a program that ends by itself
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
  readonly createIfMissing?: boolean | undefined;
  readonly limits?: Limits | undefined;
  /** Called now and then while the index is rebuilt. What it throws ends the opening. */
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
}

/**
 * Opens a store, or makes one.
 * The engine is closed again when opening fails.
 * @throws TypeError, RangeError `KV_INVALID` for an unknown option or a wrong one
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_FOREIGN`, `BACKEND_NOT_FOUND`, `BACKEND_READ_ONLY`, `BACKEND_VERSION`,
 *   `BACKEND_CORRUPT`, `BACKEND_UNAVAILABLE`; MvccError `MVCC_CORRUPT`
 */
export async function open<K = string, V = string>(
  location: Location,
  options: OpenOptions<K, V> = {},
): Promise<EmbeddedKv<K, V>> {
  return withTurn(() => openStore(location, options));
}

async function openStore<K, V>(location: Location, options: OpenOptions<K, V>): Promise<EmbeddedKv<K, V>> {
  let records: Records<K, V>;
  try {
    checkOptions(location, options);
    records = recordsFor(options);
  } catch (error) {
    await discard(location);
    throw error;
  }
  const engine = await (typeof location === 'string'
    ? level(location, { createIfMissing: options.createIfMissing })
    : location);
  if (!isEngine(engine)) throw wrongLocation();
  const { batchLimit, batchIntervalMs, durability, cacheBytes, onProgress } = options;
  const backend = await openBackend(engine, { batchLimit, batchIntervalMs });
  try {
    const { maxDeletes } = records.limits;
    const store = await openWatchableStore(backend, {
      durability,
      cacheBytes,
      maxDeletes,
      onRestoreProgress: onProgress,
    });
    return new StoreKv(new Core(store, backend), records, true);
  } catch (error) {
    // The first failure is the one to know; closing what it left may well fail, too.
    await backend.close().catch(() => undefined);
    throw error;
  }
}

/** A store in memory: nothing outlives the process. */
export function memory(): MemoryEngine {
  return memoryEngine();
}

/** A folder of LevelDB files. The driver is loaded by the first call. */
export async function level(path: string, options?: LevelOptions): Promise<Engine> {
  return withTurn(async () => {
    checkEngine(path, options, levelNames, 'level');
    const place = fromHere(path);
    const { levelEngine } = await import('@varve/backend/level');
    return withCode(() => levelEngine(place, options));
  });
}

/**
 * One BoltDB file, readable by etcd and bbolt. With `readOnly: true` it is not changed, nothing is made beside it, and
 * others may read it as well: what writes rejects with `BACKEND_READ_ONLY`, everything else works.
 */
export async function file(path: string, options?: FileOptions): Promise<Engine> {
  return withTurn(async () => {
    checkEngine(path, options, fileNames, 'file');
    const place = fromHere(path);
    const { fileEngine } = await import('@varve/backend/file');
    return withCode(() => fileEngine(place, options));
  });
}

const optionNames = [
  'key',
  'value',
  'durability',
  'batchLimit',
  'batchIntervalMs',
  'cacheBytes',
  'createIfMissing',
  'limits',
  'onProgress',
];
const limitNames = ['maxKeyBytes', 'maxValueBytes', 'maxOps', 'maxDepth', 'maxDeletes'];
const engineMembers = ['get', 'scan', 'buckets', 'pin', 'commit', 'compact', 'close'] as const;

function checkOptions<K, V>(location: Location, options: OpenOptions<K, V>): void {
  if (typeof location === 'string') checkPath(location);
  else if (!isThenable(location) && !isEngine(location)) throw wrongLocation();
  if (Object.hasOwn(Object(options), 'readOnly')) {
    throw invalidType('options: readOnly goes to the engine: file(path, { readOnly: true }). LevelDB has no such mode');
  }
  checkNames(options, 'options', optionNames);
  const { durability } = options;
  if (durability !== undefined && durability !== 'commit' && durability !== 'interval') {
    throw invalidType('durability must be "commit" or "interval"');
  }
  checkOptionalInteger(options.batchLimit, 'batchLimit', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(options.batchIntervalMs, 'batchIntervalMs', 1, 0x7fffffff);
  checkOptionalInteger(options.cacheBytes, 'cacheBytes', 0, Number.MAX_SAFE_INTEGER);
  checkOptionalBoolean(options.createIfMissing, 'createIfMissing');
  checkOptionalFunction(options.onProgress, 'onProgress');
  if (options.createIfMissing !== undefined && typeof location !== 'string') {
    throw invalidType('createIfMissing goes with a path; give it to level() or file() instead');
  }
}

function checkPath(path: string): void {
  if (path === '') throw invalidType('the location must not be empty');
  if (path.includes('\0')) throw invalidType('the location must not have a zero character');
  const scheme = /^([a-z][a-z\d+-]+):\/\//i.exec(path)?.[1];
  if (scheme !== undefined)
    throw invalidType(`the location must be the path of a folder; ${scheme}: is not for this package`);
}

/** The options of the engines, by name; as objects, so that the compiler sees one that is missing. */
const levelNames: Record<keyof LevelOptions, true> = {
  createIfMissing: true,
  cacheSize: true,
  writeBufferSize: true,
  verify: true,
  readOnly: true,
};
const fileNames: Record<keyof FileOptions, true> = {
  createIfMissing: true,
  readOnly: true,
  cacheSize: true,
  lockTimeoutMs: true,
};

function checkEngine(path: unknown, options: object | undefined, names: object, call: string): void {
  if (typeof path !== 'string')
    throw invalidType(`the path must be a string, as in ${call}('store'), not ${kindOf(path)}`);
  if (path === '') throw invalidType(`the path must not be empty, as in ${call}('store')`);
  if (path.includes('\0')) throw invalidType('the path must not have a zero character');
  if (options !== undefined) checkNames(options, 'options', Object.keys(names));
}

/** Opens, and gives others a turn behind it (law 10): programs try again and again while another one has the store. */
async function withTurn<T>(opening: () => Promise<T>): Promise<T> {
  try {
    return await opening();
  } finally {
    if (sliceOver()) await nextSlice();
  }
}

/** What an engine says of wrong arguments, with this package's code. */
async function withCode<T>(opening: () => Promise<T>): Promise<T> {
  try {
    return await opening();
  } catch (error) {
    const invalid = (error instanceof TypeError || error instanceof RangeError) && !('code' in error);
    throw invalid ? Object.assign(error, { code: 'KV_INVALID' }) : error;
  }
}

function wrongLocation(): InvalidArgument {
  return invalidType('the location must be the path of a folder or an engine: memory(), level(path) or file(path)');
}

function isEngine(location: unknown): location is Engine {
  const engine = location as Partial<Engine> | null | undefined;
  return engineMembers.every((member) => typeof engine?.[member] === 'function');
}

function recordsFor<K, V>(options: OpenOptions<K, V>): Records<K, V> {
  const { limits = {} } = options;
  checkNames(limits, 'limits', limitNames);
  const { maxKeyBytes = 32 * 1024, maxValueBytes = 1536 * 1024, maxOps = 128, maxDepth = 100 } = limits;
  const { maxDeletes = 20_000 } = limits;
  checkOptionalInteger(maxKeyBytes, 'limits.maxKeyBytes', 1, mostBytes);
  checkOptionalInteger(maxValueBytes, 'limits.maxValueBytes', 0, mostBytes);
  checkOptionalInteger(maxOps, 'limits.maxOps', 1, 1_000_000);
  checkOptionalInteger(maxDepth, 'limits.maxDepth', 0, 1000);
  checkOptionalInteger(maxDeletes, 'limits.maxDeletes', 1, Number.MAX_SAFE_INTEGER);
  // Where no codec is given the type parameter has its default, string.
  const { key = utf8 as unknown as KeyCodec<K>, value = utf8 as unknown as Codec<V> } = options;
  return new Records(key, value, { maxKeyBytes, maxValueBytes, maxOps, maxDepth, maxDeletes });
}

/** Half of what a record may hold in every engine: key, value and the rest of it. */
const mostBytes = 1024 ** 3;

/** Closes an engine that was handed over for nothing. */
async function discard(location: Location): Promise<void> {
  if (typeof location === 'string') return;
  try {
    const engine = await location;
    if (isEngine(engine)) await discardEngine(engine);
  } catch {
    // The reason why the location was given up is on its way to the caller already.
  }
}
