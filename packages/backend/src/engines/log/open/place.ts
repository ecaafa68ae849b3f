/**
 * What is at the path of a store, without changing a byte of it, and making one where there is nothing.
 *
 * LGPL1  There is a store where there is a marker. The marker gets its name last, so a making that was cut short leaves files that are
 *     known by their names and hold no commit; it is made anew. Other files of ours without a marker are a store that has lost it.
 * LGPL2  Made under the lock: of several processes that make the same store one does, and the others find it.
 * LGPL3  Every name of the store is a plain file: links and devices are refused before anything is opened.
 */
import { dirname } from 'node:path';
import { placeOfFolder } from '../../folder-place.ts';
import { corruptError, foreignError } from '../failure.ts';
import { errorCode, writeAll, type LogFiles } from '../files/log-files.ts';
import { SLOT_DISTANCE, writeSlot } from '../format/acked.ts';
import { markerText } from '../format/marker.ts';
import { HEADER_BYTES, writeHeader } from '../format/segment-header.ts';
import { ACKED, fileName, isHarmless, isOfStore, isTemporary, LOCK, MARKER, TEMPORARY } from '../names.ts';

export interface Located {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly found: 'store' | 'nothing' | 'empty folder';
}

const FIRST = fileName(1, 'log');

/** @throws BackendError `BACKEND_FOREIGN`, `BACKEND_CORRUPT` for a store that has lost its marker */
export async function locate(files: LogFiles, asked: string): Promise<Located> {
  const { path, isThere } = await placeOfFolder(files, files.absolute(asked));
  if (!isThere) return { path, found: 'nothing' };
  return { path, found: await lookInside(files, path) };
}

/** @throws as `locate` */
export async function lookInside(files: LogFiles, path: string): Promise<'store' | 'empty folder'> {
  const names = (await files.names(path)).filter((name) => !isHarmless(name) && name !== LOCK && !isTemporary(name));
  if (names.includes(MARKER)) return 'store';
  const others = names.filter((name) => name !== FIRST && name !== ACKED);
  const isForeign =
    others.some((name) => !isOfStore(name)) || (names.includes(ACKED) && (await isOther(files, `${path}/${ACKED}`)));
  const isOurs = others.length > 0 || (names.includes(FIRST) && !(await isUnborn(files, `${path}/${FIRST}`)));
  if (!isForeign && !isOurs) return 'empty folder';
  // Who makes it holds the lock, and who only looks does not: what was seen may be of a moment ago (LGPL2).
  if ((await files.names(path)).includes(MARKER)) return 'store';
  if (isForeign) throw foreignError(path, `holds files that are not a store's (there is no ${MARKER} among them)`);
  throw corruptError(`${path}/${MARKER}`, 'it is missing');
}

/** False for what has gone meanwhile. */
async function isOther(files: LogFiles, path: string): Promise<boolean> {
  const found = await files.details(path);
  return found !== undefined && found.kind !== 'file';
}

/** True for what has gone meanwhile: somebody makes it anew. */
async function isUnborn(files: LogFiles, path: string): Promise<boolean> {
  if (await isOther(files, path)) return false;
  let handle;
  try {
    handle = await files.open(path, 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
  try {
    return handle.size() <= HEADER_BYTES;
  } finally {
    await handle.close();
  }
}

/** The folder itself and those above it, durably. Somebody else's being faster is fine. */
export async function makeFolders(files: LogFiles, path: string): Promise<void> {
  if ((await files.details(path)) !== undefined) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(files, parent);
  try {
    await files.makeFolder(path);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    throw error;
  }
  await files.syncFolder(parent);
}

/** Makes a store in a folder that `lookInside` calls empty. For who holds its lock. */
export async function createStore(files: LogFiles, path: string): Promise<void> {
  const hex = (length: number): string => Buffer.from(files.random(length)).toString('hex');
  const storeId = hex(8);
  const salt = new DataView(Uint8Array.from(files.random(4)).buffer).getUint32(0);
  for (const name of await files.names(path)) {
    if (isTemporary(name) || name === FIRST || name === ACKED) await files.remove(`${path}/${name}`);
  }
  const header = { kind: 'log', number: 1, storeId, salt, firstCommit: 1, endBefore: 0 } as const;
  await writeFile(files, `${path}/${FIRST}`, [writeHeader(header)]);
  const slots = [writeSlot(storeId, 0), new Uint8Array(SLOT_DISTANCE)];
  await writeFile(files, `${path}/${ACKED}`, slots);
  const marker = `${path}/${TEMPORARY}marker-${hex(6)}`;
  await writeFile(files, marker, [Buffer.from(markerText(storeId))]);
  await files.syncFolder(path);
  await files.makePrivate(path);
  await files.rename(marker, `${path}/${MARKER}`);
  await files.syncFolder(path);
}

async function writeFile(files: LogFiles, path: string, buffers: readonly Uint8Array[]): Promise<void> {
  const handle = await files.open(path, 'create');
  try {
    await writeAll(handle, buffers, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws BackendError `BACKEND_CORRUPT`, which names the file */
export async function checkNames(files: LogFiles, path: string): Promise<readonly string[]> {
  const names = await files.names(path);
  for (const name of names) {
    if (!isOfStore(name) && !isTemporary(name)) continue;
    const kind = (await files.details(`${path}/${name}`))?.kind;
    if (kind === undefined || kind === 'file') continue;
    throw corruptError(
      `${path}/${name}`,
      `it is a ${kind === 'special' ? 'device' : kind}, and a store has only files of its own`,
    );
  }
  return names;
}
