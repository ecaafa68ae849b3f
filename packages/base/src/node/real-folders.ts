/**
 * Folders on Node's file system.
 *
 * RFO1  On Linux a durable file has `O_DSYNC`: one call where write and sync are two, and a quarter faster (decisions/0034).
 *     Elsewhere, and where the constant is missing, each write is followed by `fdatasync`, which on macOS is the full one.
 * RFO2  Links are not followed, and what is no regular file is not opened: a FIFO would hang, a link lead elsewhere.
 * RFO3  A file that is written is opened for reading and writing once and read through that descriptor: overlayfs copies a file
 *     when it is opened for writing, and who reads the older descriptor never sees what is written.
 */
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { resolve } from 'node:path';
import { deferred, type Deferred } from '../deferred.ts';
import { NO_FILE } from '../files.ts';
import type { FolderFile, FolderFileMode, Folders } from '../folders.ts';
import { syncFolder } from './folders.ts';
import { absolutePath } from './place.ts';

const { constants } = fs;
/** The kernel's limit of one call. */
const MOST_BUFFERS = 1024;
/** Node takes the length of a read for a 32-bit number. */
const MOST_READ = 2 ** 30;
const CLOSED = -1;

/** Absent on Windows and wherever a write cannot be told to be durable by itself. */
const durableFlag: number | undefined =
  process.platform === 'linux' && typeof constants.O_DSYNC === 'number' ? constants.O_DSYNC : undefined;

class RealFile implements FolderFile {
  #fd: number;
  /** Whether each write is to be followed by a sync. */
  readonly #syncs: boolean;
  /** Calls that have not ended. */
  #running = 0;
  #allEnded: Deferred<void> | undefined;

  constructor(fd: number, syncs: boolean) {
    this.#fd = fd;
    this.#syncs = syncs;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const bytes = fs.readSync(this.#fd, target, offset + done, Math.min(length - done, MOST_READ), position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  async readLater(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const length = Math.min(target.length - done, MOST_READ);
      const bytes = await this.#run<number>((settle) =>
        fs.read(this.#fd, target, done, length, position + done, settle),
      );
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const [first] = buffers;
    const writing = this.#run<number>((settle) => {
      if (first !== undefined && buffers.length === 1) fs.write(this.#fd, first, 0, first.length, position, settle);
      else fs.writev(this.#fd, buffers.slice(0, MOST_BUFFERS), position, settle);
    });
    return this.#syncs ? writing.then((written) => this.sync().then(() => written)) : writing;
  }

  sync(): Promise<void> {
    return this.#run<void>((settle) => fs.fdatasync(this.#fd, settle));
  }

  truncate(length: number): Promise<void> {
    return this.#run<void>((settle) => fs.ftruncate(this.#fd, length, settle));
  }

  size(): number {
    return fs.fstatSync(this.#fd).size;
  }

  /** The descriptor's number must not go to another file before calls that use it have ended. */
  async close(): Promise<void> {
    while (this.#running > 0) await (this.#allEnded ??= deferred()).promise;
    const fd = this.#fd;
    this.#fd = CLOSED;
    if (fd !== CLOSED) await promised<void>((settle) => fs.close(fd, settle));
  }

  #run<T>(call: (settle: Settle<T>) => void): Promise<T> {
    return promised<T>((settle) => {
      call((error, result) => {
        this.#running -= 1;
        settle(error, result);
        if (this.#running > 0) return;
        this.#allEnded?.resolve();
        this.#allEnded = undefined;
      });
      this.#running += 1;
    });
  }
}

type Settle<T> = (error: Error | null, result?: T) => void;

function promised<T>(call: (settle: Settle<T>) => void): Promise<T> {
  return new Promise<T>((resolved, reject) => {
    call((error, result) => (error ? reject(error) : resolved(result as T)));
  });
}

function flagsOf(mode: FolderFileMode): number {
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
  const access = mode === 'read' ? O_RDONLY : O_RDWR;
  const making = mode.startsWith('create') ? O_CREAT | O_EXCL : 0;
  return access | making | (isDurable(mode) ? (durableFlag ?? 0) : 0) | (O_NOFOLLOW | 0) | (O_NONBLOCK | 0); // absent on Windows
}

function isDurable(mode: FolderFileMode): boolean {
  return mode === 'durable' || mode === 'create-durable';
}

/** @throws EFTYPE for what is no regular file, which is closed again */
function regular(fd: number, mode: FolderFileMode): RealFile {
  if (fs.fstatSync(fd).isFile()) return new RealFile(fd, isDurable(mode) && durableFlag === undefined);
  fs.closeSync(fd);
  throw Object.assign(new Error('not a regular file'), { code: NO_FILE });
}

/** The real file system. */
export const nodeFolders: Folders = {
  absolute: absolutePath,
  open: async (path, mode) =>
    regular(await promised<number>((settle) => fs.open(path, flagsOf(mode), 0o600, settle)), mode),
  openNow: (path) => regular(fs.openSync(path, flagsOf('read')), 'read'),
  async details(path) {
    try {
      const found = await fsp.lstat(path, { bigint: true });
      const kind = found.isFile()
        ? 'file'
        : found.isDirectory()
          ? 'folder'
          : found.isSymbolicLink()
            ? 'link'
            : 'special';
      return { kind, identity: `${found.dev}:${found.ino}`, links: Number(found.nlink) };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  real: (path) => fsp.realpath(resolve(path)),
  names: (folder) => fsp.readdir(folder),
  makeFolder: (path) => fsp.mkdir(path, { mode: 0o700 }),
  rename: (from, to) => fsp.rename(from, to),
  remove: (path) => fsp.rm(path, { recursive: true, force: true }),
  syncFolder,
  checkWritable: (folder) => fsp.access(folder, constants.W_OK | constants.X_OK),
  makePrivate: (folder) => fsp.chmod(folder, 0o700).catch(() => undefined), // not ours to say
  identityNow(path) {
    try {
      const found = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
      return found && `${found.dev}:${found.ino}`;
    } catch {
      return undefined; // a file in a folder's place above, or no right to look any more
    }
  },
  rights: (path) => fsp.stat(path),
};

/** `code` of a system error, if it has one. */
function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
