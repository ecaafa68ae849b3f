// @ts-check
/**
 * The folders of a world on the simulated disk, which has one.
 *
 * SLF1  A durable write is a write and a sync: what that leaves out of `O_DSYNC` (a sync of one range only) is for the engine's own tests.
 * SLF2  `close` waits for calls that are under way, as `FolderFile` promises.
 *
 * @typedef {import('@varve/base/folders').Folders} Folders
 * @typedef {import('@varve/base/folders').FolderFile} FolderFile
 */
import { basename } from 'node:path';

/**
 * @param {import('./disk.mjs').SimulatedDisk} disk
 * @param {string} folder
 * @returns {Folders}
 */
export function foldersOn(disk, folder) {
  /** @param {import('@varve/base/files').OpenFile} file @param {boolean} isDurable @returns {FolderFile} */
  const folderFile = (file, isDurable) => {
    let isOpen = true;
    /** @type {Set<Promise<unknown>>} */
    const underWay = new Set();
    /** @template T @param {Promise<T>} call @returns {Promise<T>} */
    const run = (call) => {
      underWay.add(call);
      const ended = () => void underWay.delete(call);
      call.then(ended, ended);
      return call;
    };
    const write = async (/** @type {readonly Uint8Array[]} */ buffers, /** @type {number} */ position) => {
      const written = await file.write(buffers, position);
      if (isDurable) await file.sync();
      return written;
    };
    return {
      read: (target, offset, length, position) => file.read(target, offset, length, position),
      readLater: (target, position) => run(file.readLater(target, position)),
      write: (buffers, position) => run(write(buffers, position)),
      sync: () => run(file.sync()),
      truncate: (length) => run(file.truncate(length)),
      size: () => file.size(),
      close: async () => {
        while (underWay.size > 0) await Promise.allSettled(underWay);
        if (isOpen) await file.close();
        isOpen = false;
      },
    };
  };
  const inFolder = () => disk.names().filter((name) => name.startsWith(`${folder}/`));
  return {
    absolute: (path) => path,
    open: async (path, mode) => {
      const kind = mode.startsWith('create') ? 'create' : mode === 'read' ? 'read' : 'update';
      return folderFile(await disk.open(path, kind), mode.endsWith('durable'));
    },
    openNow: (path) => folderFile(disk.openNow(path), false),
    details: async (path) => {
      const identity = disk.identity(path);
      if (identity !== undefined) return { kind: 'file', identity, links: 1 };
      return folder.startsWith(path) ? { kind: 'folder', identity: path, links: 1 } : undefined;
    },
    real: async (path) => path,
    names: async () => inFolder().map((name) => basename(name)),
    makeFolder: async () => {},
    rename: (from, to) => disk.rename(from, to),
    remove: async (path) => {
      if (disk.identity(path) !== undefined) await disk.unlink(path);
    },
    syncFolder: () => disk.syncDirectory(),
    checkWritable: async () => {},
    makePrivate: async () => {},
    identityNow: (path) => `${disk.number}:${path}`,
    rights: async () => ({ uid: 0, gid: 0, mode: 0o700 }),
  };
}
