/**
 * Opening a store, in this order: what is there, the lock, a making where there is nothing, every name, the marker, what the files say,
 * and only then what has to be changed.
 *
 * LGOP1  Until what the files say was found sound nothing in a store is changed.
 * LGOP2  Everything that was taken is given back when a later step fails.
 * LGOP3  For reading only, nothing is taken and nothing is changed; a store that somebody writes is refused. What is read is kept
 *     open, so who writes later disturbs no reader.
 */
import { dirname } from 'node:path';
import { BackendError } from '../../../contract/errors.ts';
import { asBackendError, lockedError } from '../failure.ts';
import { OpenFiles } from '../files/live-file.ts';
import { errorCode, type LogFiles } from '../files/log-files.ts';
import { MARKER_BYTES, readMarker } from '../format/marker.ts';
import { LogEngine } from '../log-engine.ts';
import { MARKER } from '../names.ts';
import { withFile, type LoadOptions } from './load-files.ts';
import { checkNames, createStore, locate, lookInside, makeFolders } from './place.ts';
import { recover } from './recover.ts';
import { settle } from './settle.ts';

export interface LogSettings {
  readonly create: boolean;
  readonly readOnly: boolean;
  readonly verify: boolean;
  readonly segmentBytes: number;
}

/** @throws BackendError */
export async function openLog(files: LogFiles, asked: string, settings: LogSettings): Promise<LogEngine> {
  try {
    const { path, found } = await locate(files, asked);
    if (settings.readOnly) {
      if (found !== 'store') throw notFound(path, 'it is opened for reading only');
      const holder = await files.holder(path);
      if (holder !== undefined) throw lockedError(path, holder);
      return await openFound(files, path, settings, () => undefined);
    }
    if (found !== 'store' && !settings.create) throw notFound(path, 'create is false');
    await makeFolders(files, path);
    const { release } = await files.hold(path);
    try {
      // Somebody else may have made it before the lock was ours.
      if ((await lookInside(files, path)) !== 'store') await createStore(files, path);
      await files.checkWritable(path);
      return await openFound(files, path, settings, release);
    } catch (error) {
      release();
      throw error;
    }
  } catch (error) {
    throw asBackendError(error, 'Opening the store', asked);
  }
}

function notFound(path: string, why: string): BackendError {
  return new BackendError('BACKEND_NOT_FOUND', `There is no store at ${path}, and ${why}`, { path });
}

async function openFound(
  files: LogFiles,
  path: string,
  settings: LogSettings,
  release: () => void,
): Promise<LogEngine> {
  const names = await checkNames(files, path);
  const storeId = readMarker(await textOf(files, `${path}/${MARKER}`), path);
  const warnings: string[] = [];
  const options: LoadOptions = { files, folder: path, storeId, verify: settings.verify, warnings };
  const found = await recover(options, names, settings.readOnly);
  const openFiles = new OpenFiles(files);
  let settled;
  if (settings.readOnly) {
    for (const file of found.state.files) openFiles.of(file);
  } else {
    // Whoever made the store may have died, or failed, before its own name was durable.
    await files.syncFolder(dirname(path)).catch((error: unknown) => {
      // A folder that we may not read, or that cannot be written at all, was not changed by us.
      if (!['EACCES', 'EPERM', 'EROFS', 'EINVAL'].includes(errorCode(error) ?? '')) throw error;
    });
    settled = await settle(files, path, storeId, found, names, warnings, settings.segmentBytes);
  }
  return new LogEngine({
    files,
    openFiles,
    folder: path,
    storeId,
    state: found.state,
    writer: settled?.writer,
    acked: settled?.acked,
    withoutFooter: found.state.files.filter((file) => file !== found.active && file.footerBytes === 0),
    nextFile: found.nextFile,
    imageCommit: found.imageCommit,
    imageBytes: found.imageBytes,
    logBytes: found.logBytes,
    segmentBytes: settings.segmentBytes,
    warnings,
    release,
  });
}

async function textOf(files: LogFiles, path: string): Promise<string> {
  return withFile(files, path, async (handle) => {
    const bytes = new Uint8Array(MARKER_BYTES);
    return Buffer.from(bytes.subarray(0, await handle.readLater(bytes, 0))).toString('latin1');
  });
}
