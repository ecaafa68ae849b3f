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

export interface OpenOptions<K, V> extends LayerOptions {
  /** How keys are stored. @default utf8 */
  readonly key?: KeyCodec<K> | undefined;
  /** How values are stored. @default utf8 */
  readonly value?: Codec<V> | undefined;
  /** What is refused rather than stored. */
  readonly limits?: Limits | undefined;
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
  return withTurn(worldOf(options), () => openStore(location, options));
}

async function openStore<K, V>(location: Location, options: OpenOptions<K, V>): Promise<EmbeddedKv<K, V>> {
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
  return new StoreKv(new Core(layers, world), records, true);
}

const ownNames = ['key', 'value', 'limits'];

function recordsFor<K, V>(options: OpenOptions<K, V>): Records<K, V> {
  const limits = activeLimits(options.limits);
  // Where no codec is given the type parameter has its default, string.
  const { key = utf8 as unknown as KeyCodec<K>, value = utf8 as unknown as Codec<V> } = options;
  return new Records(key, value, limits);
}
