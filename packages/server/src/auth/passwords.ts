/**
 * Passwords, hashed and compared in a worker of its own, so that neither the event loop nor the pool that writes files waits for
 * bcrypt.
 *
 * SVPS1  The worker is started by the first password, and keeps no process alive.
 * SVPS2  What waits is bounded: beyond that, clients are told to come back (R113, law 9). A job whose client has gone is not begun.
 * SVPS3  A password never leaves this process, and is in no message of an error.
 * SVPS4  A worker that dies fails the jobs it had; the next job starts another one.
 *
 * etcd: server/auth/store.go. Departs: a name that there is not takes as long as a wrong password.
 */
import { Worker } from 'node:worker_threads';
import { failures } from '../status.ts';
import type { PasswordJob, PasswordResult } from './password-worker.ts';

/** bcrypt looks at no more of a password. */
const MOST_BYTES = 72;

interface Job {
  readonly job: PasswordJob;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: PasswordResult) => void;
  readonly reject: (error: unknown) => void;
}

export class Passwords {
  readonly #cost: number;
  readonly #most: number;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #worker: Worker | undefined;
  #nextId = 0;
  #closed = false;
  #nobodys: Promise<string> | undefined;

  /** @param cost of a hash, as a power of two @param most jobs that wait at once */
  constructor(cost: number, most: number) {
    this.#cost = cost;
    this.#most = most;
  }

  /** @throws StatusError for a password that bcrypt would cut off */
  check(password: string): void {
    if (Buffer.byteLength(password) > MOST_BYTES) throw failures.passwordTooLong();
  }

  async hash(password: string, signal?: AbortSignal): Promise<string> {
    this.check(password);
    const result = await this.#run({ id: this.#nextId++, type: 'hash', password, cost: this.#cost }, signal);
    if (!('hash' in result)) throw new Error('no hash was made');
    return result.hash;
  }

  /** @param hash undefined where there is no such user: then it takes its time and says no */
  async matches(password: string, hash: string | undefined, signal?: AbortSignal): Promise<boolean> {
    if (hash === '') return false;
    const stored = hash ?? (await this.#hashOfNobody());
    const result = await this.#run({ id: this.#nextId++, type: 'compare', password, hash: stored }, signal);
    return hash !== undefined && 'matches' in result && result.matches;
  }

  /** Ends the worker; what waits fails. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failAll(failures.stopped());
    await worker?.terminate();
  }

  /** Made once; where it could not be made, the next one tries again. */
  #hashOfNobody(): Promise<string> {
    this.#nobodys ??= this.hash('').catch((error: unknown) => {
      this.#nobodys = undefined;
      throw error;
    });
    return this.#nobodys;
  }

  #run(job: PasswordJob, signal: AbortSignal | undefined): Promise<PasswordResult> {
    if (this.#closed) return Promise.reject(failures.stopped());
    if (this.#waiting.length >= this.#most) return Promise.reject(failures.tooManyPasswords());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, signal, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#running === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.signal?.aborted === true) {
        next.reject(next.signal.reason);
        continue;
      }
      this.#running = next;
      this.#worker ??= this.#start();
      this.#worker.postMessage(next.job, []);
    }
  }

  #start(): Worker {
    const worker = new Worker(workerUrl());
    worker.unref();
    worker.on('message', (result: PasswordResult) => this.#done(result));
    worker.on('error', (cause) => this.#lost(worker, cause));
    worker.on('exit', () => this.#lost(worker, new Error('the worker for passwords has ended')));
    return worker;
  }

  #done(result: PasswordResult): void {
    const running = this.#running;
    if (running === undefined || running.job.id !== result.id) return;
    this.#running = undefined;
    if ('error' in result) running.reject(new Error(result.error));
    else running.resolve(result);
    this.#next();
  }

  #lost(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const running = this.#running;
    this.#running = undefined;
    running?.reject(new Error('the worker for passwords has ended', { cause }));
    this.#next();
  }

  #failAll(error: unknown): void {
    this.#running?.reject(error);
    this.#running = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** Node runs no TypeScript in a worker: the sources borrow what was built of them. */
function workerUrl(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../../dist/auth/password-worker.js' : './password-worker.js', import.meta.url);
}
