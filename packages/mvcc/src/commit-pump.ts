/**
 * How finished sections become visible: one loop that commits and then publishes (law 1).
 *
 *   dirty?  ->  next turn (writers gather)  ->  take the newest revision  ->  commit  ->  visible  ->  settle the group
 *     ^____________________________________________________________________________________________________|
 *
 * P1  At most one commit of the loop is under way; whatever finishes meanwhile belongs to the next.
 * P2  All callers of `settled` that wait for one commit share one promise.
 * P3  A failed commit is final: both groups are rejected with its error, the visible revision stays (law 8).
 */
import { nextTurn } from './clock.ts';
import { deferred, type Deferred } from './deferred.ts';
import type { History } from './history.ts';

const SETTLED: Promise<void> = Promise.resolve();

export class CommitPump {
  readonly #history: History;
  /** Something has finished that the commit under way does not hold. */
  #dirty = false;
  #running = false;
  #next: Deferred<void> | undefined;
  #underWay: Deferred<void> | undefined;
  #failed: Promise<void> | undefined;

  constructor(history: History) {
    this.#history = history;
  }

  /** A section has finished and left something to commit. */
  note(): void {
    this.#dirty = true;
    if (!this.#running && this.#failed === undefined) void this.#run();
  }

  settled(): Promise<void> {
    if (this.#failed !== undefined) return this.#dirty ? this.#failed : SETTLED;
    if (this.#dirty) return (this.#next ??= deferred()).promise;
    return this.#underWay?.promise ?? SETTLED;
  }

  /** Whether everything finished is settled, or never will be. */
  get idle(): boolean {
    return !this.#running;
  }

  async #run(): Promise<void> {
    const history = this.#history;
    this.#running = true;
    try {
      while (this.#dirty) {
        await nextTurn();
        const target = history.finished;
        const applied = history.applied;
        const group = this.#next ?? deferred();
        this.#next = undefined;
        this.#underWay = group;
        this.#dirty = false;
        await history.backend.forceCommit();
        history.visible = target;
        history.visibleApplied = applied;
        this.#underWay = undefined;
        group.resolve();
      }
    } catch (error) {
      this.#dirty = true;
      this.#failed = Promise.reject(error);
      this.#failed.catch(() => undefined);
      this.#underWay?.reject(error);
      this.#next?.reject(error);
    }
    this.#running = false;
  }
}
