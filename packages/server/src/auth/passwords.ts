/**
 * Passwords, hashed and compared in a worker of its own, so that neither the event loop nor the pool that writes files waits for
 * bcrypt.
 *
 * SVPS1  The worker is started by the first password, and keeps no process alive.
 * SVPS2  What waits is bounded: beyond that, clients are told to come back (R113, law 9); first those who sent most (waiting-line.ts). A
 *     job whose client has gone is not begun, and takes no room.
 * SVPS3  A password never leaves this process, and is in no message of an error.
 * SVPS4  Behind a wrong password, none from that network (place.ts) is looked at for three times as long as it took: who guesses has a quarter of a
 *     processor at the most, however busy the machine is (R113). Others do not wait for that.
 * SVPS5  A worker that dies fails the jobs it had; the next job starts another one.
 *
 * etcd: server/auth/store.go. Departs: a name that there is not takes as long as a wrong password.
 */
import { Worker } from 'node:worker_threads';
import { after, nowMs } from '../clock.ts';
import { failures } from '../status.ts';
import type { PasswordJob, PasswordResult } from './password-worker.ts';
import { WaitingLine, type Place } from '../fair/waiting-line.ts';

/** bcrypt looks at no more of a password. */
const MOST_BYTES = 72;
/** Behind a wrong password, so many times what it took. */
const REST_TIMES = 3;
const MOST_REST_MS = 3000;

/** Who wants it done. */
export interface Asker {
  /** Where it waits: place.ts. */
  readonly place: Place;
  /** Aborts when nobody wants it any more. */
  readonly signal?: AbortSignal | undefined;
}

interface Job {
  readonly job: PasswordJob;
  readonly place: Place;
  /** Whether the password is wrong, whatever it is. */
  readonly isHopeless: boolean;
  readonly resolve: (result: PasswordResult) => void;
  readonly reject: (error: unknown) => void;
}

export class Passwords {
  readonly #cost: number;
  readonly #waiting: WaitingLine<Job>;
  #running: Job | undefined;
  #began = 0;
  /** Until when nothing of a network is done, for those where that is not over. */
  readonly #resting: Map<string, number> = new Map();
  #stopRest: (() => void) | undefined;
  #worker: Worker | undefined;
  #nextId = 0;
  #closed = false;
  #nobodys: Promise<string> | undefined;

  /** @param cost of a hash, as a power of two @param most jobs that wait at once */
  constructor(cost: number, most: number) {
    this.#cost = cost;
    this.#waiting = new WaitingLine(most);
  }

  /** @throws StatusError for a password that bcrypt would cut off */
  check(password: string): void {
    if (Buffer.byteLength(password) > MOST_BYTES) throw failures.passwordTooLong();
  }

  async hash(password: string, asker: Asker): Promise<string> {
    this.check(password);
    const result = await this.#run({ id: this.#nextId++, type: 'hash', password, cost: this.#cost }, asker);
    if (!('hash' in result)) throw new Error('no hash was made');
    return result.hash;
  }

  /** @param hash undefined where there is no such user: then it takes its time and says no */
  async matches(password: string, hash: string | undefined, asker: Asker): Promise<boolean> {
    if (hash === '') return false;
    const stored = hash ?? (await this.#hashOfNobody(asker));
    const result = await this.#run({ id: this.#nextId++, type: 'compare', password, hash: stored }, asker, {
      isHopeless: hash === undefined,
    });
    return hash !== undefined && 'matches' in result && result.matches;
  }

  /** Ends the worker; what waits fails. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#stopRest?.();
    this.#failAll(failures.stopped());
    await worker?.terminate();
  }

  /** Made once, for all, by the first who needs it; where it could not be made, the next one tries again. */
  #hashOfNobody({ place }: Asker): Promise<string> {
    this.#nobodys ??= this.hash('', { place }).catch((error: unknown) => {
      this.#nobodys = undefined;
      throw error;
    });
    return this.#nobodys;
  }

  #run(
    job: PasswordJob,
    { place, signal }: Asker,
    { isHopeless = false }: { readonly isHopeless?: boolean } = {},
  ): Promise<PasswordResult> {
    if (this.#closed) return Promise.reject(failures.stopped());
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        if (this.#waiting.delete(waiting, place)) reject(signal?.reason as Error);
      };
      const done = (): void => signal?.removeEventListener('abort', gone);
      const waiting: Job = {
        job,
        place,
        isHopeless,
        resolve: (result) => {
          done();
          resolve(result);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal?.addEventListener('abort', gone, { once: true });
      this.#waiting.add(waiting, place)?.reject(failures.tooManyPasswords());
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const now = nowMs();
    for (const [network, until] of this.#resting) if (until <= now) this.#resting.delete(network);
    const next = this.#waiting.next((network) => !this.#resting.has(network));
    if (next === undefined) {
      if (this.#waiting.size > 0) this.#nextAt(Math.min(...this.#resting.values()));
      return;
    }
    this.#running = next;
    this.#began = now;
    this.#worker ??= this.#start();
    this.#worker.postMessage(next.job, []);
  }

  #nextAt(timeMs: number): void {
    this.#stopRest?.();
    this.#stopRest = after(Math.max(1, timeMs - nowMs()), () => this.#next());
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
    if ('matches' in result && (!result.matches || running.isHopeless)) this.#rest(running.place);
    if ('error' in result) running.reject(new Error(result.error));
    else running.resolve(result);
    this.#next();
  }

  #rest([network = '']: Place): void {
    const now = nowMs();
    this.#resting.set(network, now + Math.min(MOST_REST_MS, REST_TIMES * (now - this.#began)));
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
    for (let job = this.#waiting.next(); job !== undefined; job = this.#waiting.next()) job.reject(error);
  }
}

/** Node runs no TypeScript in a worker: the sources borrow what was built of them. */
function workerUrl(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../../dist/auth/password-worker.js' : './password-worker.js', import.meta.url);
}
