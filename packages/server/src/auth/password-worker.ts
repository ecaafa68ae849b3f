/**
 * The worker that computes passwords: bcrypt is slow on purpose, and here nobody else waits for it.
 *
 * SVPW1  One job after another, each answered under the number it came with.
 * SVPW2  Hashes are written as `$2a$`, which is what etcd writes; `$2b$` and `$2y$` are read as well.
 * SVPW3  Where all processors are at work, passwords come last. Linux takes 0 for the thread that asks; elsewhere it is the whole
 *     process, which is left as it is.
 */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { compareSync, genSaltSync, hashSync } from 'bcryptjs';

/** Steps below the process: a quarter of a processor that another thread of it wants, too. Nobody may go up again, so it is no fixed place. */
const NICE = 5;
/** The last place that there is. */
const LAST = 19;

export type PasswordJob =
  | { readonly id: number; readonly type: 'hash'; readonly password: string; readonly cost: number }
  | { readonly id: number; readonly type: 'compare'; readonly password: string; readonly hash: string };

export type PasswordResult =
  | { readonly id: number; readonly hash: string }
  | { readonly id: number; readonly matches: boolean }
  | { readonly id: number; readonly error: string };

if (process.platform === 'linux') setPriority(0, Math.min(LAST, getPriority() + NICE));

parentPort?.on('message', (job: PasswordJob) => {
  parentPort?.postMessage(resultOf(job), []);
});

function resultOf(job: PasswordJob): PasswordResult {
  const { id } = job;
  try {
    if (job.type === 'compare') return { id, matches: matches(job.password, job.hash) };
    return { id, hash: hashSync(job.password, genSaltSync(job.cost).replace('$2b$', '$2a$')) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

/** What is no hash at all matches nothing. */
function matches(password: string, hash: string): boolean {
  try {
    return compareSync(password, hash);
  } catch {
    return false;
  }
}
