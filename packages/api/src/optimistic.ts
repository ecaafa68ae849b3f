/**
 * Optimistic writes in one call: who loses is told what is there, and nothing is thrown.
 *
 * OPW1  `succeeded` says who won, as in the answer of a `txn`.
 */
import type { Entry, SignalOptions } from './kv.ts';
import type { LeaseChoice } from './lease.ts';

export interface CreateOptions extends SignalOptions, LeaseChoice {}

export interface UpdateOptions extends SignalOptions, LeaseChoice {
  /** `modRevision` of the entry that the value was made from, from 1. */
  readonly revision: number;
}

/** The write was done. */
export interface Won {
  readonly succeeded: true;
  /** The revision it made: `modRevision` of the entry now. */
  readonly revision: number;
  /** With `ttl`: the lease that was granted. */
  readonly lease?: string | undefined;
}

export type CreateResult<K, V> =
  | Won
  | {
      readonly succeeded: false;
      /** The revision it found. */
      readonly revision: number;
      /** What is there. */
      readonly entry: Entry<K, V>;
    };

export type UpdateResult<K, V> =
  | Won
  | {
      readonly succeeded: false;
      /** The revision it found. */
      readonly revision: number;
      /** What is there now; absent where the key is not. */
      readonly entry?: Entry<K, V> | undefined;
    };

/** The part of a `Kv` that writes if nobody was faster. */
export interface OptimisticWrites<K, V, W = V> {
  /**
   * Writes a key that must not be there.
   * @throws as `put`; not for a key that is there
   */
  create(key: K, value: W, options?: CreateOptions): Promise<CreateResult<K, V>>;
  /**
   * Writes a key that must be as `revision` left it: nobody has changed or deleted it since.
   * @throws as `put`; not for a key that was changed
   */
  update(key: K, value: W, options: UpdateOptions): Promise<UpdateResult<K, V>>;
}
