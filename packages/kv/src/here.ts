/**
 * What a relative path means: the working directory of the moment it was given, however long it takes to get to the files.
 */
import { isAbsolute, resolve } from 'node:path';

/** The absolute form of a path; what is no path stays as it is, for who checks it. Only Windows' `..` is shortened: the kernel reads others. */
export function fromHere(path: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0') || isAbsolute(path)) return path;
  return process.platform === 'win32' ? resolve(path) : `${process.cwd()}/${path}`;
}
