/**
 * Folders that a store has for itself, as an argument (law 11): types only. Node's own are `node/real-folders.ts`; tests put a disk
 * behind them that loses, tears, reorders and fails.
 *
 * FDR1  Point reads are synchronous, so that a `get` answers in the same tick; whatever waits for the medium is not.
 * FDR2  What a file opened as durable has acknowledged survives a power cut, the file's length included, and nothing else that
 *     was written to it before does by that: not what lies in the page cache only, nor the name.
 * FDR3  A write may be short, as the system call; whoever calls goes on with the rest.
 * FDR4  The functions of `Folders` need no `this`.
 */
import type { StoreRights } from './locks.ts';

/** An open file. */
export interface FolderFile {
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
export type FolderFileMode = 'read' | 'update' | 'durable' | 'create' | 'create-durable';

/** What is at a path itself, links not followed. */
export interface PathDetails {
  readonly kind: 'folder' | 'file' | 'link' | 'special';
  /** Device and inode: what all names of one file have in common. */
  readonly identity: string;
  /** How many names it has. */
  readonly links: number;
}

/** Paths are absolute. What fails rejects with the system's error. */
export interface Folders {
  /** The absolute form of a path, by the working directory of this moment. Same tick. */
  absolute(path: string): string;
  /** Rejects with EFTYPE for what is no regular file. Links are not followed. */
  open(path: string, mode: FolderFileMode): Promise<FolderFile>;
  /** For reading only, in the same tick. */
  openNow(path: string): FolderFile;
  /** `undefined` where there is nothing. */
  details(path: string): Promise<PathDetails | undefined>;
  /** The absolute path without links and dots; rejects with ENOENT for a dangling link. */
  real(path: string): Promise<string>;
  names(folder: string): Promise<readonly string[]>;
  /** For the owner alone. */
  makeFolder(path: string): Promise<void>;
  /** Replaces what has the name. */
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; nothing is fine. */
  remove(path: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** Rejects when the folder cannot be written. */
  checkWritable(folder: string): Promise<void>;
  /** Leaves a folder to its owner alone, as far as we may say so. */
  makePrivate(folder: string): Promise<void>;
  /** Device and inode of what the path leads to, with a colon between; `undefined` when there is nothing to be seen. Same tick. */
  identityNow(path: string): string | undefined;
  /** Owner and mode of what the path leads to. */
  rights(path: string): Promise<StoreRights>;
}
