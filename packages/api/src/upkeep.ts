/** Looking after a store: what `compact` and `status` take and answer. */
import type { SignalOptions } from './kv.ts';

export interface CompactOptions extends SignalOptions {
  /** Resolve when the old records are gone from the store, not when the decision is durable. @default false */
  readonly physical?: boolean | undefined;
}

export interface CompactResult {
  /** The oldest revision that can be read from now on. */
  readonly revision: number;
}

export interface Status {
  /** The present revision; 1 in a new store. */
  readonly revision: number;
  /** The oldest revision that can be read; absent where nothing was compacted. */
  readonly compactRevision?: number | undefined;
  /** Bytes on the medium. */
  readonly size: number;
  /** The part of `size` that holds data. */
  readonly sizeInUse: number;
  /** Which cluster it is, as hexadecimal text; absent where it is none. */
  readonly clusterId?: string | undefined;
}
