/**
 * Which engine a folder is a store of, without changing a byte of it.
 *
 * FKD1  The marker says it. One that is damaged or missing leaves it to the names beside it, so that the engine whose files they are
 *     says what is wrong, and nothing is made over a store that has lost its marker.
 * FKD2  A folder that holds nothing of ours, or is not there, is no store of any engine, whatever else it holds.
 */
import type { Folders } from '@varve/base/folders';
import { KEPT, MAKING, MARK, MARKER } from './level/names.ts';
import { asBackendError } from './log/failure.ts';
import { errorCode } from './log/files/log-files.ts';
import { ACKED, IMAGE, numbered } from './log/names.ts';
import { markerKind } from './marker-kind.ts';

/** More than any marker has. */
const MARKER_BYTES = 4096;
/** There is no folder, no way to one, or no plain file at the marker's name. What is wrong is the engine's to say. */
const NOTHING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EFTYPE', 'EISDIR', 'ENXIO']);

/**
 * @returns as a marker names it: `level`, `log`, or an engine that is not known here; `undefined` where there is no store
 * @throws BackendError `BACKEND_FAILED`, `BACKEND_READ_ONLY` for what cannot be looked at
 */
export async function folderKind(folders: Folders, asked: string): Promise<string | undefined> {
  try {
    const path = await orUndefined(folders.real(folders.absolute(asked)));
    const names = path === undefined ? undefined : await orUndefined(folders.names(path));
    if (path === undefined || names === undefined) return undefined;
    const isMarked = names.includes(MARKER);
    const text = isMarked ? await orUndefined(readStart(folders, `${path}/${MARKER}`)) : undefined;
    return (text === undefined ? undefined : markerKind(text)) ?? kindByNames(names, isMarked);
  } catch (error) {
    throw asBackendError(error, 'Looking at the folder', asked);
  }
}

/** @param isMarked there is a marker, so LevelDB's own names are a store's, too */
function kindByNames(names: readonly string[], isMarked: boolean): 'level' | 'log' | undefined {
  const isLevels = (name: string): boolean =>
    name === MARK || name.startsWith(MAKING) || name.startsWith(KEPT) || (isMarked && name === 'CURRENT');
  if (names.some(isLevels)) return 'level';
  const isLogs = (name: string): boolean => name === ACKED || name === IMAGE || numbered(name) !== undefined;
  return names.some(isLogs) ? 'log' : undefined;
}

async function readStart(folders: Folders, path: string): Promise<string> {
  const file = await folders.open(path, 'read');
  try {
    const bytes = new Uint8Array(MARKER_BYTES);
    return Buffer.from(bytes.subarray(0, await file.readLater(bytes, 0))).toString('latin1');
  } finally {
    await file.close();
  }
}

async function orUndefined<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (NOTHING.has(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
