/**
 * Whether a lock beside the file reaches everybody who may have the file open, and where the kernel's own list of locks
 * has it.
 *
 * BLR1  It does not where the file is known in other places: by a second name (hard link), or because the file itself, not
 *     its folder, is mounted into a container; and on file systems that other machines write to as well.
 * BLR2  What cannot be told counts as a reason against it.
 * BLR3  A mount is known by the kernel's number of it, `mnt_id` in `/proc/self/fdinfo`. Devices are no help: a mounted file
 *     may come from the very file system it lies in.
 */
import fs from 'node:fs';
import path from 'node:path';

/** Linux: opens a name without the right to read what it names. */
const O_PATH = 0o10000000;

/** File systems by `statfs`, and whether `flock` is passed on to the server; those that do not share are not here. */
const SHARED: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x47504653, 'GPFS'],
]);

/** Why a lock beside the file does not reach everybody, as the predicate of a sentence; `undefined`: it does. */
export function whyOutOfReach(fd: number, realPath: string): string | undefined {
  const { nlink } = fs.fstatSync(fd);
  if (nlink > 1) return `has ${nlink} names (hard links)`;
  if (process.platform !== 'linux') return undefined;
  const shared = SHARED.get(fs.statfsSync(realPath).type >>> 0);
  if (shared !== undefined) return `is on a file system that other machines may share (${shared})`;
  const own = mountOf(fd);
  const around = mountOfFolder(path.dirname(realPath));
  if (own === undefined || around === undefined) return 'may be a mount of its own, which cannot be told without /proc';
  return own === around ? undefined : 'is mounted by itself, apart from its folder';
}

/** A lock on the file in the kernel's list, taken by flock(2). */
export interface KernelHolder {
  readonly isShared: boolean;
  /** Who took it; it may have ended, and its descriptor live on in another process. 0: out of our sight. */
  readonly pid: number;
}

/** Who is seen holding the file by flock(2); a process whose PID namespace we do not see is not among them. */
export function kernelHolders(fd: number): KernelHolder[] {
  const device = deviceOf(fd);
  if (device === undefined) return [];
  const { ino } = fs.fstatSync(fd, { bigint: true });
  const holders: KernelHolder[] = [];
  for (const line of readText('/proc/locks').split('\n')) {
    const found = /^\d+: FLOCK +\S+ +(READ|WRITE) +(-?\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line);
    if (found === null || found[5] !== String(ino)) continue;
    if (`${Number.parseInt(found[3] as string, 16)}:${Number.parseInt(found[4] as string, 16)}` !== device) continue;
    holders.push({ isShared: found[1] === 'READ', pid: Math.max(0, Number(found[2])) });
  }
  return holders;
}

/** Major and minor number of the file system, as the kernel itself counts them: `stat` differs on btrfs. */
function deviceOf(fd: number): string | undefined {
  const mount = mountOf(fd);
  if (mount === undefined) return undefined;
  for (const line of readText('/proc/self/mountinfo').split('\n')) {
    const [number, , device] = line.split(' ');
    if (number === mount) return device;
  }
  return undefined;
}

function mountOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readText(`/proc/self/fdinfo/${fd}`))?.[1];
}

function mountOfFolder(folder: string): string | undefined {
  const fd = fs.openSync(folder, O_PATH | fs.constants.O_DIRECTORY);
  try {
    return mountOf(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function readText(name: string): string {
  try {
    return fs.readFileSync(name, 'latin1');
  } catch {
    return ''; // no /proc
  }
}
