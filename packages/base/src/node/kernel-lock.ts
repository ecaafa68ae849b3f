/**
 * The lock that bbolt takes, flock(2). Node has no call for it, so flock(1) takes it on a descriptor that it inherits.
 *
 * KL1  The lock belongs to the open file, which our descriptor shares: it is held when the child has ended, the kernel frees
 *     it with us, and it is seen by bbolt and across PID and network namespaces.
 * KL2  The child ends when the signal says so, or after the time that is left, and takes with it what it started. What it
 *     may have locked by then is freed with the descriptor, which the caller closes.
 * KL3  macOS and the BSDs have no flock(1), and open(2) takes the same lock there (O_EXLOCK), on a descriptor of its own.
 *     Not run by our tests.
 *
 * bbolt: bolt_unix.go (R39, R40).
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { nodeClock } from './clock.ts';

/** `busy`: somebody else has it. `missing`: it cannot be asked. `silent`: it did not answer in time. */
export type KernelAnswer = 'held' | 'busy' | 'missing' | 'silent' | { readonly fd: number };

const FD_IN_CHILD = 3;
const HELD_BY_OTHER = 1;
/** What flock(1) gets to start and answer, whatever the caller is willing to wait for the lock: a machine that has much to do takes its time. */
const LEAST_PATIENCE_MS = 5000;
const BSD: ReadonlySet<string> = new Set(['darwin', 'freebsd', 'openbsd', 'netbsd']);
const O_SHLOCK = 0x10;
const O_EXLOCK = 0x20;

export interface KernelRequest {
  readonly exclusive: boolean;
  /** By which the file was opened. */
  readonly openedAs: string;
  readonly patienceMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Rejects with the signal's reason, or when no process can be started. */
export async function takeKernelLock(fd: number, request: KernelRequest): Promise<KernelAnswer> {
  const answer = await askFlock(fd, request);
  return answer === 'missing' && BSD.has(process.platform) ? openLocked(fd, request) : answer;
}

function askFlock(fd: number, { exclusive, patienceMs, signal }: KernelRequest): Promise<KernelAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', exclusive ? '-x' : '-s', String(FD_IN_CHILD)], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      detached: true, // a group of its own, to be ended as a whole
    });
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    const settle = (answer: () => void): void => {
      endTimer();
      signal?.removeEventListener('abort', abort);
      answer();
    };
    const abort = (): void => {
      kill();
      settle(() => reject(signal?.reason));
    };
    // The child keeps the process alive.
    const endTimer = nodeClock.after(Math.min(Math.max(patienceMs, LEAST_PATIENCE_MS), 0x7fffffff), () => {
      kill();
      settle(() => resolve('silent'));
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle(() => (error.code === 'ENOENT' || error.code === 'EACCES' ? resolve('missing') : reject(error))),
    );
    child.on('exit', (status) =>
      settle(() => resolve(status === 0 ? 'held' : status === HELD_BY_OTHER ? 'busy' : 'missing')),
    );
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
  });
}

function openLocked(fd: number, { exclusive, openedAs }: KernelRequest): KernelAnswer {
  let second: number;
  try {
    const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | (exclusive ? O_EXLOCK : O_SHLOCK);
    second = fs.openSync(openedAs, flags);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EAGAIN' || code === 'EWOULDBLOCK' ? 'busy' : 'missing';
  }
  const [one, other] = [fd, second].map((each) => fs.fstatSync(each, { bigint: true }));
  if (one?.dev === other?.dev && one?.ino === other?.ino) return { fd: second };
  fs.closeSync(second);
  return 'busy'; // the name went to another file: the caller looks again
}
