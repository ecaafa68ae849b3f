/**
 * Everything this engine asks of the world besides LevelDB itself: files, time, chance.
 *
 * L1  No other file of this folder imports `node:fs`. Tests pass a copy of `nodeFiles` in which one call fails.
 * L2  `LOCK` is never opened here: closing any descriptor of it would drop this process's lock on it (POSIX).
 */
import { randomBytes } from 'node:crypto';
import { statSync, writeSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

export interface OpenFile {
  readonly size: number;
  /** Fills `into` from `position`; the count is less than asked only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A file of a few bytes that is written over and over. */
export interface SmallFile {
  /** Overwrites from the start, into the page cache only. Same tick. */
  write(bytes: Uint8Array): void;
  /** Syncs and closes; what cannot be synced is let go. */
  close(): Promise<void>;
}

export interface Files {
  /** What is at `path` itself, links not followed; `undefined` where there is nothing. */
  kind(path: string): Promise<'folder' | 'file' | 'link' | undefined>;
  /** The path without links and dots; rejects with `ENOENT` for a dangling link. */
  real(path: string): Promise<string>;
  /** Device and inode: what two paths of one folder have in common. */
  identity(path: string): Promise<string>;
  names(folder: string): Promise<string[]>;
  /** Length in bytes, or `undefined` where there is no such file. */
  length(path: string): Promise<number | undefined>;
  open(path: string): Promise<OpenFile>;
  readAll(path: string): Promise<Uint8Array>;
  openSmall(path: string): Promise<SmallFile>;
  /** Creates or replaces, synced. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  truncate(path: string, length: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** A new folder outside of any store: `prefix` and some letters, among the system's temporary ones if it is no path. */
  makeTemporaryFolder(prefix: string): Promise<string>;
  /** Makes `path` a symbolic link to `target`. */
  link(target: string, path: string): Promise<void>;
  /** Makes `path` another name of the file `target`. */
  hardLink(target: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Rejects when the folder cannot be written. */
  checkWritable(folder: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** When a name was last added to or removed from a folder, in ms. Same tick. */
  folderChanged(folder: string): number;
  /** Milliseconds since 1970, as files are stamped. */
  wallMs(): number;
  /** Milliseconds of a clock that is never set. */
  steadyMs(): number;
  unique(): string;
}

export const nodeFiles: Files = {
  async kind(path) {
    try {
      const found = await fs.lstat(path);
      if (found.isSymbolicLink()) return 'link';
      return found.isDirectory() ? 'folder' : 'file';
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  real: (path) => fs.realpath(path),
  async identity(path) {
    const found = await fs.stat(path, { bigint: true });
    return `${found.dev}:${found.ino}`;
  },
  names: (folder) => fs.readdir(folder),
  async length(path) {
    try {
      return (await fs.stat(path)).size;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  async open(path) {
    const handle = await fs.open(path, 'r');
    try {
      const { size } = await handle.stat();
      return {
        size,
        async read(into, position) {
          let filled = 0;
          while (filled < into.length) {
            const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled);
            if (bytesRead === 0) break;
            filled += bytesRead;
          }
          return filled;
        },
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
  readAll: (path) => fs.readFile(path),
  async openSmall(path) {
    const exists = (await nodeFiles.length(path)) !== undefined;
    const handle = await fs.open(path, exists ? 'r+' : 'w', 0o600);
    return {
      write: (bytes) => void writeSync(handle.fd, bytes, 0, bytes.length, 0),
      async close() {
        await handle.sync().catch(() => undefined);
        await handle.close();
      },
    };
  },
  async write(path, bytes) {
    const handle = await fs.open(path, 'w', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async truncate(path, length) {
    const handle = await fs.open(path, 'r+');
    try {
      await handle.truncate(length);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename: (from, to) => fs.rename(from, to),
  makeFolder: (path) => fs.mkdir(path, { mode: 0o700 }),
  makeTemporaryFolder: (prefix) => fs.mkdtemp(resolve(tmpdir(), prefix)),
  link: (target, path) => fs.symlink(target, path),
  hardLink: (target, path) => fs.link(target, path),
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  checkWritable: (folder) => fs.access(folder, fs.constants.W_OK | fs.constants.X_OK),
  async syncFolder(folder) {
    if (process.platform === 'win32') return; // a folder cannot be opened there; NTFS journals names by itself
    const handle = await fs.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  folderChanged: (folder) => statSync(folder).mtimeMs,
  // Taken once: a test that replaces clocks afterwards replaces its own.
  wallMs: Date.now,
  steadyMs: performance.now.bind(performance),
  unique: () => `${process.pid}-${randomBytes(6).toString('hex')}`,
};

/** `code` of a system error or of one of LevelDB's, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
