/**
 * A store seen through other codecs than the ones it was opened with: a door for packages that are given a store of bytes and
 * hand out keys and values of their own types.
 */
import type { Codec, KeyCodec } from './codec.ts';
import { invalidType } from './errors.ts';
import type { Kv } from './kv.ts';

/** What has the door. It is not a part of `Kv`. */
export interface Recoded {
  /** A view of the same keys: closing it does nothing. */
  recoded<K, V>(key: KeyCodec<K>, value: Codec<V>): Kv<K, V>;
}

/**
 * The same store, with keys and values of these codecs.
 * @throws TypeError `KV_INVALID` for a store without that door, and for what is no codec
 */
export function withCodecs<K, V>(store: Kv<Uint8Array, Uint8Array>, key: KeyCodec<K>, value: Codec<V>): Kv<K, V> {
  const { recoded } = store as Partial<Recoded>;
  if (typeof recoded !== 'function')
    throw invalidType('this store shows its keys and values as bytes only: leave the codecs out, and use bytes');
  return recoded.call(store, key, value) as Kv<K, V>;
}
