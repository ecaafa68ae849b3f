/**
 * Where the folder of a store really is, without changing a byte: the same for both engines that have one.
 *
 * FDP1  Links are followed, those among the folders above, too, so that one store has one name.
 * FDP2  What is at the path and is no folder is refused, and left as it is.
 */
import type { Folders } from '@varve/base/folders';
import { basename, dirname, join } from 'node:path';
import { foreignError } from './log/failure.ts';
import { errorCode } from './log/files/log-files.ts';

type Looks = Pick<Folders, 'details' | 'real'>;

/** @throws BackendError `BACKEND_FOREIGN` for what is no folder, and leads to none */
export async function placeOfFolder(
  files: Looks,
  absolute: string,
): Promise<{ readonly path: string; readonly isThere: boolean }> {
  let details;
  try {
    details = await files.details(absolute);
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') throw foreignError(absolute, 'lies below a plain file');
    throw error;
  }
  if (details === undefined) return { path: await realParent(files, absolute), isThere: false };
  if (details.kind === 'file') throw foreignError(absolute, 'is a plain file, not a folder');
  if (details.kind === 'special') throw foreignError(absolute, 'is neither a folder nor a plain file');
  const path = await followed(files, absolute);
  if ((await files.details(path))?.kind !== 'folder')
    throw foreignError(absolute, 'is a link to a plain file, not to a folder');
  return { path, isThere: true };
}

async function followed(files: Looks, path: string): Promise<string> {
  try {
    return await files.real(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP') throw foreignError(path, 'is a dangling link');
    throw error;
  }
}

async function realParent(files: Looks, path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path) return path;
  const isThere = (await files.details(parent)) !== undefined;
  return join(isThere ? await followed(files, parent) : await realParent(files, parent), basename(path));
}
