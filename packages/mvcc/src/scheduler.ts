/**
 * One worker, strict order, jobs never overlap.
 *
 * SC1  A job that throws counts as finished; whoever waits for its result learns it from the job itself.
 * SC2  After `stop`, the running job ends first, then queued ones are still called, with an aborted signal, so that
 *      they can settle their promises (D7).
 *
 * etcd: pkg/schedule/schedule.go (spec section 10.4, rows M96 and M97).
 */
import { backgroundError } from './diagnostics.ts';
import { MvccError } from './errors.ts';

export type Job = (signal: AbortSignal) => void | Promise<void>;

interface Waiter {
  readonly target: number;
  readonly resolve: () => void;
}

export class Scheduler {
  readonly #queue: Job[] = [];
  readonly #stop = new AbortController();
  #waiters: Waiter[] = [];
  #scheduled = 0;
  #finished = 0;
  #running = false;

  /** Jobs that have not begun. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Jobs that have begun. */
  get scheduled(): number {
    return this.#scheduled;
  }

  get finished(): number {
    return this.#finished;
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Queues a job; it begins in a later microtask. @throws MvccError `MVCC_CLOSED` after `stop` */
  schedule(job: Job): void {
    if (this.stopped) throw new MvccError('MVCC_CLOSED', 'the scheduler is stopped');
    this.#queue.push(job);
    if (!this.#running) void this.#work();
  }

  /** Resolves when at least `count` jobs have finished and none is queued or running. */
  waitFinish(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ target: count, resolve });
      this.#wake();
    });
  }

  /** Aborts the running job's signal and resolves when every job has been called and has ended. Idempotent. */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.waitFinish(0);
  }

  async #work(): Promise<void> {
    this.#running = true;
    await Promise.resolve();
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      this.#scheduled++;
      try {
        await job(this.#stop.signal);
      } catch (error) {
        backgroundError('job', error);
      }
      this.#finished++;
    }
    this.#running = false;
    this.#wake();
  }

  #wake(): void {
    if (this.#running || this.#queue.length > 0) return;
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.target > this.#finished);
    for (const waiter of waiting) if (waiter.target <= this.#finished) waiter.resolve();
  }
}
