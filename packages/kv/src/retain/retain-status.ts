/** What `stats` tells of a store that keeps itself small. */

export interface RetainStatus {
  /** How often it has looked since opening. */
  readonly passes: number;
  /** Compactions that it made since opening. */
  readonly compactions: number;
  /** How often it has rewritten the store to give space back. */
  readonly defragmentations: number;
  /** The newest compaction; absent where there was none yet. */
  readonly last?: RetainedCompaction | undefined;
  /** The revision of the hold that held the last pass back; absent where none did. */
  readonly held?: number | undefined;
  /** Why the last pass did not do its work; absent once one has compacted again. */
  readonly failure?: RetainFailure | undefined;
}

export interface RetainedCompaction {
  /** The oldest revision that can be read since. */
  readonly revision: number;
  /** When it had ended, in milliseconds since 1970. */
  readonly unixMs: number;
  readonly tookMs: number;
  /** Records that it removed. */
  readonly removed: number;
}

export interface RetainFailure {
  /** A code of a `Kv`; absent for what has none. */
  readonly code?: string | undefined;
  readonly message: string;
  /** In milliseconds since 1970. */
  readonly unixMs: number;
}
