/**
 * Where a path leads: the absolute name of the file itself.
 *
 * PLC1  Links are followed once, when the file is opened: what is opened, made, locked, kept and replaced is the file, never a
 *       link to it, and a later change of the working directory or of a link changes nothing.
 * PLC2  The kernel reads the path, `..` behind a link included; nothing is shortened here.
 * PLC3  A link that leads to nothing leads to where its file is to be made. Folders are not made: behind a link into a volume
 *       that is not mounted they would be on the wrong disk.
 */
import fsp from 'node:fs/promises';
import path from 'node:path';

/** As many links as the kernel follows. */
const MOST_LINKS = 40;

/** The absolute form of a path, by the working directory of this moment. */
export function absolutePath(given: string): string {
  if (process.platform === 'win32') return path.resolve(given);
  return unended(given.startsWith('/') ? given : `${process.cwd()}/${given}`);
}

function unended(name: string): string {
  return name.replace(/\/+$/, '') || '/';
}

/**
 * The file behind an absolute path, whether it exists or not. What is wrong with the path otherwise, opening it says better.
 * Rejects with ELOOP for links that lead in a circle.
 */
export async function placeOf(absolute: string): Promise<string> {
  let at = absolute;
  for (let links = 0; links <= MOST_LINKS; links++) {
    try {
      return await fsp.realpath(at);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ELOOP') throw circle(absolute, cause);
      if (code !== 'ENOENT') return at;
    }
    const next = await linkTarget(at);
    if (next === undefined) return inRealFolder(at);
    at = next;
  }
  throw circle(absolute, undefined);
}

async function linkTarget(link: string): Promise<string | undefined> {
  try {
    const target = await fsp.readlink(link);
    return unended(path.isAbsolute(target) ? target : `${await fsp.realpath(path.dirname(link))}/${target}`);
  } catch {
    return undefined;
  }
}

async function inRealFolder(file: string): Promise<string> {
  try {
    return path.join(await fsp.realpath(path.dirname(file)), path.basename(file));
  } catch {
    return file;
  }
}

function circle(given: string, cause: unknown): Error {
  return Object.assign(new Error(`${given} is a link that leads nowhere`, { cause }), { code: 'ELOOP' });
}
