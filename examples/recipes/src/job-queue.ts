/**
 * A job queue: a job that is claimed is hidden for a while, and comes back when its worker does not finish it in time.
 *
 * JBQ1  One worker has a job at a time: a claim changes the job as it was read, or not at all.
 * JBQ2  A claim is known by its revision. Who was too slow cannot finish, or give back, what somebody else has by now.
 * JBQ3  A job is done at least once, so doing it twice must do no harm. After `maxAttempts` it is laid aside under `dead/`.
 */
import { compare, missing, put, remove, type Kv } from '@varve/kv';

export interface Job {
  readonly task: string;
  /** Claims so far. */
  readonly attempts: number;
  /** Nobody may claim it before, in milliseconds since 1970. The workers' clocks should agree roughly. */
  readonly hiddenUntil: number;
}
export type Queue = Kv<string, Job>;
export type Claim = { readonly key: string; readonly job: Job; readonly revision: number };

const maxAttempts = 5;

/** False when there is a job of that id already. Jobs are claimed in the order of their ids. */
export async function enqueue(queue: Queue, id: string, task: string): Promise<boolean> {
  const key = `jobs/${id}`;
  const job = { task, attempts: 0, hiddenUntil: 0 };
  return (await queue.txn({ if: [missing(key)], then: [put(key, job)] })).succeeded;
}

/** The first job that nobody has; `undefined` when there is none now. */
export async function claim(queue: Queue, visibilityMs: number, now: number = Date.now()): Promise<Claim | undefined> {
  for await (const { key, value, modRevision } of queue.list({ prefix: 'jobs/' })) {
    if (value.hiddenUntil > now) continue;
    const unchanged = compare(key, { modRevision: { equals: modRevision } });
    if (value.attempts >= maxAttempts) {
      await queue.txn({ if: [unchanged], then: [remove(key), put(key.replace('jobs/', 'dead/'), value)] });
      continue;
    }
    const job = { ...value, attempts: value.attempts + 1, hiddenUntil: now + visibilityMs };
    const { succeeded, revision } = await queue.txn({ if: [unchanged], then: [put(key, job)] });
    if (succeeded) return { key, job, revision };
  }
  return undefined;
}

/** False when the claim had run out and somebody else has the job, or has finished it. */
export async function finish(queue: Queue, { key, revision }: Claim): Promise<boolean> {
  const mine = compare(key, { modRevision: { equals: revision } });
  return (await queue.txn({ if: [mine], then: [remove(key)] })).succeeded;
}

/** Gives a job back, to be claimed again after a while. False as for `finish`. */
export async function retryLater(queue: Queue, { key, job, revision }: Claim, delayMs: number): Promise<boolean> {
  const mine = compare(key, { modRevision: { equals: revision } });
  const later = { ...job, hiddenUntil: Date.now() + delayMs };
  return (await queue.txn({ if: [mine], then: [put(key, later)] })).succeeded;
}
