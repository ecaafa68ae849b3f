/**
 * One process a file: a socket beside it decides among ours, flock(2) towards bbolt and etcd's tools.
 *
 * FL1  A writer needs the socket (`store-lock.ts`), and flock(2) as well wherever it can be asked. Each is
 *     enough to be refused. Where flock(1) is missing, a lock that somebody else took by flock(2) is looked for in the
 *     kernel's list, and bbolt does not see us.
 * FL2  Where the socket does not reach everybody who may have the file (`lock-reach.ts`), or cannot be made, a writer needs
 *     flock(2); where that cannot be had either it is refused, with a sentence that says why. Nobody hopes.
 * FL3  A reader takes a shared flock(2) where it can, keeps out of a living holder's file, and leaves nothing behind. Where
 *     flock(1) is missing, a writer that comes later does not see it.
 * FL4  Both belong to this very file. A file that takes the name of another one is locked under that name before it
 *     gets it, and its predecessor's lock is no obstacle.
 * FL5  The socket is given back after the descriptor is closed: who gets it next finds flock(2) free.
 *
 * bbolt: bolt_unix.go (R39 to R42, R59).
 */
import fs from 'node:fs';
import type { FileLockRefusal, FileLockRequest } from '../files.ts';
import type { LockRequest, StoreLock } from '../locks.ts';
import { takeKernelLock } from './kernel-lock.ts';
import { kernelHolders, whyOutOfReach } from './lock-reach.ts';
import { findHolder, lockFolderBeside, takeStoreLock } from './store-lock.ts';

/** A held lock. To be released once, after the file is closed. */
export interface FileLock {
  release(): void;
}

const NOTHING: FileLock = { release: () => undefined };
const INSTALL = 'Install flock(1), which is part of util-linux and of BusyBox, where this program can find it';

/**
 * Locks an open file.
 * @param openedAs the path by which it was opened
 * @returns the held lock, or why there is none
 */
export async function lockFile(
  fd: number,
  openedAs: string,
  request: FileLockRequest,
): Promise<FileLock | FileLockRefusal> {
  const { exclusive, signal, waitMs = 0 } = request;
  const realPath = realPathOf(request.path);
  const { ino } = fs.fstatSync(fd, { bigint: true });
  const place: LockRequest = {
    folder: lockFolderBeside(realPath),
    thing: ino,
    rights: rightsOf(realPath) ?? fs.fstatSync(fd),
    signal,
  };
  const byKernel = { exclusive, openedAs, patienceMs: waitMs, signal };
  if (!exclusive) {
    const found = await findHolder(place);
    if (found?.kind === 'busy') return busy(found.holder);
    if (found?.kind === 'foreign' && found.what === 'other') return foreign(request.path, found.reason);
    const answer = await takeKernelLock(fd, byKernel);
    return kernelSaysNo(fd, answer, request) ?? lockOf(undefined, answer);
  }
  let outOfReach = whyOutOfReach(fd, realPath);
  const taken = await takeStoreLock(place);
  if (taken.kind === 'busy') return busy(taken.holder);
  if (taken.kind === 'foreign') return foreign(request.path, taken.reason);
  if (taken.kind === 'impossible') outOfReach ??= `cannot be locked beside it, because ${taken.reason}`;
  const socket = taken.kind === 'held' ? taken.lock : undefined;
  try {
    const answer = await takeKernelLock(fd, byKernel);
    const no = kernelSaysNo(fd, answer, request);
    if (no === undefined && (answer !== 'missing' || outOfReach === undefined)) return lockOf(socket, answer);
    socket?.release();
    if (no !== undefined) return no;
    return never(`${request.path} ${outOfReach}, so only flock(2) can keep other writers away. ${INSTALL}`);
  } catch (error) {
    socket?.release();
    throw error;
  }
}

/** Who has it, if the kernel says that somebody has. */
function kernelSaysNo(
  fd: number,
  answer: Awaited<ReturnType<typeof takeKernelLock>>,
  { exclusive, path }: FileLockRequest,
): FileLockRefusal | undefined {
  if (answer === 'silent')
    return never(`${path} cannot be locked: flock(1) was started and does not answer. ${INSTALL}`);
  if (answer !== 'busy' && answer !== 'missing') return undefined;
  const others = kernelHolders(fd).filter(({ isShared }) => exclusive || !isShared);
  if (answer === 'missing' && others.length === 0) return undefined;
  const living = others.find(({ pid }) => pid > 0 && isAlive(pid));
  return busy(living === undefined ? 'another process' : `process ${living.pid}`);
}

function lockOf(socket: StoreLock | undefined, answer: Awaited<ReturnType<typeof takeKernelLock>>): FileLock {
  if (typeof answer === 'object') {
    return {
      release: () => {
        fs.closeSync(answer.fd);
        socket?.release();
      },
    };
  }
  return socket ?? NOTHING; // closing the descriptor frees what the kernel holds
}

function busy(what: string): FileLockRefusal {
  return { kind: 'busy', what };
}

function never(what: string): FileLockRefusal {
  return { kind: 'never', what };
}

function foreign(path: string, reason: string): FileLockRefusal {
  return {
    kind: 'foreign',
    what: `${path} cannot be locked: ${reason}; it was left as it is. Look at it, and move it away`,
  };
}

/** Of the file that has the name: one that is to replace it may belong to somebody else still (FL4). */
function rightsOf(realPath: string): LockRequest['rights'] | undefined {
  const named = fs.statSync(realPath, { throwIfNoEntry: false });
  return named && { uid: named.uid, gid: named.gid, mode: named.mode };
}

function realPathOf(path: string): string {
  try {
    return fs.realpathSync.native(path);
  } catch {
    return path; // it lost its name: the caller sees that when it compares
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
