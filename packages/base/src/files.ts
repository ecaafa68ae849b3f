/**
 * Files, names and their locks as an argument (law 11): the types, and writing in full. Node's own are `node/files.ts`; tests put
 * a disk behind them that crashes and fails.
 *
 * SF1  Reads of a page are synchronous, so that a point read answers in the same tick. Everything that waits for the medium
 *     is asynchronous.
 * SF2  A write may be short, as the system call; whoever calls goes on with the rest.
 * SF3  What `sync` has acknowledged survives a power cut, the file's length included. A name survives after
 *     `syncDirectory`.
 */

/** How a file is to be locked. */
export interface FileLockRequest {
  /** The name by which others find the file, now or once it has it. */
  readonly path: string;
  /** Else shared among readers. */
  readonly exclusive: boolean;
  /** How long whoever is asked may take to answer, in milliseconds. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Why a file was not locked: somebody has it (`what` says who, such as `process 4711`); nobody could ever lock it here; what
 * stands in the place of the lock is not ours. The last two are said in whole sentences, without the end of the last.
 */
export interface FileLockRefusal {
  readonly kind: 'busy' | 'never' | 'foreign';
  readonly what: string;
}

/** An open file. */
export interface OpenFile {
  /** Reads up to `length` bytes into `target` at `offset`; returns how many, less only at the end of the file. */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  /** The same on the thread pool, for long sequential reads. */
  readLater(target: Uint8Array, position: number): Promise<number>;
  /** Writes the buffers one after another; the bytes written, which may be fewer than given, at once or later. */
  write(buffers: readonly Uint8Array[], position: number): number | Promise<number>;
  truncate(length: number): Promise<void>;
  /** fdatasync. */
  sync(): Promise<void>;
  /** Length in bytes. */
  size(): number;
  /** Which file this is, whatever its names. */
  identity(): string;
  /**
   * Takes the lock that the kernel frees with its holder; `undefined` once it is held. Rejects with the signal's reason, and
   * when there are no descriptors or no processes.
   */
  lock(request: FileLockRequest): Promise<FileLockRefusal | undefined>;
  /** Frees the lock as well. */
  close(): Promise<void>;
}

/** A file system, as far as it is needed. */
export interface Files {
  /** The absolute form of a path, by the working directory of this moment. Same tick. */
  absolute(path: string): string;
  /**
   * The file behind an absolute path, whether it exists or not: links are followed once, here. What else is wrong with the path,
   * opening it says better. Rejects with ELOOP for links that lead in a circle.
   */
  place(absolute: string): Promise<string>;
  /** Makes the folders above an absolute path that are missing, durably, for the owner alone. Rejects with the system's error. */
  makeParents(absolute: string): Promise<void>;
  /**
   * `read` and `update` open what exists; `create` makes a new file (0600) and fails if the name is taken.
   * Rejects with the system's error (`code` ENOENT, EEXIST, EACCES ...). What is no regular file is not opened (EFTYPE).
   */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** `identity()` of the file that has this name now, a link's own if it is one; `undefined` if there is none. Same tick. */
  identity(path: string): string | undefined;
  /** Gives a file its name, if nobody has it; else rejects with EEXIST. The old name is gone. */
  publish(from: string, to: string): Promise<void>;
  /**
   * Gives a file its name, taking it from whoever had it, with owner and mode of that. Before anything else happens: what
   * the caller has just seen of the name still holds.
   */
  rename(from: string, to: string): Promise<void>;
  /** Why `rename` must not be tried on the file of this name, as the end of a sentence. Absent: it may always be tried. */
  obstacle?(path: string): string | undefined;
  unlink(path: string): Promise<void>;
  /** Names beside this path, without folders before them. */
  siblings(path: string): Promise<readonly string[]>;
  /** Makes the names in the folder of this path durable. */
  syncDirectory(path: string): Promise<void>;
}

/** How `Files.open` opens. */
export type OpenMode = 'read' | 'update' | 'create';

/** The `code` of the error about what is no regular file. */
export const NO_FILE = 'EFTYPE';

/** Writes all of it, however short single writes are. Nothing to wait for if that happened at once. */
export function writeFully(
  file: OpenFile,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> | undefined {
  const written = file.write(buffers, position);
  return typeof written === 'number' && written === bytesOf(buffers)
    ? undefined
    : writeRest(file, buffers, position, written);
}

async function writeRest(
  file: OpenFile,
  buffers: readonly Uint8Array[],
  position: number,
  first: number | Promise<number>,
): Promise<void> {
  let rest = buffers;
  let at = position;
  for (let written = await first; ; written = await file.write(rest, at)) {
    if (written <= 0) throw Object.assign(new Error('a write of 0 bytes'), { code: 'EIO' });
    at += written;
    let whole = 0;
    while (whole < rest.length && written >= (rest[whole] as Uint8Array).length) {
      written -= (rest[whole] as Uint8Array).length;
      whole++;
    }
    if (whole === rest.length) return;
    rest = [(rest[whole] as Uint8Array).subarray(written), ...rest.slice(whole + 1)];
  }
}

/** Bytes in all. */
export function bytesOf(buffers: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.length;
  return bytes;
}
