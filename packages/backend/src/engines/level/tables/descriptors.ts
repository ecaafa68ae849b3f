/**
 * Files as plain descriptors.
 *
 * A `FileHandle` that nobody refers to any more is closed by the garbage collector: Node warns, and from version 26 on ends
 * the process. A scan that was left, or a store that was forgotten, must not do that; a descriptor stays until it is closed.
 *
 * DE1  Only regular files are opened: a link is not followed, a FIFO is not waited for, a device is not read.
 * DE2  Counts of bytes are whole: a short read or write is gone on with.
 */
import * as fs from 'node:fs';

// Windows has neither; links there need rights that few processes have.
const NO_FOLLOW: number = fs.constants.O_NOFOLLOW ?? 0;
const NO_WAIT: number = fs.constants.O_NONBLOCK ?? 0;

type Mode = 'read' | 'update' | 'replace';

const FLAGS: { readonly [mode in Mode]: number } = {
  read: fs.constants.O_RDONLY | NO_WAIT,
  update: fs.constants.O_RDWR | NO_WAIT,
  replace: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC | NO_WAIT,
};

export class Descriptor {
  readonly #fd: number;
  readonly size: number;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.size = size;
  }

  /** @param mode what may be done with it: `replace` makes the file, or empties it */
  static async open(path: string, mode: Mode): Promise<Descriptor> {
    const fd = await call<number>((done) => fs.open(path, FLAGS[mode] | NO_FOLLOW, 0o600, done));
    try {
      const found = await call<fs.Stats>((done) => fs.fstat(fd, done));
      if (!found.isFile()) throw Object.assign(new Error(`${path} is not a regular file`), { code: 'EINVAL' });
      return new Descriptor(fd, found.size);
    } catch (error) {
      await call<void>((done) => fs.close(fd, done));
      throw error;
    }
  }

  /** Fills `into`; the count is less only at the end of the file. */
  async read(into: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      const count = await call<number>((done) =>
        fs.read(this.#fd, into, filled, into.length - filled, position + filled, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await call<number>((done) => fs.write(this.#fd, bytes, at, bytes.length - at, at, done));
    }
  }

  /** Overwrites from the start, in this tick. */
  writeNow(bytes: Uint8Array): void {
    fs.writeSync(this.#fd, bytes, 0, bytes.length, 0);
  }

  truncate(length: number): Promise<void> {
    return call((done) => fs.ftruncate(this.#fd, length, done));
  }

  sync(): Promise<void> {
    return call((done) => fs.fsync(this.#fd, done));
  }

  close(): Promise<void> {
    return call((done) => fs.close(this.#fd, done));
  }
}

/** Opens, works and closes. */
export async function withFile<T>(path: string, mode: Mode, work: (file: Descriptor) => Promise<T>): Promise<T> {
  const file = await Descriptor.open(path, mode);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/**
 * Gives a file that this process's user has made to another owner; anything else stays as it is. Its name must be its only
 * one at that time: somebody who may write to the folder could have put a file of ours from elsewhere there.
 */
export async function giveFile(path: string, uid: number, gid: number): Promise<void> {
  const fd = await call<number>((done) => fs.open(path, FLAGS.read | NO_FOLLOW, done));
  try {
    const opened = fs.fstatSync(fd);
    const named = fs.lstatSync(path);
    const isOurs = opened.isFile() && opened.uid === process.geteuid?.();
    if (isOurs && named.ino === opened.ino && named.dev === opened.dev && named.nlink === 1)
      fs.fchownSync(fd, uid, gid);
  } finally {
    await call<void>((done) => fs.close(fd, done));
  }
}

function call<T>(start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) =>
    start((error, result) => (error === null ? resolve(result as T) : reject(error))),
  );
}
