/**
 * Where a path leads. The only file of this engine that touches the file system itself.
 *
 * P1  Links are followed once, when the store is opened: a file that is replaced as a whole must not replace the link to
 *     it, and a change of the working directory must not change which file is meant.
 */
import { lstat, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
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

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}
