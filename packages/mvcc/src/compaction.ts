/**
 * One compaction: first the index forgets, then the records that it no longer names are removed, batch by batch.
 *
 * CP1  Records at or below the compacted revision never change and no new ones appear, so they are read from one
 *      pinned view, however long that takes, and removed in short sections.
 * CP2  What may be removed was decided once, by the index, for this revision: a record that a read at or above it can
 *      need is in `kept` (law 5).
 * CP3  The last batch and the mark that says "finished" are one section. A crash before it repeats the whole job at
 *      the next start, over what is left, with the same result.
 * CP4  After each batch others get as much time as the batch took, as far as they want it. What was removed is in the
 *      next commit, whosever that is; one is asked for every `COMMIT_ROWS` removals, because what waits is moved about by
 *      the collector until then, and that stops everybody. Where writers wait for commits, nothing more is removed before
 *      the one before has ended, so no commit carries much more than these; elsewhere a slow medium gets larger ones.
 *
 * The view may be held for as long as the job runs: it keeps old rows readable and nothing else.
 * etcd: server/storage/mvcc/kvstore_compaction.go (spec sections 10.2, 12.3). Departs: `finished` waits for the
 * last commit; D7.
 */
import type { BatchTx, Entry } from '@varve/backend';
import type { RevisionSet } from '@varve/index';
import { deferred } from '@varve/base/deferred';
import { Slice, STEP_MS } from '@varve/base/pace';
import { finishedCompactKey, keyBucket, metaBucket } from './buckets.ts';
import { BATCH_ROWS, type CompactionPace } from './compaction-pace.ts';
import { traced } from './diagnostics.ts';
import { MvccError } from './errors.ts';
import { SLICE_BYTES } from './hash-by-revision.ts';
import { HistoryHash } from './history-hash.ts';
import type { History } from './history.ts';
import { KeyBatch } from './key-batch.ts';
import type { Metrics } from './metrics.ts';
import { Pace } from './pace.ts';
import { checkRevisionBytes, readMain, readSub, revisionBytes } from './revision-bytes.ts';
import type { Compaction } from './store.ts';

/** Removals that a commit somebody waits for has time for: a millisecond or two. */
const COMMIT_ROWS = 1024;

export class CompactionRun implements Compaction {
  readonly revision: number;
  readonly progress: { scanned: number; removed: number } = { scanned: 0, removed: 0 };
  readonly #history: History;
  readonly #metrics: Metrics;
  readonly #pace: CompactionPace;
  readonly #previous: number;
  readonly #keepHash: boolean;
  readonly #done = deferred<void>();
  /** The commit that was asked for last, and what was removed since. */
  #committed: Promise<void> = Promise.resolve();
  #uncommitted = 0;
  /** Whether that commit is under way. */
  #committing = false;

  /**
   * @param previous the compacted revision before this one, 0 for none
   * @param keepHash whether everything up to `previous` had been removed when this was accepted (spec 12.4)
   */
  constructor(
    history: History,
    metrics: Metrics,
    pace: CompactionPace,
    revision: number,
    previous: number,
    keepHash: boolean,
  ) {
    this.revision = revision;
    this.#history = history;
    this.#metrics = metrics;
    this.#pace = pace;
    this.#previous = previous;
    this.#keepHash = keepHash;
  }

  finished(): Promise<void> {
    return this.#done.promise;
  }

  /** The job. Begins once `accepted`, that is, once the decision is durable. */
  async run(signal: AbortSignal, accepted: Promise<void>): Promise<void> {
    try {
      await accepted;
      checkStop(signal);
      await traced('compaction', { revision: this.revision }, () => this.#work(signal));
      this.#done.resolve();
    } catch (error) {
      this.#done.reject(error);
      if (!signal.aborted) throw error;
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { index, backend, hashes, clock } = this.#history;
    const began = clock.now();
    const slice = new Slice(clock, { lengthMs: STEP_MS, check: () => checkStop(signal) });
    const kept = await slice.runLong(index.compact(this.revision));
    this.#metrics.indexCompactionMs.add(clock.now() - began);
    const hash = this.#keepHash ? new HistoryHash(this.#previous, kept) : undefined;
    await this.#removeRecords(kept, hash, signal);
    this.#history.compactionFinished = this.revision;
    this.#metrics.compactionMs.add(clock.now() - began);
    this.#metrics.lastCompaction = clock.unixMs() / 1000;
    if (hash !== undefined) {
      hashes.store({ hash: hash.end(this.revision), compactRevision: this.#previous, revision: this.revision });
    }
    await backend.forceCommit();
  }

  async #removeRecords(kept: RevisionSet, hash: HistoryHash | undefined, signal: AbortSignal): Promise<void> {
    const { batchLimit } = this.#pace;
    const { clock } = this.#history;
    const pace = new Pace(clock);
    const scan = {
      end: revisionBytes(this.revision + 1, 0),
      chunkSize: BATCH_ROWS,
      lent: true,
      sums: hash !== undefined,
    };
    const tx = this.#history.backend.concurrentReadTx();
    try {
      const batch = new KeyBatch();
      let scanned = 0;
      let bytes = 0;
      for await (const entries of tx.scan(keyBucket, scan)) {
        checkStop(signal);
        pace.enter();
        // By index: an iterator's result for each row is as much garbage as the row.
        for (let i = 0; i < entries.length; i++) {
          const entry = entries[i]!;
          if (!addRecord(hash, kept, entry)) batch.add(entry.key);
          scanned++;
          bytes += entry.bytes ?? entry.value.length;
          // The first rows take ten times as long as others: their code has seldom run.
          const isLate = (scanned & 15) === 0 && pace.over;
          if (scanned < batchLimit && bytes < SLICE_BYTES && !isLate) continue;
          bytes = 0;
          if (scanned === batchLimit) {
            this.#endBatch(batch, scanned, false);
            pace.leave();
            this.#metrics.compactionBatchMs.add(pace.takeBusy());
            await this.#rest(pace, signal);
            batch.clear();
            scanned = 0;
          } else {
            pace.leave();
            await clock.turn();
          }
          checkStop(signal);
          pace.enter();
        }
        pace.leave();
      }
      checkStop(signal);
      pace.enter();
      this.#endBatch(batch, scanned, true);
      pace.leave();
      this.#metrics.compactionBatchMs.add(pace.takeBusy());
    } finally {
      tx[Symbol.dispose]();
    }
  }

  /** Removes what one batch found, in one section. */
  #endBatch(keys: KeyBatch, scanned: number, last: boolean): void {
    if (keys.length > 0 || last) {
      this.#history.backend.batchTx((tx: BatchTx) => {
        // Which copies the key.
        keys.each((key) => tx.delete(keyBucket, key));
        if (last) tx.put(metaBucket, finishedCompactKey, revisionBytes(this.revision, 0));
      });
    }
    this.#uncommitted += keys.length;
    this.progress.scanned += scanned;
    this.progress.removed += keys.length;
    this.#metrics.compactedRecords += keys.length;
  }

  /** What follows a batch: its share of a commit, and the time of others. */
  async #rest(pace: Pace, signal: AbortSignal): Promise<void> {
    const { pauseMs, awaitsCommits } = this.#pace;
    const history = this.#history;
    const { backend, clock } = history;
    if (pauseMs !== undefined) {
      await backend.forceCommit();
      await (pauseMs > 0 ? clock.pause(pauseMs, signal) : clock.turn());
    } else {
      if (this.#uncommitted >= COMMIT_ROWS && (awaitsCommits || !this.#committing)) await this.#commit();
      const writersWait = history.visible < history.finished;
      await (writersWait ? pace.restFully(signal) : pace.rest());
    }
    if (!backend.admitting) await backend.admit();
  }

  /** Starts a commit once the one before has ended. It goes on while the next batches are read and removed. */
  async #commit(): Promise<void> {
    await this.#committed;
    this.#uncommitted = 0;
    this.#committing = true;
    this.#committed = this.#history.backend.forceCommit().finally(() => {
      this.#committing = false;
    });
    // Awaited before the next one; until then nobody may call it unhandled.
    this.#committed.catch(() => undefined);
  }
}

/** Hashes the record; whether it stays. */
function addRecord(hash: HistoryHash | undefined, kept: RevisionSet, record: Entry): boolean {
  const { key } = record;
  checkRevisionBytes(key);
  const main = readMain(key);
  const sub = readSub(key);
  hash?.add(record, main, sub);
  return kept.has(main, sub);
}

function checkStop(signal: AbortSignal): void {
  if (signal.aborted) {
    throw new MvccError(
      'MVCC_CLOSED',
      'the store was closed before the compaction had finished; reopening finishes it',
    );
  }
}
