/**
 * Node's file system.
 *
 * NS1  Vectored writes carry at most 1024 buffers, the kernel's limit; the rest is a short write.
 * NS2  A small write goes to the kernel's page cache on the spot: 3 us, where a trip through the thread pool costs the main
 *     thread 15. It cannot wait for the medium as long as little is dirty, and each commit syncs what it wrote; should one
 *     be slow all the same, the file's next writes go through the pool.
 */
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import path from 'node:path';
import { bytesOf, type FileLockRefusal, type FileLockRequest, type Files, type OpenFile } from '../files.ts';
import { nodeClock } from './clock.ts';
import { lockFile, type FileLock } from './file-lock.ts';
import { makeFolder, syncFolder } from './folders.ts';
import { absolutePath, placeOf } from './place.ts';
import { openRegular } from './regular-file.ts';
import { obstacleTo, takeName } from './replaceable.ts';

const MOST_BUFFERS = 1024;
/** Node takes the length of a read for a 32-bit number. */
const MOST_READ = 2 ** 30;
/** No descriptor: using it is a RangeError or EBADF, never somebody else's file. */
const CLOSED = -1;
const SMALL_WRITE = 65_536;
const SLOW_MS = 2;
const POOLED_WRITES = 1024;

class NodeFile implements OpenFile {
  #fd: number;
  readonly #path: string;
  #lock: FileLock | undefined;
  /** Reads under way: the descriptor's number must not go to another file before they end. */
  readonly #reads: Set<Promise<void>> = new Set();
  /** How many of the next writes go through the pool. */
  #pooled = 0;

  constructor(fd: number, filePath: string) {
    this.#fd = fd;
    this.#path = filePath;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const wanted = Math.min(length - done, MOST_READ);
      const bytes = fs.readSync(this.#fd, target, offset + done, wanted, position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  async readLater(target: Uint8Array, position: number): Promise<number> {
    const read = this.#readPooled(target, position);
    const settled = read.then(
      () => undefined,
      () => undefined,
    );
    this.#reads.add(settled);
    try {
      return await read;
    } finally {
      this.#reads.delete(settled);
    }
  }

  async #readPooled(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const bytes = await new Promise<number>((resolve, reject) => {
        const wanted = Math.min(target.length - done, MOST_READ);
        fs.read(this.#fd, target, done, wanted, position + done, (error, count) =>
          error ? reject(error) : resolve(count),
        );
      });
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  write(buffers: readonly Uint8Array[], position: number): number | Promise<number> {
    if (bytesOf(buffers) <= SMALL_WRITE && this.#pooled === 0) return this.#writeNow(buffers, position);
    if (this.#pooled > 0) this.#pooled--;
    return this.#writePooled(buffers, position);
  }

  #writeNow(buffers: readonly Uint8Array[], position: number): number {
    const start = nodeClock.now();
    const first = buffers[0];
    const written =
      buffers.length === 1 && first !== undefined
        ? fs.writeSync(this.#fd, first, 0, first.length, position)
        : fs.writevSync(this.#fd, buffers, position);
    if (nodeClock.now() - start > SLOW_MS) this.#pooled = POOLED_WRITES;
    return written;
  }

  #writePooled(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, written: number): void => (error ? reject(error) : resolve(written));
      const first = buffers[0];
      if (buffers.length === 1 && first !== undefined) fs.write(this.#fd, first, 0, first.length, position, done);
      else fs.writev(this.#fd, buffers.slice(0, MOST_BUFFERS), position, done);
    });
  }

  truncate(length: number): Promise<void> {
    return new Promise((resolve, reject) =>
      fs.ftruncate(this.#fd, length, (error) => (error ? reject(error) : resolve())),
    );
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve())));
  }

  size(): number {
    return fs.fstatSync(this.#fd).size;
  }

  identity(): string {
    return identityOf(fs.fstatSync(this.#fd, { bigint: true }));
  }

  async lock(request: FileLockRequest): Promise<FileLockRefusal | undefined> {
    const answer = await lockFile(this.#fd, this.#path, request);
    if ('kind' in answer) return answer;
    this.#lock = answer;
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.#reads);
    const fd = this.#fd;
    this.#fd = CLOSED;
    try {
      await new Promise<void>((resolve, reject) => fs.close(fd, (error) => (error ? reject(error) : resolve())));
    } finally {
      this.#lock?.release();
      this.#lock = undefined;
    }
  }
}

function identityOf(stat: fs.BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

/** The real file system. */
export const nodeFiles: Files = {
  absolute: absolutePath,
  place: placeOf,
  makeParents: (absolute) => makeFolder(path.dirname(absolute)),
  open: async (filePath, mode) => new NodeFile(await openRegular(filePath, mode), filePath),
  identity(filePath) {
    const stat = fs.lstatSync(filePath, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : identityOf(stat);
  },
  async publish(from, to) {
    try {
      await fsp.link(from, to);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
      // A file system without hard links: check and rename, with a moment between them.
      if (fs.lstatSync(to, { throwIfNoEntry: false }) !== undefined)
        throw Object.assign(new Error(`${to} exists`), { code: 'EEXIST' });
      await fsp.rename(from, to);
      return;
    }
    await fsp.unlink(from);
  },
  // In the tick of the call: whoever has just seen whose name it is takes it from nobody else.
  rename: async (from, to) => takeName(from, to),
  obstacle: obstacleTo,
  unlink: (filePath) => fsp.unlink(filePath),
  siblings: (filePath) => fsp.readdir(path.dirname(filePath)),
  syncDirectory: (filePath) => syncFolder(path.dirname(filePath)),
};
