/**
 * Putting a new file in the place of another one, on Node's file system.
 *
 * RPL1  The new file gets owner, group and mode of the old one before it gets the name (R126). Access control lists and
 *       extended attributes cannot be seen from here and are lost.
 * RPL2  What would make it impossible, or would tear apart what belongs together, is known before any work; but for the right
 *       to give a file away, which only the attempt shows.
 */
import fs from 'node:fs';
import path from 'node:path';

const RIGHTS = 0o7777;

/** Why the file of this name cannot be replaced, as the end of a sentence; `undefined` if nothing is known against it. */
export function obstacleTo(filePath: string): string | undefined {
  const found = fs.lstatSync(filePath, { throwIfNoEntry: false });
  if (found === undefined) return undefined; // whoever is about to replace it asks whether it is still there
  if (found.nlink > 1)
    return `it has ${found.nlink} names (hard links), and the others would keep the old contents: remove them first`;
  if (isMountPoint(filePath))
    return 'it is mounted as a single file, and a mounted name cannot go to another file: mount its folder instead';
  return undefined;
}

/** Gives `from` the name `to`, and with it owner, group and mode of the file that had it. Same tick. */
export function takeName(from: string, to: string): void {
  const old = fs.lstatSync(to, { throwIfNoEntry: false });
  if (old !== undefined && process.platform !== 'win32') giveRights(from, old);
  fs.renameSync(from, to);
}

function giveRights(from: string, old: fs.Stats): void {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const fd = fs.openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = fs.fstatSync(fd);
    const changesOwner = found.uid !== old.uid || found.gid !== old.gid;
    if (changesOwner) giveAway(fd, old);
    // Last: a change of owner takes some rights away.
    if (changesOwner || found.mode !== old.mode) fs.fchmodSync(fd, old.mode & RIGHTS);
  } finally {
    fs.closeSync(fd);
  }
}

function giveAway(fd: number, { uid, gid }: fs.Stats): void {
  try {
    fs.fchownSync(fd, uid, gid);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `the new file cannot be given owner and group of the old one (${code}): do it as the owner, or as root`;
    throw Object.assign(new Error(message, { cause }), { code });
  }
}

/** Linux tells; elsewhere the rename fails with EBUSY. */
function isMountPoint(filePath: string): boolean {
  let table: string;
  try {
    table = fs.readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return false;
  }
  const wanted = path.resolve(filePath);
  return table.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === wanted);
}

/** The kernel writes blanks, line ends and backslashes of a name in octal. */
function unescaped(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
