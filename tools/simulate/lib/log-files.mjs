// @ts-check
/**
 * The files of a log store on the simulated disk, which has one folder.
 *
 * SLF1  A durable write is a write and a sync: what that leaves out of `O_DSYNC` (a sync of one range only) is for the engine's own tests.
 *
 * @typedef {import('@varve/backend/log').LogFiles} LogFiles
 * @typedef {import('@varve/backend/log').LogFile} LogFile
 */
import { basename } from 'node:path';

/**
 * @param {import('./disk.mjs').SimulatedDisk} disk
 * @param {string} folder
 * @param {import('../../run/random.mjs').Random} random
 * @returns {LogFiles}
 */
export function logFilesOn(disk, folder, random) {
  /** @param {import('@varve/base/files').OpenFile} file @param {boolean} isDurable @returns {LogFile} */
  const logFile = (file, isDurable) => {
    let isOpen = true;
    return {
      read: (target, offset, length, position) => file.read(target, offset, length, position),
      readLater: (target, position) => file.readLater(target, position),
      write: async (buffers, position) => {
        const written = await file.write(buffers, position);
        if (isDurable) await file.sync();
        return written;
      },
      sync: () => file.sync(),
      truncate: (length) => file.truncate(length),
      size: () => file.size(),
      close: async () => {
        if (isOpen) await file.close();
        isOpen = false;
      },
    };
  };
  const inFolder = () => disk.names().filter((name) => name.startsWith(`${folder}/`));
  return {
    open: async (path, mode) => {
      const kind = mode.startsWith('create') ? 'create' : mode === 'read' ? 'read' : 'update';
      return logFile(await disk.open(path, kind), mode.endsWith('durable'));
    },
    openNow: (path) => logFile(disk.openNow(path), false),
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
    identityNow: () => folder,
    hold: async () => ({ release: () => {} }),
    holder: async () => undefined,
    random: (length) => Uint8Array.from({ length }, () => random.below(256)),
  };
}
