/**
 * One process a file: flock(2), taken for us by flock(1) on an inherited descriptor.
 *
 * L1  The lock belongs to the open file, which our descriptor shares: it is held when the child has ended, the kernel frees
 *     it with us, it is seen by bbolt and across PID and network namespaces, and also within one process.
 * L2  Where flock(1) is missing, `PATH.lock` beside the file names its holder by process id and start time. A holder that
 *     is gone is taken over at once, one that merely stands still is not. Other programs do not know this lock; readers
 *     respect it when they open, and do not take it: they leave nothing behind, and a writer that comes later does not
 *     see them.
 *
 * bbolt: bolt_unix.go (R39 to R42, R59).
 */
import { spawn } from 'node:child_process';
import { isLockFileHeld, takeLockFile } from './lock-file.ts';

/** A held lock. */
export interface FileLock {
  /** True if it goes by the name of the file (L2). */
  readonly byName: boolean;
  release(): void;
}

const KERNEL_LOCK: FileLock = { byName: false, release: () => undefined }; // closing the descriptor frees it
const FD_IN_CHILD = 3;
const HELD_BY_OTHER = 1;

/** `undefined`: somebody else has it. */
export async function takeLock(
  fd: number,
  path: string,
  exclusive: boolean,
  unique: () => string,
): Promise<FileLock | undefined> {
  const status = await runFlock(fd, exclusive);
  if (status === 'missing' && exclusive) return takeLockFile(path, unique);
  if (status === 'missing') return isLockFileHeld(path) ? undefined : KERNEL_LOCK;
  if (status === 0) return KERNEL_LOCK;
  if (status === HELD_BY_OTHER) return undefined;
  throw new Error(`flock ended with status ${status}`);
}

function runFlock(fd: number, exclusive: boolean): Promise<number | 'missing'> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', exclusive ? '-x' : '-s', String(FD_IN_CHILD)], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve('missing');
      else reject(error);
    });
    child.on('exit', (code) => resolve(code ?? -1));
  });
}
