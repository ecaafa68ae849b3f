/** The codecs and limits of a store or a connection, from what opening it was given. */
import { utf8, type Codec, type KeyCodec } from './codec.ts';
import { activeLimits, type Limits } from './limits.ts';
import { Records } from './records.ts';

/** How keys and values are stored, and what is refused. */
export interface RecordOptions<K, V, W = V> {
  /** How keys are stored. @default utf8 */
  readonly key?: KeyCodec<K> | undefined;
  /** How values are stored. @default utf8 */
  readonly value?: Codec<V, W> | undefined;
  /** What is refused rather than stored. */
  readonly limits?: Limits | undefined;
}

export const recordNames: readonly string[] = ['key', 'value', 'limits'];

/** @param usualDeletes `limits.maxDeletes` where the caller gives none. @throws TypeError, RangeError `KV_INVALID` */
export function recordsFor<K, V, W>(options: RecordOptions<K, V, W>, usualDeletes?: number): Records<K, V> {
  const limits = activeLimits(options.limits, usualDeletes);
  // Where no codec is given the type parameter has its default, string.
  const { key = utf8 as unknown as KeyCodec<K>, value = utf8 as unknown as Codec<V> } = options;
  return new Records(key, value as unknown as Codec<V>, limits);
}
