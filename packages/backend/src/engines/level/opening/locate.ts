/**
 * What is at the path of a store, without changing a byte of it (R36 to R38).
 */
import * as nodePath from 'node:path';
import { placeOfFolder } from '../../folder-place.ts';
import { corruptError, foreignError } from '../failure.ts';
import type { Files } from '../files.ts';
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
  const { path: real, isThere } = await placeOfFolder(files, absolute);
  if (!isThere) return { path: real, found: 'nothing' };
  const names = await files.names(real);
  if (!names.includes(MARKER)) {
    if (names.every((name) => isHarmless(name) || isLitter(name))) return { path: real, found: 'empty folder' };
    if (names.includes(MARK) || names.some(isTemporary)) throw corruptError(`${real}/${MARKER}`, 'it is missing');
    throw foreignError(absolute, `holds files that are not a store's (there is no ${MARKER} among them)`);
  }
  return { path: real, found: 'store' };
}
