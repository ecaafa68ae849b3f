/**
 * Where a path leads. The only file of this engine that touches the file system itself.
 *
 * P1  Links are followed once, when the store is opened: a file that is replaced as a whole must not replace the link to
 *     it, and a change of the working directory must not change which file is meant.
 */
import { lstat, mkdir, open, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BackendError } from '../errors.ts';

/**
 * The file behind the path, or the absolute path where there is nothing yet.
 * @throws BackendError `BACKEND_FOREIGN` for a link that leads nowhere (R36)
 */
export async function placeOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ELOOP' || (code === 'ENOENT' && (await isLink(absolute)))) {
      const message = `${path} is a link that leads nowhere; it was left as it is. Choose another path`;
      throw new BackendError('BACKEND_FOREIGN', message, { cause, path });
    }
    // Whatever else is wrong with it, opening it says better.
    return absolute;
  }
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

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}
