/**
 * Everything this engine asks of the world besides LevelDB itself: files, time, chance.
 *
 * FI1  No other file of this folder but `descriptors.ts` imports `node:fs`. Tests pass a copy of `nodeFiles` in which one
 *     call fails.
 * FI2  `LOCK` is never opened here once anybody of this process has it open: closing any descriptor of it would drop this
 *     process's lock on it (POSIX).
 */
import { statSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Clock } from '@varve/base/clock';
import type { Folders } from '@varve/base/folders';
import type { Locks } from '@varve/base/locks';
import { syncFolder } from '@varve/base/node/folders';
import { nodeFolders } from '@varve/base/node/real-folders';
import { nodeWorld } from '@varve/base/node/world';
import type { Random, World } from '@varve/base/world';
import { Descriptor, giveFile, withFile } from './tables/descriptors.ts';

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

export type Kind = 'folder' | 'file' | 'link' | 'special';

/** What is at a path itself, links not followed. */
export interface Details {
  readonly kind: Kind;
  /** Device and inode: what all names of one file have in common. */
  readonly identity: string;
  /** How many names it has. */
  readonly links: number;
  /** Whether somebody else than its owner may do anything with it. */
  readonly isPrivate: boolean;
}

export interface FolderLook {
  /** Device and inode, as `Files.identity` gives them. */
  readonly identity: string;
  /** When a name was last added to or removed from it, in ms since 1970. */
  readonly changedMs: number;
}

export interface Files {
  /** What is at `path` itself, links not followed; `undefined` where there is nothing. */
  kind(path: string): Promise<Kind | undefined>;
  /** The same, and more of it. */
  details(path: string): Promise<Details | undefined>;
  /** The path without links and dots; rejects with `ENOENT` for a dangling link. */
  real(path: string): Promise<string>;
  /** Device and inode: what two paths of one folder have in common. */
  identity(path: string): Promise<string>;
  /** Owner and mode. */
  rights(path: string): Promise<{ readonly uid: number; readonly gid: number; readonly mode: number }>;
  names(folder: string): Promise<string[]>;
  /** Length in bytes, or `undefined` where there is no such file. */
  length(path: string): Promise<number | undefined>;
  open(path: string): Promise<OpenFile>;
  /** The first `most` bytes. */
  readStart(path: string, most: number): Promise<Uint8Array>;
  openSmall(path: string): Promise<SmallFile>;
  /** Creates or replaces, synced. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** A new file with the same bytes, synced. */
  copy(from: string, to: string): Promise<void>;
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
  /** Says who may do what with a file or folder, as chmod(2) takes it. */
  setMode(path: string, mode: number): Promise<void>;
  /** Gives a file of this process's user to another owner, if it has no other name. */
  give(path: string, uid: number, gid: number): Promise<void>;
  /** Bytes that may still be written to the medium of this folder. */
  room(folder: string): Promise<number>;
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** What the path leads to; `undefined` when there is nothing to be seen. Same tick. */
  lookNow(path: string): FolderLook | undefined;
  /** For files that LevelDB knows nothing of. */
  readonly folders: Pick<Folders, 'open' | 'rename' | 'remove' | 'syncFolder'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly locks: Locks;
}

/** As Node's, with the clock, randomness and locks of another world. The files are always those that LevelDB sees. */
export function filesIn({ clock, random, locks }: World): Files {
  return { ...nodeFiles, clock, random, locks };
}

export const nodeFiles: Files = {
  kind: async (path) => (await nodeFiles.details(path))?.kind,
  async details(path) {
    try {
      const found = await fs.lstat(path, { bigint: true });
      const kind = found.isFile()
        ? 'file'
        : found.isDirectory()
          ? 'folder'
          : found.isSymbolicLink()
            ? 'link'
            : 'special';
      return {
        kind,
        identity: `${found.dev}:${found.ino}`,
        links: Number(found.nlink),
        isPrivate: process.platform === 'win32' || (Number(found.mode) & 0o077) === 0, // no such bits there
      };
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
  rights: (path) => fs.stat(path),
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
    const file = await Descriptor.open(path, 'read');
    return {
      size: file.size,
      read: (into, position) => file.read(into, position),
      close: () => file.close(),
    };
  },
  readStart: (path, most) =>
    withFile(path, 'read', async (file) => {
      const bytes = new Uint8Array(Math.min(most, file.size));
      return bytes.subarray(0, await file.read(bytes, 0));
    }),
  async openSmall(path) {
    const file = await Descriptor.open(path, 'update');
    return {
      write: (bytes) => file.writeNow(bytes),
      async close() {
        await file.sync().catch(() => undefined);
        await file.close();
      },
    };
  },
  write: (path, bytes) =>
    withFile(path, 'replace', async (file) => {
      await file.write(bytes);
      await file.sync();
    }),
  async copy(from, to) {
    await fs.copyFile(from, to);
    await withFile(to, 'update', (file) => file.sync());
  },
  truncate: (path, length) =>
    withFile(path, 'update', async (file) => {
      await file.truncate(length);
      await file.sync();
    }),
  rename: (from, to) => fs.rename(from, to),
  makeFolder: (path) => fs.mkdir(path, { mode: 0o700 }),
  makeTemporaryFolder: (prefix) => fs.mkdtemp(resolve(tmpdir(), prefix)),
  link: (target, path) => fs.symlink(target, path),
  hardLink: (target, path) => fs.link(target, path),
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  checkWritable: (folder) => fs.access(folder, fs.constants.W_OK | fs.constants.X_OK),
  setMode: (path, mode) => fs.chmod(path, mode),
  give: giveFile,
  async room(folder) {
    const found = await fs.statfs(folder);
    return found.bavail * found.bsize;
  },
  syncFolder,
  lookNow(path) {
    try {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false });
      return found && { identity: `${found.dev}:${found.ino}`, changedMs: Number(found.mtimeNs) / 1e6 };
    } catch {
      return undefined; // a file in a folder's place above, or no right to look any more
    }
  },
  folders: nodeFolders,
  clock: nodeWorld.clock,
  random: nodeWorld.random,
  locks: nodeWorld.locks,
};

/** `code` of a system error or of one of LevelDB's, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
