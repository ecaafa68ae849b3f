/**
 * What is at the path of a store, without changing a byte of it (R36 to R38).
 */
import * as nodePath from 'node:path';
import { corruptError, foreignError } from '../failure.ts';
import { errorCode, type Files } from '../files.ts';
import { isHarmless, isLitter, isTemporary, MARK, MARKER } from '../names.ts';

export interface Located {
  /** Links resolved as far as they go. */
  readonly path: string;
  /** An empty folder holds nothing that says what it is for (`names.ts`). */
  readonly found: 'store' | 'nothing' | 'empty folder';
}

/** @throws BackendError `BACKEND_FOREIGN`, `BACKEND_CORRUPT` for a store that has lost its marker */
export async function locate(files: Files, path: string): Promise<Located> {
  const absolute = nodePath.resolve(path);
  let kind;
  try {
    kind = await files.kind(absolute);
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') throw foreignError(absolute, 'lies below a plain file');
    throw error;
  }
  if (kind === undefined) return { path: await realParent(files, absolute), found: 'nothing' };
  if (kind === 'file') throw foreignError(absolute, 'is a plain file, not a folder');
  if (kind === 'special') throw foreignError(absolute, 'is neither a folder nor a plain file');
  const real = await followed(files, absolute);
  if ((await files.kind(real)) !== 'folder') throw foreignError(absolute, 'is a link to a plain file, not to a folder');
  const names = await files.names(real);
  if (!names.includes(MARKER)) {
    if (names.every((name) => isHarmless(name) || isLitter(name))) return { path: real, found: 'empty folder' };
    if (names.includes(MARK) || names.some(isTemporary)) throw corruptError(`${real}/${MARKER}`, 'it is missing');
    throw foreignError(absolute, `holds files that are not a store's (there is no ${MARKER} among them)`);
  }
  return { path: real, found: 'store' };
}

async function followed(files: Files, path: string): Promise<string> {
  try {
    return await files.real(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP') throw foreignError(path, 'is a dangling link');
    throw error;
  }
}

/** Links among the folders above are resolved, so that one store has one name. */
async function realParent(files: Files, path: string): Promise<string> {
  const parent = nodePath.dirname(path);
  if (parent === path) return path;
  const known =
    (await files.kind(parent)) === undefined ? await realParent(files, parent) : await followed(files, parent);
  return nodePath.join(known, nodePath.basename(path));
}
