/**
 * A cluster in the place of a store: `open('etcd://a:2379,b:2379')` gives the same `Kv`, by `@varve/etcd`, which is loaded then.
 *
 * KCL1  The package is an optional peer: whoever needs no cluster has no gRPC. Where it is missing the error says what to install. Whatever else
 *     goes wrong while it is loaded, such as a package of its own that is missing, is handed on as it is.
 * KCL2  Options are plain types of `@varve/api`, so that the declarations here compile without that package.
 */
import { KvError, type ClusterName, type ConnectBothOptions, type ConnectOptions, type Kv } from '@varve/api';

/** True for `etcd://...`, `etcds://...`, `etcd+unix://...` and `etcd+unixs://...`, in whatever case: what `open` takes for the name of a cluster. It may still be a wrong one. */
export function isClusterName(location: unknown): location is ClusterName {
  return typeof location === 'string' && /^etcd(?:s|\+unixs?)?:\/\//i.test(location);
}

/** @throws KvError `KV_UNAVAILABLE` where `@varve/etcd` is not installed, and as its `connect` */
export async function openCluster<K, V, W>(name: ClusterName, options: ConnectOptions<K, V, W>): Promise<Kv<K, V, W>> {
  const { connect } = await load();
  // With or without codecs: the overloads of `open` have said so.
  return connect(name, options as ConnectBothOptions<K, V, W>);
}

async function load(): Promise<typeof import('@varve/etcd')> {
  try {
    return await import('@varve/etcd');
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    const message =
      'a name such as etcd://host:2379 is reached by @varve/etcd, which is not there: npm install @varve/etcd';
    throw new KvError('KV_UNAVAILABLE', message, { cause });
  }
}

/** True where the very package was not found. Node, Bun and Deno say so in these words. */
function isMissing(error: unknown): boolean {
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' && /find (?:package|module) ["'`]@varve\/etcd["'`]/i.test(String(message));
}
