/** How fast a compaction goes, which a store is told when it opens; what it does is in `compaction.ts`, and loaded for it. */

/** About a millisecond of work. */
export const BATCH_ROWS = 256;

export interface CompactionPace {
  readonly batchLimit: number;
  /** Absent: as long as the batch took, if there is anybody to take it. */
  readonly pauseMs: number | undefined;
  /** Whether writers wait for commits. */
  readonly awaitsCommits: boolean;
}
