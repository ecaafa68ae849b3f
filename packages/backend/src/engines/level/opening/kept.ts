/**
 * The store's files as they are before LevelDB gets the folder.
 *
 * LevelDB ignores errors while it reads its logs, and then deletes what it has not read. It deletes tables as well, once it
 * has merged them. So everything that makes up the state gets a second name, in a folder of ours that LevelDB leaves alone,
 * until it has shown that it found all of it; else the files are put back as they were.
 *
 * KP1  A folder `.varve-kept-…` is whole from the rename that gives it that name until the one that takes it away. No commit
 *      begins between the two: whatever becomes of the store meanwhile, putting it back loses nothing.
 * KP2  Putting back may end at any step and begin anew. `CURRENT` comes last, and what is not in it goes after that.
 * KP3  A second name costs a few microseconds and no room. Where there are none (some network and FAT file systems), logs and
 *      MANIFEST are copied, and tables are only looked for where they were.
 * KP4  What is found here when opening was left by who died in between, or by who is about to open: it is put back only when
 *      the files differ, LevelDB's lock is held, and nothing has been acknowledged since.
 */
import { BackendError } from '../../../contract/errors.ts';
import { checkFolder, liveNames, type FolderCheck } from './check-folder.ts';
import { inTurns } from './check-names.ts';
import type { LevelClass } from '../driver.ts';
import { readMark } from '../engine/durable-mark.ts';
import { errorCode, type Files } from '../files.ts';
import { holdLock } from './lock-probe.ts';
import { isNumbered, KEPT, LITTER } from '../names.ts';

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL', 'UNKNOWN']);

/** @returns the folder that holds the state which the check has found */
export async function keep(files: Files, path: string, check: FolderCheck): Promise<string> {
  const unique = files.random.unique();
  const making = `${path}/${LITTER}${unique}`;
  await copyState(files, path, check, making);
  const kept = `${path}/${KEPT}${unique}`;
  await files.rename(making, kept);
  return kept;
}

/** Makes a folder with second names of all the files of a state; on failure there is none. */
export async function copyState(files: Files, path: string, check: FolderCheck, folder: string): Promise<void> {
  await files.makeFolder(folder);
  try {
    const tables = new Set(check.tables);
    await inTurns(liveNames(check), async (name) => {
      try {
        await files.hardLink(`${path}/${name}`, `${folder}/${name}`);
      } catch (error) {
        if (!NO_LINKS.has(errorCode(error) ?? '')) throw error;
        if (!tables.has(name)) await files.copy(`${path}/${name}`, `${folder}/${name}`);
      }
    });
  } catch (error) {
    await files.remove(folder).catch(() => undefined); // litter, for the next open to remove
    throw error;
  }
}

/** Gives up what was kept. From the first step on nobody takes it for whole. */
export async function letGo(files: Files, path: string, kept: string): Promise<void> {
  const litter = `${path}/${LITTER}${files.random.unique()}`;
  await files.rename(kept, litter);
  await files.remove(litter).catch(() => undefined); // litter, for the next open to remove
}

/** Whether every file that was kept is still there under its name. */
async function isInPlace(files: Files, path: string, kept: string): Promise<boolean> {
  for (const name of await files.names(kept)) {
    const [now, then] = await Promise.all([files.details(`${path}/${name}`), files.details(`${kept}/${name}`)]);
    if (now === undefined || now.identity !== then?.identity) return false;
  }
  return true;
}

/**
 * For who holds the store's lock, LevelDB not having it open.
 * @throws BackendError `BACKEND_CORRUPT`, nothing having changed, when a table that could not be kept is gone
 */
async function putBack(files: Files, path: string, kept: string): Promise<void> {
  const live = new Set(liveNames(await checkFolder(files, kept, 'lengths', path)));
  const names = (await files.names(kept)).filter((name) => live.has(name) && name !== 'CURRENT');
  await inTurns(names, (name) => replace(files, `${kept}/${name}`, `${path}/${name}`, path));
  await files.syncFolder(path);
  await replace(files, `${kept}/CURRENT`, `${path}/CURRENT`, path);
  await files.syncFolder(path);
  const gone = (await files.names(path)).filter((name) => isNumbered(name) && !live.has(name));
  await inTurns(gone, (name) => files.remove(`${path}/${name}`));
}

/** Makes `to` a name of the file `from`, in one step. */
async function replace(files: Files, from: string, to: string, path: string): Promise<void> {
  const [wanted, found] = await Promise.all([files.details(from), files.details(to)]);
  if (wanted === undefined || wanted.identity === found?.identity) return;
  const fresh = `${path}/${LITTER}${files.random.unique()}`;
  try {
    await files.hardLink(from, fresh);
  } catch (error) {
    if (!NO_LINKS.has(errorCode(error) ?? '')) throw error;
    await files.copy(from, fresh);
  }
  await files.rename(fresh, to);
}

/**
 * After LevelDB had the folder, and is closed again: makes it as it was, unless somebody has opened it since.
 * @returns whether it is as it was. If not, what was kept stays as long as it is of use, and the next opening does it.
 */
export async function restore(Level: LevelClass, files: Files, path: string, kept: string): Promise<boolean> {
  try {
    if (await isInPlace(files, path, kept)) await letGo(files, path, kept);
    else await putBackLocked(Level, files, path, kept);
    return true;
  } catch {
    return (await files.kind(kept).catch(() => 'folder')) === undefined;
  }
}

/**
 * Puts back what an opening that ended in between has kept.
 * @returns the warning, if anything was put back
 * @throws BackendError `BACKEND_LOCKED`, or `BACKEND_FAILED` when the lock cannot be held
 */
export async function restoreKept(Level: LevelClass, files: Files, path: string): Promise<string | undefined> {
  for (const kept of await keptIn(files, path)) {
    if (await isInPlace(files, path, kept)) continue; // somebody is about to open, or died before LevelDB did anything
    if (!(await putBackLocked(Level, files, path, kept))) continue;
    return `An opening of ${path} had ended before LevelDB was done with it; the files were put back, nothing is lost`;
  }
  return undefined;
}

/** @returns whether it was the newest state, and is there now */
async function putBackLocked(Level: LevelClass, files: Files, path: string, kept: string): Promise<boolean> {
  const release = await holdLock(Level, files, path);
  try {
    // The one who kept it may have been alive, and be done by now.
    const isThere = (await files.kind(kept)) !== undefined;
    if (!isThere || !(await isNewest(files, path, kept))) return false;
    await putBack(files, path, kept);
    await letGo(files, path, kept);
    return true;
  } finally {
    await release();
  }
}

/** What an opening has kept that is over by now: for who has the store open. */
export async function removeKept(files: Files, path: string): Promise<void> {
  for (const kept of await keptIn(files, path)) await letGo(files, path, kept);
}

async function keptIn(files: Files, path: string): Promise<string[]> {
  return (await files.names(path)).filter((name) => name.startsWith(KEPT)).map((name) => `${path}/${name}`);
}

/** Whether what was kept is whole, and nothing has been committed since. */
async function isNewest(files: Files, path: string, kept: string): Promise<boolean> {
  const then = await sequenceOf(files, kept, path);
  if (then === undefined) return false;
  const acknowledged = await readMark(files, path);
  if (typeof acknowledged === 'number' && acknowledged > then) return false;
  const now = await sequenceOf(files, path);
  return now === undefined || now <= then;
}

async function sequenceOf(files: Files, folder: string, elsewhere?: string): Promise<number | undefined> {
  try {
    return (await checkFolder(files, folder, 'parts', elsewhere)).lastSequence;
  } catch (error) {
    if (error instanceof BackendError && error.code === 'BACKEND_CORRUPT') return undefined;
    throw error;
  }
}
