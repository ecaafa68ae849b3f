/**
 * Keeps a store small by itself: now and then it gives up history that is older than was asked for, and the space with it.
 *
 *   timer ──> what may go ──not beyond a hold──> compaction, to its end ──> defragmentation, where it is worth it ──> timer
 *
 * RTN1  One pass at a time: the next timer is set when the pass has ended, and rests as long as that took, so that it goes on for half of the
 *       time at the most. The work itself is that of `compact`, in slices, and between these it leaves as much time to others as they want (law 10).
 * RTN2  History ends at whichever limit comes first. What a running hold keeps stays (decisions/0045), and what watchers would still need does
 *       not: one that is behind ends with `MVCC_COMPACTED`, as by any compaction.
 * RTN3  An error is nobody's: it is told as a background error and shown in `stats`, and the next pass tries again. One that ends the store
 *       ends this, too.
 * RTN4  Age is what this process has seen: at each pass the present revision is noted, by the clock that only goes forward. With times it is exact,
 *       and goes by those that the revisions have; what was seen goes all the same, so that times of a wall clock that was ahead once do not keep
 *       everything until that date.
 * RTN5  Nothing is done where nothing new may go, so an idle store stays idle.
 */
import { codeOf } from '@varve/api';
import type { Clock } from '@varve/base/clock';
import type { Backend, Store } from '@varve/watch';
import { backgroundError } from '../diagnostics.ts';
import type { RevisionTimes } from '../times/revision-times.ts';
import type { Holds } from './hold.ts';
import type { RetainPlan } from './retain-options.ts';
import { SeenRevisions } from './seen-revisions.ts';
import type { RetainStatus } from './retain-status.ts';

/** Smaller stores are not rewritten to give space back. */
const LEAST_DEFRAGMENTED = 32 << 20;
/** The store is rewritten when less than this part of it holds data: what has to be written is little then. */
const MOST_IN_USE = 0.25;
/** Or when what holds data is twice what it was, and so much more: an engine that cannot tell what is deleted counts it as data (LevelDB). */
const LEAST_GROWN = 16 << 20;

export interface RetainedStore {
  readonly store: Store;
  readonly backend: Pick<Backend, 'size' | 'sizeInUse' | 'readOnly'>;
  readonly times: RevisionTimes | undefined;
  readonly holds: Holds;
  readonly clock: Clock;
}

export class Retention {
  readonly #of: RetainedStore;
  readonly #plan: RetainPlan;
  readonly #seen: SeenRevisions;
  #cancel: () => void = () => undefined;
  /** The pass under way. Never rejects. */
  #running: Promise<void> | undefined;
  #stopped = false;
  /** Defragmenting is not possible here, so it is not tried again. */
  #isFixed = false;
  /** What held data when the store was opened or rewritten last. */
  #inUse: number;
  #status: RetainStatus = { passes: 0, compactions: 0, defragmentations: 0 };

  constructor(of: RetainedStore, plan: RetainPlan) {
    this.#of = of;
    this.#plan = plan;
    this.#seen = new SeenRevisions(plan.ageMs ?? 0);
    this.#stopped = of.backend.readOnly;
    this.#inUse = of.backend.sizeInUse;
    this.#note();
    this.#rest(plan.everyMs);
  }

  get status(): RetainStatus {
    return this.#status;
  }

  /** Nothing begins any more. What is under way is ended by the closing of the store, which is to follow. */
  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** Resolves when the pass under way has ended. */
  async ended(): Promise<void> {
    await this.#running;
  }

  #rest(ms: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#of.clock.after(ms, () => {
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    const { clock } = this.#of;
    const began = clock.now();
    try {
      await this.#pass();
    } catch (error) {
      if (!this.#stopped) this.#failed(error);
    }
    this.#status = { ...this.#status, passes: this.#status.passes + 1 };
    this.#rest(Math.max(this.#plan.everyMs, clock.now() - began));
  }

  async #pass(): Promise<void> {
    this.#note();
    const compacted = await this.#compact();
    if (compacted && !this.#stopped) await this.#giveBack();
  }

  /** Whether it gave up anything. */
  async #compact(): Promise<boolean> {
    const { store, holds, clock } = this.#of;
    const wanted = await this.#wanted();
    if (this.#stopped) return false;
    const revision = Math.min(wanted, holds.oldest ?? wanted);
    const held = revision < wanted ? { held: revision } : undefined;
    // Of a new store there is nothing below the first revision.
    if (revision <= Math.max(1, store.firstRev())) {
      const { held: _, ...status } = this.#status;
      this.#status = { ...status, ...held };
      return false;
    }
    const began = clock.now();
    const compaction = await holds.compact(revision);
    await compaction.finished();
    const { passes, compactions, defragmentations } = this.#status;
    this.#status = {
      passes,
      compactions: compactions + 1,
      defragmentations,
      ...held,
      last: {
        revision,
        unixMs: clock.unixMs(),
        tookMs: clock.now() - began,
        removed: compaction.progress.removed,
      },
    };
    return true;
  }

  /** The oldest revision that is to stay readable, as far as limits go. */
  async #wanted(): Promise<number> {
    const { store, times, clock } = this.#of;
    const { revisions, ageMs } = this.#plan;
    const byCount = revisions === undefined ? 0 : store.rev() - revisions + 1;
    if (ageMs === undefined) return byCount;
    const seen = this.#seen.at(clock.now() - ageMs);
    const byTimes = (await times?.revisionAt(clock.unixMs() - ageMs)) ?? 0;
    return Math.max(byCount, seen, byTimes);
  }

  async #giveBack(): Promise<void> {
    const { backend, store } = this.#of;
    const { size, sizeInUse } = backend;
    if (this.#isFixed || size < LEAST_DEFRAGMENTED) return;
    const hasGrown = sizeInUse > 2 * this.#inUse + LEAST_GROWN;
    if (sizeInUse > size * MOST_IN_USE && !hasGrown) return;
    try {
      await store.defrag();
      this.#inUse = backend.sizeInUse;
      this.#status = { ...this.#status, defragmentations: this.#status.defragmentations + 1 };
    } catch (error) {
      this.#isFixed = codeOf(error) === 'BACKEND_NOT_REPLACEABLE';
      throw error;
    }
  }

  #note(): void {
    const { store, clock } = this.#of;
    if (this.#plan.ageMs !== undefined) this.#seen.add(clock.now(), store.rev());
  }

  #failed(error: unknown): void {
    const code = codeOf(error);
    // A compaction by hand came first: what was wanted is done.
    if (code === 'MVCC_COMPACTED') return;
    const message = error instanceof Error ? error.message : String(error);
    this.#status = { ...this.#status, failure: { code, message, unixMs: this.#of.clock.unixMs() } };
    backgroundError('retain', error);
    // No write will be taken any more.
    if (code === 'BACKEND_FAILED') this.stop();
  }
}
