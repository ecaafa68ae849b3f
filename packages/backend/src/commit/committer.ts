/**
 * The engine's one slot: commits, compactions and the closing, one at a time, in order.
 *
 *   sections ──> pending ──seal──> flushing ──engine.commit──> dropped
 *                   ^ waiters of `request` join here, and resolve there
 *
 * CMM1  One commit is in flight at a time (R47). Whoever asks while one runs waits for the next, together with all others.
 * CMM2  A commit starts a turn of the event loop after it was asked for: writers that the last one woke are in it as well.
 *     Where nothing is in flight, and the last one held a single section and took a turn at least, there is nobody to wait
 *     for: it starts when the code that runs now has come to its end, so that sections of one tick share it. An engine
 *     that commits at once gets no such start: a loop of awaited writes would never let the event loop turn. Which of the two it is
 *     is asked for one commit in sixteen.
 * CMM3  The interval timer exists only while something is pending, and does not keep the process alive. A program that ends
 *     by itself in the meantime is not over before that is committed (`Clock.onLastCall`). Both begin when the code that runs now has come
 *     to its end, unless a commit is about to start then: a lone durable put would start and end them each time.
 * CMM4  The first failure is final (law 8): nothing is retried, everybody who waits or asks later gets it as the cause.
 * CMM5  `admit` waits while commits lag behind by `lagBatches` batches (law 9). It also lets the event loop turn once per
 *     `turnRows` rows, or `turnBytes`, so that a tight loop of awaited writes cannot starve the commit that it fills (law 10). Who still
 *     waits when the backend closes is rejected: nothing of it was written.
 * CMM6  An engine that is open for reading only is never given a commit or a compaction.
 * CMM7  Sizes are asked of the engine once a commit or compaction, when somebody wants to know: it may have to add up all its files.
 *
 * etcd: server/storage/backend/backend.go (run, Commit, Defrag), batch_tx.go.
 */
import type { Clock } from '@varve/base/clock';
import { deferred, type Deferred } from '@varve/base/deferred';
import type { Changes, Engine } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import { giveBack } from '../open/owners.ts';

/** What the committer needs to know of the sections. */
export interface CommitSource {
  /** Finished changes that wait for a commit, and their memory. */
  readonly changeN: number;
  readonly byteN: number;
  /** Runs the hook, then hands over what is pending. Called only when nothing is in flight. */
  seal(): Changes;
  /** What `seal` handed over is on the medium. */
  settle(): void;
}

/** A batch is full at that many bytes, too: 10,000 rows of a megabyte would not be a batch. */
const batchBytes = 16 * 1024 * 1024;
const lagBatches = 4;
const turnRows = 256;
const turnBytes = 8 * 1024 * 1024;
/** Whether an engine waits for its medium is asked that often: the answer costs a turn. */
const commitsPerQuestion = 16;
const READY: Promise<void> = Promise.resolve();

function closedError(): BackendError {
  return new BackendError('BACKEND_CLOSED', 'the backend is closed');
}

function readOnlyError(): BackendError {
  return new BackendError('BACKEND_READ_ONLY', 'the store is open for reading only: nothing can be written');
}

export class Committer {
  commits = 0;
  /** Of the commit that sections finishing now will be in. */
  nextCommit = 1;
  readonly #engine: Engine;
  readonly #readOnly: boolean;
  readonly #source: CommitSource;
  readonly #batchLimit: number;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #state: 'idle' | 'scheduled' | 'committing' | 'compacting' = 'idle';
  /** Settles when the state that is not idle has passed. */
  #running: Promise<void> = Promise.resolve();
  /** Waiters of the commit that starts next, and of the one that runs; absent where nobody waits. */
  #next: Deferred<void> | undefined;
  #current: Deferred<void> | undefined;
  #compaction: Deferred<void> | undefined;
  #admission: Deferred<void> | undefined;
  #turning: Promise<void> | undefined;
  #due = false;
  /** Ends the interval, and the waiting for the last call; absent while nothing waits for them. */
  #endInterval: (() => void) | undefined;
  /** Whether `#arm` is about to be called. */
  #arms = false;
  #rowsSinceTurn = 0;
  #bytesAtTurn = 0;
  /** Sections that wait for a commit, and those that the last commit held. */
  #sections = 0;
  #lastSections = 0;
  /** Whether the event loop has turned while the last commit was on its way. */
  #lastTurned = false;
  readonly #broken = new AbortController();
  #failed = false;
  #cause: unknown;
  #failureTold = false;
  #size = 0;
  #sizeInUse = 0;
  /** Whether the sizes are those after the last commit (CMM7). */
  #isSampled = false;
  #closed: Promise<void> | undefined;

  constructor(engine: Engine, source: CommitSource, batchLimit: number, intervalMs: number, clock: Clock) {
    this.#engine = engine;
    this.#readOnly = engine.readOnly === true;
    this.#source = source;
    this.#batchLimit = batchLimit;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  get size(): number {
    this.#sample();
    return this.#size;
  }

  get sizeInUse(): number {
    this.#sample();
    return this.#sizeInUse;
  }

  /** True from the call of `close` on. */
  get closing(): boolean {
    return this.#closed !== undefined;
  }

  /** Why nothing can be written any more, or `undefined`. */
  get refusal(): BackendError | undefined {
    if (this.#closed !== undefined) return closedError();
    if (this.#readOnly) return readOnlyError();
    if (!this.#failed) return undefined;
    this.#failureTold = true;
    return this.#failure();
  }

  /** Aborts with the first failure (CMM4). */
  get failure(): AbortSignal {
    return this.#broken.signal;
  }

  get writable(): boolean {
    return !this.#failed && this.#closed === undefined && !this.#readOnly;
  }

  /** A section has finished and has left `rows` changes. */
  finished(rows: number): void {
    this.#rowsSinceTurn += rows;
    this.#sections++;
    const { changeN, byteN } = this.#source;
    if (byteN - this.#bytesAtTurn >= turnBytes) this.#rowsSinceTurn = turnRows;
    if (changeN >= this.#batchLimit || byteN >= batchBytes) this.#schedule();
    else if (this.#endInterval === undefined && !this.#arms) {
      this.#arms = true;
      void READY.then(this.#arm);
    }
  }

  get admitting(): boolean {
    return this.writable && this.#rowsSinceTurn < turnRows && !this.#isLagging();
  }

  async admit(): Promise<void> {
    for (;;) {
      const { refusal } = this;
      if (refusal !== undefined) throw refusal;
      if (this.#isLagging()) await (this.#admission ??= deferred()).promise;
      else if (this.#rowsSinceTurn >= turnRows) await this.#turn();
      else return;
    }
  }

  /** Resolves when everything finished before the call is durable. */
  request(hooked: boolean): Promise<void> {
    if (this.#readOnly && this.#closed === undefined) return Promise.resolve();
    const { refusal } = this;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (hooked || this.#source.changeN > 0) return this.#join();
    return this.#state === 'committing' ? (this.#current ??= deferred()).promise : Promise.resolve();
  }

  /** Commits, then lets the engine compact before the next commit. */
  compact(): Promise<void> {
    const { refusal } = this;
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#compaction ??= deferred();
    this.#schedule();
    return this.#compaction.promise;
  }

  /**
   * Commits what is pending and closes the engine, once `release` has let go of what readers hold.
   * Rejects with `BACKEND_FAILED` when a commit failed and nobody was told yet.
   */
  close(release: () => Promise<void>): Promise<void> {
    return (this.#closed ??= this.#close(release));
  }

  async #close(release: () => Promise<void>): Promise<void> {
    // Not in the tick of the call: a section that is running gets to its end first.
    await this.#clock.turn();
    this.#admission?.reject(closedError());
    this.#admission = undefined;
    this.#schedule();
    while (this.#state !== 'idle') await this.#running;
    await release();
    this.#sample();
    await giveBack(this.#engine);
    if (this.#failed && !this.#failureTold) throw this.#failure();
  }

  /** A private getter would be a call of the runtime each time. */
  #isLagging(): boolean {
    if (this.#state === 'idle') return false;
    const { changeN, byteN } = this.#source;
    return changeN >= this.#batchLimit * lagBatches || byteN >= batchBytes * lagBatches;
  }

  #turn(): Promise<void> {
    return (this.#turning ??= this.#clock.turn().then(() => {
      this.#turning = undefined;
      this.#rowsSinceTurn = 0;
      this.#bytesAtTurn = this.#source.byteN;
    }));
  }

  readonly #turned = (): void => {
    this.#lastTurned = true;
  };

  /** Where a commit starts in the tick of the section, there is no interval to wait for. */
  readonly #arm = (): void => {
    this.#arms = false;
    if (this.#failed || this.#state === 'scheduled' || this.#source.changeN === 0) return;
    const stopTimer = this.#clock.after(this.#intervalMs, () => this.#schedule());
    const hangUp = this.#clock.onLastCall(async () => this.request(true));
    this.#endInterval = () => {
      stopTimer();
      hangUp();
    };
  };

  #stopInterval(): void {
    this.#endInterval?.();
    this.#endInterval = undefined;
  }

  #join(): Promise<void> {
    this.#next ??= deferred();
    if (this.#state === 'idle' && this.#lastSections <= 1 && this.#lastTurned) this.#start(READY);
    else this.#schedule();
    return this.#next.promise;
  }

  #schedule(): void {
    if (this.#state === 'idle') this.#start(this.#clock.turn());
    else this.#due = true;
  }

  #start(when: Promise<void>): void {
    if (this.#failed) return;
    this.#state = 'scheduled';
    this.#running = when.then(() => this.#run());
  }

  async #run(): Promise<void> {
    this.#state = 'committing';
    this.#due = false;
    this.#rowsSinceTurn = this.#bytesAtTurn = 0;
    this.#stopInterval();
    const compaction = this.#compaction;
    this.#compaction = undefined;
    this.#current = this.#next;
    this.#next = undefined;
    try {
      const changes = this.#source.seal();
      this.#lastSections = this.#sections;
      this.#sections = 0;
      if (changes.length > 0) this.nextCommit++;
      this.#admission?.resolve();
      this.#admission = undefined;
      if (changes.length > 0) {
        if (this.commits % commitsPerQuestion === 0) {
          this.#lastTurned = false;
          this.#clock.soon(this.#turned);
        }
        await this.#engine.commit(changes);
        this.commits += 1;
        this.#source.settle();
        this.#isSampled = false;
      }
    } catch (error) {
      this.#fail(error, compaction);
      return;
    }
    this.#current?.resolve();
    this.#current = undefined;
    if (compaction !== undefined) await this.#compact(compaction);
    this.#state = 'idle';
    if (this.#due) this.#schedule();
  }

  /** A failure is the caller's alone: the engine has changed nothing and goes on (B42). */
  async #compact(waiters: Deferred<void>): Promise<void> {
    this.#state = 'compacting';
    try {
      await this.#engine.compact();
      this.#isSampled = false;
      waiters.resolve();
    } catch (error) {
      waiters.reject(error);
    }
  }

  #sample(): void {
    if (this.#isSampled) return;
    this.#isSampled = true;
    this.#size = this.#engine.size;
    this.#sizeInUse = this.#engine.sizeInUse;
  }

  #failure(): BackendError {
    const reason = this.#cause instanceof Error ? `: ${this.#cause.message}` : '';
    return new BackendError('BACKEND_FAILED', `a commit failed, open anew to recover${reason}`, { cause: this.#cause });
  }

  #fail(error: unknown, compaction: Deferred<void> | undefined): void {
    this.#failed = true;
    // An engine may say BACKEND_FAILED itself: what lies behind it is what the reader of our error wants.
    this.#cause =
      error instanceof BackendError && error.code === 'BACKEND_FAILED' && error.cause !== undefined
        ? error.cause
        : error;
    this.#state = 'idle';
    this.#stopInterval();
    for (const waiters of [this.#current, this.#next, this.#admission, this.#compaction, compaction]) {
      if (waiters === undefined) continue;
      this.#failureTold = true;
      waiters.reject(this.#failure());
    }
    this.#current = this.#next = this.#admission = this.#compaction = undefined;
    this.#broken.abort(this.#failure());
  }
}
