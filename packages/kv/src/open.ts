/**
 * Opening: codecs and limits over the layers (layers.ts).
 *
 * OPE1  Options are checked by name before anything is opened; an engine that came with wrong ones is closed.
 */
import { utf8, type Codec, type KeyCodec } from '@varve/api';
import { activeLimits, Records, type Limits } from '@varve/api/implement';
import { nodeWorld } from '@varve/base/node/world';
import { Core } from './core.ts';
import { StoreKv } from './embedded-kv.ts';
import type { EmbeddedKv } from './embedded.ts';
import { assemble, checkLayerOptions, type LayerOptions } from './layers.ts';
import { checkLocation, discard, withTurn, worldOf, type Location } from './location.ts';

export interface OpenOptions<K, V, W = V> extends LayerOptions {
  /** How keys are stored. @default utf8 */
  readonly key?: KeyCodec<K> | undefined;
  /** How values are stored. @default utf8 */
  readonly value?: Codec<V, W> | undefined;
  /** What is refused rather than stored. */
  readonly limits?: Limits | undefined;
}

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

/**
 * Opens a store, or makes one.
 * The engine is closed again when opening fails.
 * @throws TypeError, RangeError `KV_INVALID` for an unknown option or a wrong one
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_FOREIGN`, `BACKEND_NOT_FOUND`, `BACKEND_READ_ONLY`, `BACKEND_VERSION`,
 *   `BACKEND_CORRUPT`, `BACKEND_UNAVAILABLE`; MvccError `MVCC_CORRUPT`
 */
export function open<K, V, W = V>(location: Location, options: BothOptions<K, V, W>): Promise<EmbeddedKv<K, V, W>>;
export function open<K extends string, V, W = V>(
  location: Location,
  options: ValueOptions<K, V, W>,
): Promise<EmbeddedKv<K, V, W>>;
export function open<K>(location: Location, options: KeyOptions<K>): Promise<EmbeddedKv<K>>;
// The last one: before, it would take json() for a codec of strings.
export function open(location: Location, options?: OpenOptions<string, string>): Promise<EmbeddedKv>;
export async function open<K, V, W>(
  location: Location,
  options: OpenOptions<K, V, W> = {},
): Promise<EmbeddedKv<K, V, W>> {
  return withTurn(worldOf(options), () => openStore(location, options));
}

async function openStore<K, V, W>(location: Location, options: OpenOptions<K, V, W>): Promise<EmbeddedKv<K, V, W>> {
  let records: Records<K, V>;
  try {
    checkLocation(location);
    checkLayerOptions(location, options, ownNames);
    records = recordsFor(options);
  } catch (error) {
    await discard(location);
    throw error;
  }
  const { world = nodeWorld } = options;
  const { maxDeletes } = records.limits;
  const layers = await assemble(location, { ...options, maxDeletes });
  return new StoreKv<K, V, W>(new Core(layers, world), records, true);
}

const ownNames = ['key', 'value', 'limits'];

function recordsFor<K, V, W>(options: OpenOptions<K, V, W>): Records<K, V> {
  const limits = activeLimits(options.limits);
  // Where no codec is given the type parameter has its default, string.
  const { key = utf8 as unknown as KeyCodec<K>, value = utf8 as unknown as Codec<V> } = options;
  return new Records(key, value as unknown as Codec<V>, limits);
}
