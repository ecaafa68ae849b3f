/**
 * The one writer: bodies in order, many in one commit, one commit at a time.
 *
 * WQ1  A body runs at once if nothing is under way, else after the commit under way; those that waited share the next one.
 * WQ2  A body that throws is undone alone; the others never notice and never run twice.
 * WQ3  No body is answered before the commit that it is part of is durable. A body that changed nothing waits for nothing but
 *     the bodies before it.
 * WQ4  Exclusive work (defragmentation, close) takes a turn of its own, and so does a body in steps: the event loop may turn
 *     between them, but nobody writes then, not even with what the body left behind.
 *
 * bbolt: db.go (Batch). Departs: no delay, no second run.
 */
import type { Slice } from '@varve/base/pace';
import type { WriteTransaction } from '../bolt.ts';
import { BoltError } from '../errors.ts';
import { DraftTransaction } from './write-transaction.ts';
import type { Draft } from './write-transaction.ts';

const MOST_BODIES = 1000;

/** A store to write to, as far as the queue is concerned. */
export interface WriteTarget {
  draft(): Draft;
  commit(draft: Draft): Promise<void>;
  /** The pace of a body in steps. */
  slices(): Slice;
  /** @throws what refuses the next write */
  requireWritable(): void;
}

interface Waiting {
  readonly body: ((tx: WriteTransaction) => unknown) | undefined;
  readonly exclusive: (() => Promise<unknown>) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Finished {
  readonly waiting: Waiting;
  readonly value: unknown;
}

/** Runs bodies. */
export class WriterQueue {
  readonly #target: WriteTarget;
  #queue: Waiting[] = [];
  #running = false;
  #inBody = false;

  constructor(target: WriteTarget) {
    this.#target = target;
  }

  write<T>(body: (tx: WriteTransaction) => T): Promise<T> {
    if (this.#inBody) return Promise.reject(new BoltError('BOLT_NESTED', 'a write was started inside of a write'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ body, exclusive: undefined, resolve: resolve as (value: unknown) => void, reject });
      this.#start();
    });
  }

  /** Runs `work` when all bodies before it are durable; nothing else is written meanwhile. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inBody) return Promise.reject(new BoltError('BOLT_NESTED', 'not possible inside of a write'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ body: undefined, exclusive: work, resolve: resolve as (value: unknown) => void, reject });
      this.#start();
    });
  }

  /** As `write`, alone in its commit. */
  writeInSteps<T>(body: (tx: WriteTransaction) => Iterator<void, T>): Promise<T> {
    return this.exclusive(async () => {
      this.#target.requireWritable();
      const draft = this.#target.draft();
      const value = await this.#target.slices().run(this.#steps(draft, body));
      if (draft.touched) await this.#target.commit(draft);
      return value;
    });
  }

  *#steps<T>(draft: Draft, body: (tx: WriteTransaction) => Iterator<void, T>): Generator<void, T> {
    const tx = new DraftTransaction(draft);
    const steps = this.#inside(tx, () => body(tx));
    for (;;) {
      const step = this.#inside(tx, () => steps.next());
      requireNoPromise(step);
      if (step.done === true) {
        requireNoPromise(step.value);
        return step.value;
      }
      yield;
    }
  }

  /** Rejects everything that waits for its turn. */
  refuseWaiting(error: BoltError): void {
    const refused = this.#queue;
    this.#queue = [];
    for (const { reject } of refused) reject(error);
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (next.exclusive === undefined) await this.#runBodies();
      else {
        this.#queue.shift();
        await next.exclusive().then(next.resolve, next.reject);
      }
    }
    this.#running = false;
  }

  async #runBodies(): Promise<void> {
    const last = this.#queue.findIndex(({ body }, index) => body === undefined || index === MOST_BODIES);
    const group = this.#queue.splice(0, last < 0 ? this.#queue.length : last);
    const finished: Finished[] = [];
    try {
      this.#target.requireWritable();
      const draft = this.#runGroup(group, finished);
      if (draft.touched) await this.#target.commit(draft);
    } catch (error) {
      for (const { reject } of group) reject(error); // has no effect on those that were rejected with their own error
      return;
    }
    for (const { waiting, value } of finished) waiting.resolve(value);
  }

  #runGroup(group: readonly Waiting[], finished: Finished[]): Draft {
    let draft = this.#target.draft();
    for (const waiting of group) {
      const alone = finished.length === 0;
      if (!alone) draft.savepoint.set();
      try {
        finished.push({ waiting, value: this.#runBody(draft, waiting.body as (tx: WriteTransaction) => unknown) });
        draft.savepoint.clear();
      } catch (error) {
        waiting.reject(error);
        if (alone) draft = this.#target.draft();
        else draft.savepoint.restore();
      }
    }
    return draft;
  }

  #runBody(draft: Draft, body: (tx: WriteTransaction) => unknown): unknown {
    const tx = new DraftTransaction(draft);
    const value = this.#inside(tx, () => body(tx));
    requireNoPromise(value);
    return value;
  }

  /** Runs a body, or one step of it. The transaction lives for that long. */
  #inside<T>(tx: DraftTransaction, work: () => T): T {
    this.#inBody = true;
    tx.begin();
    try {
      return work();
    } finally {
      tx.end();
      this.#inBody = false;
    }
  }
}

function requireNoPromise(value: unknown): void {
  if (value === null || typeof value !== 'object' || typeof (value as { then?: unknown }).then !== 'function') return;
  void Promise.resolve(value).catch(() => undefined); // its own failure is not the news
  throw new TypeError('the body of a write must not return a promise');
}
