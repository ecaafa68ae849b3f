/**
 * The folders above a file. The only file of this engine that touches the file system itself.
 *
 * PLA1  A change of the working directory while the file is being opened must not change which file is meant.
 * PLA2  The kernel reads the path, `..` behind a link included. Links are followed by who opens the file; behind one that leads
 *     to nothing no folder is made.
 */
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { BackendError } from '../../contract/errors.ts';

/** The absolute form of a path, by the working directory of this moment. */
export function absolutePath(path: string): string {
  if (process.platform === 'win32') return resolve(path);
  return (isAbsolute(path) ? path : `${process.cwd()}/${path}`).replace(/\/+$/, '') || '/';
}

/**
 * Makes the folders above the file that are missing, durably, for the owner alone. What is no folder is left to who opens
 * the file: that says it better.
 * @throws BackendError `BACKEND_READ_ONLY`, `BACKEND_FAILED`
 */
export async function makeParents(place: string, path: string): Promise<void> {
  try {
    await makeFolder(dirname(place));
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return;
    const isRefused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
    const message = `The folders above ${path} cannot be made: ${code}. Make them, or choose another path`;
    throw new BackendError(isRefused ? 'BACKEND_READ_ONLY' : 'BACKEND_FAILED', message, { cause, path });
  }
}

async function makeFolder(path: string): Promise<void> {
  if (await exists(path)) return;
  const parent = dirname(path);
  await makeFolder(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return; // somebody else was faster
    throw error;
  }
  if (process.platform === 'win32') return; // names are durable there, and folders cannot be opened
  const handle = await open(parent, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
