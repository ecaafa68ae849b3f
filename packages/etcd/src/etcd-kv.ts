/**
 * What a cluster can do besides what every `Kv` can.
 *
 * EKV1  Little, so that a program can go back: only what nothing is built on.
 */
import type { Codec, Kv, NamespaceOptions, SignalOptions } from '@varve/api';

export interface HashResult {
  /** CRC-32C, unsigned. */
  readonly hash: number;
  /** The compacted revision the hash was taken over, absent where nothing was compacted; hashes compare only where this is equal, too. */
  readonly compactRevision?: number | undefined;
  /** The revision hashed up to. */
  readonly revision: number;
  /** The present revision. */
  readonly currentRevision: number;
}

/** A cluster. */
export interface EtcdKv<K = string, V = string, W = V> extends Kv<K, V, W> {
  /**
   * Hash of the history up to a revision, 0 for the present one, of the member that is asked: equal histories have equal hashes, also that of a store of
   * `@varve/kv`. It reads all of the store there, and with users enabled needs the role root.
   * @throws KvError `MVCC_COMPACTED`, with etcd 3.4 also at the compacted revision itself; `MVCC_FUTURE_REVISION`
   */
  hashByRev(revision?: number, options?: SignalOptions): Promise<HashResult>;
  /** As `Kv.namespace`. */
  namespace(prefix: K, options?: NamespaceOptions<never>): EtcdKv<K, V, W>;
  /** With values of its own, which its codec says. */
  namespace<V2, W2 = V2>(
    prefix: K,
    options: NamespaceOptions<V2, W2> & { readonly value: Codec<V2, W2> },
  ): EtcdKv<K, V2, W2>;
}
