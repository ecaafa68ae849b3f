/**
 * The file of a Unix socket: who may call there, and how one that nobody listens at any more is taken away.
 *
 * SVSF1  A file at which somebody answers, at which we may not ask, or which is no socket, is left as it is, and the server is not started.
 * SVSF2  A dead socket is moved aside before it is removed, and only what was asked is removed: a server that took the path between the
 *     question and the move gets its file back.
 * SVSF3  Only the owner may call (R126): the file is made with a mask that keeps all others out, then gets its mode.
 * SVSF4  A path that the kernel would cut off is refused before anything is made.
 *
 * etcd: pkg/transport/unix_listener.go. Departs: etcd takes the file of a living server away as well, and leaves the mode to the umask.
 */
import { chmodSync, linkSync, lstatSync, readFileSync, readlinkSync, renameSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import { ServerError } from '../errors.ts';

/** Bytes of a socket's path, without the zero at its end. */
const MOST_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * The absolute path of a Unix socket.
 * @throws TypeError for what is no path; RangeError where it is longer than the system takes
 */
export function socketPath(path: string): string {
  if (typeof path !== 'string' || path === '') throw new TypeError('path must be the path of a file');
  if (path.includes('\0')) throw new TypeError('path must not have a zero character');
  const whole = resolvePath(path);
  const bytes = Buffer.byteLength(whole);
  if (bytes > MOST_BYTES) {
    throw new RangeError(`path must have at most ${MOST_BYTES} bytes, as the system has it: ${whole} has ${bytes}`);
  }
  return whole;
}

/** Sees to it that nothing is in the way of a socket. @throws ServerError `SERVER_LISTEN` */
export async function makeWay(path: string): Promise<void> {
  const found = look(path);
  if (found === undefined) return;
  if (!found.isSocket) throw refusal(path, 'the file there is no socket: take another path');
  const sign = await signAt(path);
  if (sign === 'alive') throw refusal(path, 'another server answers there: end it, or take another path');
  if (sign === 'hidden') throw refusal(path, 'this user may not ask who listens there: take another path');
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (look(aside)?.mark === found.mark) return unlinkSync(aside);
  } catch (cause) {
    // Who else found it dead has taken it away.
    if (codeOf(cause) === 'ENOENT') return;
    throw refusal(path, 'the socket there is dead, and could not be removed: remove it', cause);
  }
  try {
    // A link takes the path from nobody, as a renaming would.
    linkSync(aside, path);
    unlinkSync(aside);
  } catch (cause) {
    throw refusal(path, `another server has just begun to listen there, and its socket is ${aside} now`, cause);
  }
  throw refusal(path, 'another server has just begun to listen there');
}

/** Runs what makes the file, in this very tick. */
export function forOwnerAlone(make: () => void): void {
  const mask = tryUmask(0o077);
  try {
    make();
  } finally {
    if (mask !== undefined) process.umask(mask);
  }
}

/** Gives the file its mode. */
export function keepForOwner(path: string): void {
  chmodSync(path, 0o600);
}

/** The path of a socket that listens already; '' where the system does not tell. */
export function pathOfDescriptor(fd: number): string {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n')) {
      const [, number, path] = /^(?:\S+ +){6}(\d+) (.+)$/.exec(line) ?? [];
      if (number === inode && path !== undefined) return path;
    }
    return '';
  } catch {
    return '';
  }
}

interface Found {
  readonly isSocket: boolean;
  /** What no other file at this place has: an inode comes again, and not with its time. */
  readonly mark: string;
}

/** @returns undefined: there is nothing, or we may not see it, and then may make nothing there either */
function look(path: string): Found | undefined {
  try {
    const stat = lstatSync(path, { bigint: true });
    return { isSocket: stat.isSocket(), mark: `${stat.dev} ${stat.ino} ${stat.mtimeNs}` };
  } catch {
    return undefined;
  }
}

function signAt(path: string): Promise<'alive' | 'dead' | 'hidden'> {
  return new Promise((resolve) => {
    const call = connect({ path });
    call.once('connect', () => {
      call.destroy();
      resolve('alive');
    });
    call.on('error', (error) => {
      call.destroy();
      const code = codeOf(error);
      const isHidden = code === 'EACCES' || code === 'EPERM';
      // Whatever else the kernel says, such as EAGAIN from one who is busy, is an answer of somebody.
      resolve(isHidden ? 'hidden' : code === 'ECONNREFUSED' || code === 'ENOENT' ? 'dead' : 'alive');
    });
  });
}

/** @returns the mask before; undefined in a thread, which has none of its own and may not change it */
function tryUmask(mask: number): number | undefined {
  try {
    return process.umask(mask);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function refusal(path: string, why: string, cause?: unknown): ServerError {
  return new ServerError('SERVER_LISTEN', `cannot listen at ${path}: ${why}`, { cause });
}
