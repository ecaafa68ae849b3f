/**
 * Counters of one store, under etcd's metric names without their prefix (spec section 14).
 *
 * Histograms are kept as etcd's `_sum` and `_count`. A section that was undone counts nothing.
 */
import type { History } from './history.ts';
import type { StoreMetrics } from './store.ts';

/** Sum and number of observations. */
export class Observations {
  sum = 0;
  count = 0;

  add(value: number): void {
    this.sum += value;
    this.count++;
  }
}

export class Metrics {
  ranges = 0;
  puts = 0;
  deletes = 0;
  /** Write sections of more than one operation. */
  txns = 0;
  putBytes = 0;
  compactedRecords = 0;
  /** Unix seconds, 0 before the first. */
  lastCompaction = 0;
  readonly indexCompactionMs: Observations = new Observations();
  readonly compactionBatchMs: Observations = new Observations();
  readonly compactionMs: Observations = new Observations();
  readonly hashSeconds: Observations = new Observations();
  readonly hashByRevSeconds: Observations = new Observations();

  snapshot(history: History): StoreMetrics {
    return {
      range_total: this.ranges,
      put_total: this.puts,
      delete_total: this.deletes,
      txn_total: this.txns,
      total_put_size_in_bytes: this.putBytes,
      keys_total: history.index.liveKeys,
      current_revision: history.visible,
      compact_revision: history.compacted,
      db_compaction_keys_total: this.compactedRecords,
      db_compaction_last: this.lastCompaction,
      index_compaction_pause_duration_milliseconds_sum: this.indexCompactionMs.sum,
      index_compaction_pause_duration_milliseconds_count: this.indexCompactionMs.count,
      db_compaction_pause_duration_milliseconds_sum: this.compactionBatchMs.sum,
      db_compaction_pause_duration_milliseconds_count: this.compactionBatchMs.count,
      db_compaction_total_duration_milliseconds_sum: this.compactionMs.sum,
      db_compaction_total_duration_milliseconds_count: this.compactionMs.count,
      hash_duration_seconds_sum: this.hashSeconds.sum,
      hash_duration_seconds_count: this.hashSeconds.count,
      hash_rev_duration_seconds_sum: this.hashByRevSeconds.sum,
      hash_rev_duration_seconds_count: this.hashByRevSeconds.count,
      db_total_size_in_bytes: history.backend.size,
      db_total_size_in_use_in_bytes: history.backend.sizeInUse,
      db_open_read_transactions: history.backend.openReadTxN,
      record_cache_bytes: history.cache.bytes,
    };
  }
}
