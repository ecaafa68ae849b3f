/**
 * Opening regular files, and nothing else.
 *
 * RGF1  What is no file is refused by its look (lstat) before it is opened: the opening of a FIFO waits for its other end and
 *       takes a thread of the pool with it, the opening of a device may do anything.
 * RGF2  Should the name go to something else between the look and the opening, the flags keep that from waiting, links are not
 *       followed, and what was opened is looked at again.
 * RGF3  A new file is made under a name that nobody has, a link that leads nowhere included.
 */
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { NO_FILE, type OpenMode } from '../files.ts';

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
/** Absent on Windows, where links and FIFOs are no part of the file system. */
const CAREFUL = (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NOCTTY ?? 0);
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  update: O_RDWR,
  create: O_RDWR | O_CREAT | O_EXCL,
};
const PRIVATE = 0o600;

/** A descriptor. `create` makes the file, for its owner alone. Rejects with the system's error, or with `NO_FILE`. */
export async function openRegular(filePath: string, mode: OpenMode): Promise<number> {
  if (mode !== 'create') requireFile(await fsp.lstat(filePath), filePath);
  const fd = await new Promise<number>((resolve, reject) =>
    fs.open(filePath, FLAGS[mode] | CAREFUL, PRIVATE, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  try {
    requireFile(fs.fstatSync(fd), filePath);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  return fd;
}

function requireFile(found: fs.Stats, filePath: string): void {
  if (found.isFile()) return;
  throw Object.assign(new Error(`${filePath} is ${kindOf(found)}, not a file`), { code: NO_FILE });
}

function kindOf(found: fs.Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  if (found.isSymbolicLink()) return 'a link';
  return 'a device';
}
