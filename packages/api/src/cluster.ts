/**
 * How a cluster is reached: what `connect` of `@varve/etcd` takes, and `open` of `@varve/kv` for a name such as `etcd://a:2379,b:2379`.
 *
 * CLO1  Plain data, so that it is written here without anything that could reach a cluster.
 */
import type { Codec, KeyCodec } from './codec.ts';
import type { RecordOptions } from './records-for.ts';

/**
 * Members of a cluster: `etcd://host:port,host:port`, or with TLS `etcds://host:port`. The port may be left out: 2379. Or one member, on this
 * machine, at a Unix socket: `etcd+unix:///path`, with TLS `etcd+unixs:///path`.
 */
export type ClusterName = `etcd://${string}` | `etcds://${string}` | `etcd+unix://${string}` | `etcd+unixs://${string}`;

/** Who asks. Given, the cluster must have users enabled. */
export interface ClusterAuth {
  /** The name of a user that the cluster has. */
  readonly user: string;
  /** Sent for a token, and never in a message of an error. */
  readonly password: string;
}

/** For `etcds://` and `etcd+unixs://`. Everything as PEM. */
export interface ClusterTls {
  /** Authorities that are believed. @default those of the system */
  readonly ca?: string | Uint8Array | undefined;
  /** The certificate of this client, where the cluster wants one; with `key`. */
  readonly cert?: string | Uint8Array | undefined;
  /** The key of that certificate. */
  readonly key?: string | Uint8Array | undefined;
  /** The name that the certificates of the members must have. @default the host of the name; `localhost` of a Unix socket */
  readonly serverName?: string | undefined;
}

export interface ClusterOptions {
  /** User and password. The token that they give is renewed by itself. @default nobody in particular */
  readonly auth?: ClusterAuth | undefined;
  /** For names with `etcds:` or `etcd+unixs:`. */
  readonly tls?: ClusterTls | undefined;
  /**
   * How long a call may take, all attempts together; then it is `KV_UNAVAILABLE`, or `KV_UNKNOWN_OUTCOME` for a write that was sent.
   * @default 15_000
   */
  readonly timeoutMs?: number | undefined;
  /** How long one member may take for a read before another one is asked. @default 5000 */
  readonly attemptTimeoutMs?: number | undefined;
  /**
   * `'linearizable'`: a read sees every write that was answered before. `'serializable'`: the member that is asked answers from what it
   * has, which is quicker, works without a quorum, and may be old. @default 'linearizable'
   */
  readonly reads?: 'linearizable' | 'serializable' | undefined;
  /**
   * `'called'`: writes take effect in the order of the calls, as everywhere, so one is under way at a time. `'any'`: they go out at once,
   * and may overtake each other; many writers at once are faster then. @default 'called'
   */
  readonly writeOrder?: 'called' | 'any' | undefined;
  /** Ask the cluster for its members each so many milliseconds, and go to those, too. @default never: those of the name */
  readonly syncIntervalMs?: number | undefined;
  /** Events that a watch holds for a consumer that is slow; what comes then is read from history when it has caught up. @default 8192 */
  readonly watchBuffer?: number | undefined;
}

/** How a cluster is reached, how keys and values are stored there, and what is refused before it is sent (`limits.maxDeletes`: nothing by default). */
export interface ConnectOptions<K = string, V = string, W = V> extends ClusterOptions, RecordOptions<K, V, W> {
  /**
   * For tests only: clock and randomness of their own (a `World` of `@varve/base`, without promises between versions). The sockets are grpc-js's.
   * @default Node's, as it was when `@varve/etcd` was loaded
   */
  readonly world?: object | undefined;
}

/** Options with a codec for keys. */
export interface ConnectKeyOptions<K> extends ConnectOptions<K> {
  /** How keys are stored. */
  readonly key: KeyCodec<K>;
  /** Not given: values are strings. */
  readonly value?: undefined;
}

/** Options with a codec for values. */
export interface ConnectValueOptions<K extends string, V, W> extends ConnectOptions<K, V, W> {
  /** How values are stored. */
  readonly value: Codec<V, W>;
}

/** Options with both. */
export interface ConnectBothOptions<K, V, W> extends ConnectOptions<K, V, W> {
  /** How keys are stored. */
  readonly key: KeyCodec<K>;
  /** How values are stored. */
  readonly value: Codec<V, W>;
}
