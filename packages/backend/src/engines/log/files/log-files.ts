/**
 * Everything this engine asks of the world: files, names, the lock, chance. Types only; tests put a disk behind it that loses,
 * tears, reorders and fails.
 *
 * LGW1  Point reads are synchronous, so that `get` answers in the same tick; whatever waits for the medium is not.
 * LGW2  What a file opened as durable has acknowledged survives a power cut, the file's length included, and nothing else that
 *     was written to it before does by that: not what lies in the page cache only, nor the name.
 * LGW3  A write may be short, as the system call; `writeAll` goes on with the rest.
 */

/** An open file. */
export interface LogFile {
  /** Reads up to `length` bytes into `target` at `offset`; how many, less only at the end of the file. Same tick. */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  /** Fills `target` on the thread pool; how many bytes, less only at the end of the file. */
  readLater(target: Uint8Array, position: number): Promise<number>;
  /** Writes the buffers one after another; how many bytes, which may be fewer than given. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** Makes everything in it durable that was written through whatever descriptor, and its length. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Length in bytes. Same tick. */
  size(): number;
  /** Once reads that are under way have ended. */
  close(): Promise<void>;
}

/**
 * `read` for reading only; `update` to be read and written; `durable` the same, where a write is durable once it has answered.
 * These open what exists. `create` and `create-durable` make a file (0600), and reject with EEXIST where the name is taken.
 */
export type LogFileMode = 'read' | 'update' | 'durable' | 'create' | 'create-durable';

/** What is at a path itself, links not followed. */
export interface LogFileDetails {
  readonly kind: 'folder' | 'file' | 'link' | 'special';
  /** Device and inode: what all names of one file have in common. */
  readonly identity: string;
  /** How many names it has. */
  readonly links: number;
}

/** The lock of a store, held. */
export interface Held {
  /** Gives it back; further calls do nothing. */
  readonly release: () => void;
}

export interface LogFiles {
  open(path: string, mode: LogFileMode): Promise<LogFile>;
  /** For reading only, in the same tick. */
  openNow(path: string): LogFile;
  /** `undefined` where there is nothing. */
  details(path: string): Promise<LogFileDetails | undefined>;
  /** The absolute path without links and dots; rejects with ENOENT for a dangling link. */
  real(path: string): Promise<string>;
  names(folder: string): Promise<readonly string[]>;
  /** For the owner alone. */
  makeFolder(path: string): Promise<void>;
  /** Replaces what has the name. */
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it. */
  remove(path: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** Rejects when the folder cannot be written. */
  checkWritable(folder: string): Promise<void>;
  /** Leaves a folder to its owner alone, as far as we may say so. */
  makePrivate(folder: string): Promise<void>;
  /** Device and inode of what the path leads to; `undefined` when there is nothing to be seen. Same tick. */
  identityNow(path: string): string | undefined;
  /** Takes the store's lock. @throws BackendError `BACKEND_LOCKED` */
  hold(path: string): Promise<Held>;
  /** Who holds it, for who only reads: nothing is taken or changed. */
  holder(path: string): Promise<string | undefined>;
  /** Bytes that nobody can foretell. */
  random(length: number): Uint8Array;
}

/** Writes all of it, however short single writes are. */
export async function writeAll(file: LogFile, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = buffers;
  let at = position;
  for (;;) {
    let written = await file.write(rest, at);
    if (written <= 0) throw Object.assign(new Error('a write of 0 bytes'), { code: 'EIO' });
    at += written;
    let whole = 0;
    while (whole < rest.length && written >= rest[whole]!.length) {
      written -= rest[whole]!.length;
      whole += 1;
    }
    if (whole === rest.length) return;
    rest = [rest[whole]!.subarray(written), ...rest.slice(whole + 1)];
  }
}

/** `code` of a system error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
