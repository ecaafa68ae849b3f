/**
 * The compactions of one history: accepted in order, made durable, then run one after another.
 *
 * MC1  A compaction is judged against the newest accepted one and the visible revision; from then on later ones are
 *      judged against it.
 * MC2  Reads below it are refused from the moment its decision is durable, and its work begins after that (P5).
 *
 * etcd: server/storage/mvcc/kvstore.go, Compact (spec sections 10.1, 10.5). Departs: D5, D7.
 */
import { deferred } from '@varve/base/deferred';
import { metaBucket, scheduledCompactKey } from './buckets.ts';
import type { Checkpoints } from './checkpoint/checkpoints.ts';
import type { CompactionRun } from './compaction.ts';
import type { CompactionPace } from './compaction-pace.ts';
import { MvccError } from './errors.ts';
import type { History } from './history.ts';
import { compacting } from './late.ts';
import type { Metrics } from './metrics.ts';
import { revisionBytes } from './revision-bytes.ts';
import type { Compaction } from './store.ts';

export class Compactions {
  readonly #history: History;
  readonly #metrics: Metrics;
  readonly #pace: CompactionPace;
  readonly #checkpoints: Checkpoints | undefined;

  /** Begins with what an earlier process accepted and did not finish (spec 11.2, step 7), where anything can be written. */
  constructor(history: History, checkpoints: Checkpoints | undefined, metrics: Metrics, pace: CompactionPace) {
    this.#history = history;
    this.#metrics = metrics;
    this.#pace = pace;
    this.#checkpoints = checkpoints;
    const { scheduled, compactionFinished } = history;
    if (scheduled > compactionFinished && !history.backend.readOnly)
      this.#schedule(scheduled, compactionFinished, false, Promise.resolve());
  }

  async compact(revision: number): Promise<Compaction> {
    const history = this.#history;
    if (!Number.isSafeInteger(revision) || revision < 1) {
      throw new RangeError('revision must be an integer of at least 1');
    }
    // Before it is accepted, not for its work alone: where the code cannot be had, nothing has changed.
    if (compacting.loaded === undefined) await compacting.load();
    if (history.scheduler.stopped) throw new MvccError('MVCC_CLOSED', 'the store is moving to another backend');
    const previous = history.scheduled;
    if (revision <= previous) {
      throw new MvccError('MVCC_COMPACTED', `revision ${revision} is compacted already; compact above ${previous}`, {
        compactRevision: previous,
      });
    }
    history.revisionFor(revision, history.visible);
    history.backend.batchTx((tx) => {
      tx.put(metaBucket, scheduledCompactKey, revisionBytes(revision, 0));
    });
    history.scheduled = revision;
    const accepted = this.#accept(revision);
    const run = this.#schedule(revision, previous, history.compactionFinished === previous, accepted);
    await accepted;
    return run;
  }

  /** Resolves when everything accepted so far has ended. */
  async barrier(): Promise<void> {
    const reached = deferred<void>();
    this.#history.scheduler.schedule((signal) => {
      if (signal.aborted) reached.reject(new MvccError('MVCC_CLOSED', 'the store was closed'));
      else reached.resolve();
    });
    await reached.promise;
  }

  async #accept(revision: number): Promise<void> {
    const history = this.#history;
    await history.backend.forceCommit();
    history.compacted = Math.max(history.compacted, revision);
  }

  #schedule(revision: number, previous: number, keepHash: boolean, accepted: Promise<void>): Compaction {
    const scheduled = new Scheduled(revision);
    this.#history.scheduler.schedule(async (signal) => {
      try {
        const { CompactionRun } = compacting.loaded ?? (await compacting.load());
        const run = new CompactionRun(this.#history, this.#metrics, this.#pace, revision, previous, keepHash);
        scheduled.begin(run);
        await run.run(signal, accepted);
      } catch (error) {
        scheduled.failed(error);
        if (!signal.aborted) throw error;
      }
      if (!signal.aborted) this.#checkpoints?.compacted();
    });
    return scheduled;
  }
}

const NOTHING_YET: Compaction['progress'] = Object.freeze({ scanned: 0, removed: 0 });

/** A compaction from the moment on in which it is accepted; its work may have to be loaded first. */
class Scheduled implements Compaction {
  readonly revision: number;
  readonly #ended = deferred<void>();
  #run: CompactionRun | undefined;

  constructor(revision: number) {
    this.revision = revision;
  }

  get progress(): Compaction['progress'] {
    return this.#run?.progress ?? NOTHING_YET;
  }

  finished(): Promise<void> {
    return this.#ended.promise;
  }

  begin(run: CompactionRun): void {
    this.#run = run;
    run.finished().then(this.#ended.resolve, this.#ended.reject);
  }

  /** Also when it has ended already. */
  failed(error: unknown): void {
    this.#ended.reject(error);
  }
}
