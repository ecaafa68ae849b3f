/**
 * From finished to visible: what the backend commits together becomes visible together, in one step.
 *
 *   section ──> group of the commit it will be in ──> that commit is durable ──> visible, observers, waiters
 *
 * PU1  The backend gathers and numbers commits; there is no second queue here. A group is what one commit holds, so there
 *      are two at most: one on its way and one that gathers.
 * PU2  In one step, with nothing in between: the visible revision moves, observers are told, waiters are answered (law 1).
 * PU3  A failed commit is final: all who wait are rejected with its error, the visible revision stays (law 8).
 */
import type { Backend } from '@varve/backend';
import { deferred, type Deferred } from '@varve/base/deferred';
import type { AppliedIndex } from './applied-index.ts';
import type { History } from './history.ts';
import type { FinishedTransaction, StoreObserver } from './observer.ts';

/** What one commit will make visible. */
interface Group {
  /** The backend's number of that commit. */
  readonly commit: number;
  readonly settled: Deferred<void>;
  /** As of the newest section in it. */
  revision: number;
  applied: AppliedIndex;
}

const SETTLED: Promise<void> = Promise.resolve();

export class Publisher {
  readonly #history: History;
  readonly #backend: Backend;
  readonly #observers: readonly StoreObserver[];
  readonly #atOnce: boolean;
  /** The newest group that is not visible yet. */
  #last: Group | undefined;
  #failed: Promise<void> | undefined;

  /** @param atOnce whether what has finished is visible without a commit (`durability: 'interval'`) */
  constructor(history: History, observers: readonly StoreObserver[], atOnce: boolean) {
    this.#history = history;
    this.#backend = history.backend;
    this.#observers = observers;
    this.#atOnce = atOnce;
    const { failure } = this.#backend;
    if (failure.aborted) this.#fail();
    else failure.addEventListener('abort', this.#fail);
  }

  /** A section has finished, and has left something to commit. */
  finished(transaction: FinishedTransaction | undefined): void {
    const history = this.#history;
    const observers = this.#observers;
    // By index: an iterator would be more objects than all the rest of a put.
    if (transaction !== undefined) for (let i = 0; i < observers.length; i++) observers[i]!.finished?.(transaction);
    if (this.#atOnce) {
      this.#publish(history.finished, history.applied);
      return;
    }
    const commit = this.#backend.nextCommit;
    let group = this.#last;
    if (group?.commit !== commit) {
      group = { commit, settled: deferred(), revision: 0, applied: history.applied };
      this.#last = group;
      void this.#settle(group);
    }
    group.revision = history.finished;
    group.applied = history.applied;
  }

  /** Resolves when everything finished before the call is visible. All who wait for one commit share the promise. */
  settled(): Promise<void> {
    return this.#failed ?? this.#last?.settled.promise ?? SETTLED;
  }

  /** Whether everything finished is visible, or never will be. */
  get idle(): boolean {
    return this.#last === undefined;
  }

  /** Nothing is told to anybody from here on. */
  leave(): void {
    this.#backend.failure.removeEventListener('abort', this.#fail);
  }

  async #settle(group: Group): Promise<void> {
    try {
      await this.#backend.forceCommit();
      this.#publish(group.revision, group.applied);
      if (this.#last === group) this.#last = undefined;
      group.settled.resolve();
    } catch (error) {
      if (this.#last === group) this.#last = undefined;
      group.settled.reject(error);
    }
  }

  #publish(revision: number, applied: AppliedIndex): void {
    const history = this.#history;
    const news = revision !== history.visible;
    history.visible = revision;
    history.visibleApplied = applied;
    if (news) for (const observer of this.#observers) observer.visible?.(revision);
  }

  /** Told by the backend in the tick of the failure, also when the commit was somebody else's. */
  readonly #fail = (): void => {
    const error: unknown = this.#backend.failure.reason;
    // What has been finished and is not visible is lost; where nothing is, there is nothing to wait for.
    if (this.#history.finished > this.#history.visible || this.#last !== undefined) {
      this.#failed = Promise.reject(error);
      this.#failed.catch(() => undefined);
    }
    for (const observer of this.#observers) observer.failed?.(error);
  };
}
