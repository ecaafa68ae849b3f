/**
 * Where the holders of a store meet, and by which paths a socket there can be reached.
 *
 * LO1  Beside a file, in a folder of its name and `.lock`; where that would be longer than a name may be, in one that is
 *     named by a hash of it. Both follow from the file's name alone, so that all who open it find each other.
 * LO2  A socket's path has 108 bytes on Linux and 104 on macOS, its end included, and what is longer is cut off silently.
 *     So the length is known here, and a folder with a longer path is reached another way (`lock-folder.ts`).
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

/** Bytes of a name, on every file system that is in wide use. */
const LONGEST_NAME = 255;
/** Bytes of a socket's path, without the zero at its end. */
const LONGEST_SOCKET_PATH: number = process.platform === 'linux' ? 107 : 103;

/**
 * The folder in which the holders of the file meet.
 * @param path the file's real path, no link in it
 */
export function lockFolderBeside(path: string): string {
  const name = `${basename(path)}.lock`;
  if (Buffer.byteLength(name) <= LONGEST_NAME) return join(dirname(path), name);
  return join(dirname(path), `.varve-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 40)}.lock`);
}

/** Whether a socket can be bound or called by this path. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST_SOCKET_PATH;
}
