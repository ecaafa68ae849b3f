/**
 * A cluster in the place of a store: `open('etcd://a:2379,b:2379')` gives the same `Kv`, by `@varve/etcd`, which is loaded then.
 *
 * KCL1  The package is an optional peer: whoever needs no cluster has no gRPC. Where it is missing the error says what to install.
 * KCL2  Options are plain types of `@varve/api`, so that the declarations here compile without that package.
 */
import { KvError, type ClusterName, type ClusterOptions, type Codec, type KeyCodec, type Kv } from '@varve/api';
import type { Limits } from '@varve/api/implement';
import type { World } from '@varve/base/world';

export interface OpenClusterOptions<K, V, W = V> extends ClusterOptions {
  /** How keys are stored. @default utf8 */
  readonly key?: KeyCodec<K> | undefined;
  /** How values are stored. @default utf8 */
  readonly value?: Codec<V, W> | undefined;
  /** What is refused before it is sent. */
  readonly limits?: Limits | undefined;
  /** For tests only: clock and randomness of their own. */
  readonly world?: World | undefined;
}

/** Options with a codec for keys. */
export interface ClusterKeyOptions<K> extends OpenClusterOptions<K, string> {
  /** How keys are stored. */
  readonly key: KeyCodec<K>;
  /** Not given: values are strings. */
  readonly value?: undefined;
}

/** Options with a codec for values. */
export interface ClusterValueOptions<K extends string, V, W> extends OpenClusterOptions<K, V, W> {
  /** How values are stored. */
  readonly value: Codec<V, W>;
}

/** Options with both. */
export interface ClusterBothOptions<K, V, W> extends OpenClusterOptions<K, V, W> {
  /** How keys are stored. */
  readonly key: KeyCodec<K>;
  /** How values are stored. */
  readonly value: Codec<V, W>;
}

export function isClusterName(location: unknown): location is ClusterName {
  return typeof location === 'string' && /^etcds?:\/\//i.test(location);
}

/** @throws KvError `KV_UNAVAILABLE` where `@varve/etcd` is not installed, and as its `connect` */
export async function openCluster<K, V, W>(
  name: ClusterName,
  options: OpenClusterOptions<K, V, W>,
): Promise<Kv<K, V, W>> {
  const { connect } = await load();
  // With or without codecs: the overloads of `open` have said so.
  return connect(name, options as ClusterBothOptions<K, V, W>);
}

async function load(): Promise<typeof import('@varve/etcd')> {
  try {
    return await import('@varve/etcd');
  } catch (cause) {
    const message =
      'a name such as etcd://host:2379 is reached by @varve/etcd, which is not there: npm install @varve/etcd';
    throw new KvError('KV_UNAVAILABLE', message, { cause });
  }
}
