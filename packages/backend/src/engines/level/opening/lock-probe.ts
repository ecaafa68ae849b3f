/**
 * Asks whether another process has the store open, and changes nothing in its folder.
 *
 * LevelDB takes its lock before it looks at anything else, but it starts a new info log even before that. So it is
 * shown a folder that holds nothing but a link to the store's `LOCK`: it locks the real file, finds no database, and
 * lets go again. Only for who holds the claim (`claim.ts`): closing the file would drop this process's own lock.
 *
 * LP1  That folder is one of the system's temporary ones; where there is none, or no right to make symbolic links, it
 *     lies beside the store.
 */
import * as nodePath from 'node:path';
import { BackendError } from '../../../contract/errors.ts';
import type { LevelClass } from '../driver.ts';
import { asBackendError, lockedError } from '../failure.ts';
import { errorCode, type Files } from '../files.ts';

/**
 * @returns why it cannot be asked, no folder for it being to be had; `undefined` when nobody has the store open
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_READ_ONLY`, `BACKEND_FAILED`
 */
export async function probeLock(Level: LevelClass, files: Files, path: string): Promise<Error | undefined> {
  const lock = `${path}/LOCK`;
  if ((await files.length(lock)) === undefined) return undefined; // nobody has opened it since it was copied here
  let lookout: string;
  try {
    lookout = await makeLookout(files, path, lock);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  try {
    const level = new Level(lookout, { createIfMissing: false });
    try {
      await level.open({ createIfMissing: false });
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (errorCode(cause) === 'LEVEL_LOCKED') throw lockedError(path, cause);
      if (errorCode(cause) === 'LEVEL_IO_ERROR') throw asBackendError(error, 'Locking', path);
    } finally {
      await level.close();
    }
  } finally {
    await files.remove(lookout).catch(() => undefined); // a folder with nothing in it, in nobody's way
  }
  return undefined;
}

/**
 * For who would change the store, or call it damaged, and must know that it is nobody's at this moment.
 * @param why what would be done, as the end of a sentence
 * @throws BackendError as `probeLock` does, and `BACKEND_FAILED` when it cannot be asked
 */
export async function requireUnlocked(Level: LevelClass, files: Files, path: string, why: string): Promise<void> {
  const cause = await probeLock(Level, files, path);
  if (cause !== undefined) throw cannotAsk(path, why, cause);
}

/**
 * Takes the store's lock and keeps it, for who changes a folder that LevelDB does not have open: with a database of its
 * own in the folder that is shown to it, LevelDB stays there.
 *
 * It is this process's lock: LevelDB must not open the store before it is given back, or closing would drop its lock.
 * @returns gives it back
 * @throws BackendError as `requireUnlocked` does
 */
export async function holdLock(Level: LevelClass, files: Files, path: string): Promise<() => Promise<void>> {
  const lock = `${path}/LOCK`;
  if ((await files.length(lock)) === undefined) await files.write(lock, new Uint8Array(0));
  let lookout: string;
  try {
    lookout = await makeLookout(files, path, lock);
  } catch (error) {
    throw cannotAsk(path, 'its files are to be put back as they were', error);
  }
  const level = new Level(lookout);
  const release = async (): Promise<void> => {
    try {
      await level.close();
    } finally {
      await files.remove(lookout).catch(() => undefined); // in nobody's way
    }
  };
  try {
    await level.open();
  } catch (error) {
    await release();
    const cause = error instanceof Error ? error.cause : undefined;
    throw errorCode(cause) === 'LEVEL_LOCKED' ? lockedError(path, cause) : asBackendError(error, 'Locking', path);
  }
  return release;
}

function cannotAsk(path: string, why: string, cause: unknown): BackendError {
  const words = cause instanceof Error ? cause.message : String(cause);
  const message =
    `${path}: ${why}, and whether another process has it open cannot be asked: there is no temporary folder ` +
    `(${words}), and none can be made beside the store. Make one that can be written, or name it in TMPDIR`;
  return new BackendError('BACKEND_FAILED', message, { cause, path });
}

/** @throws the system's error about its own temporary folder */
async function makeLookout(files: Files, path: string, lock: string): Promise<string> {
  const beside = nodePath.join(nodePath.dirname(path), '.varve-lock-'); // whatever the store is called, that is no longer than a name may be
  let first: unknown;
  const ways = [
    ['varve-', 'link'],
    [beside, 'link'],
    [beside, 'hardLink'],
  ] as const;
  for (const [prefix, link] of ways) {
    let folder: string | undefined;
    try {
      folder = await files.makeTemporaryFolder(prefix);
      await files[link](lock, `${folder}/LOCK`);
      return folder;
    } catch (error) {
      first ??= error;
      if (folder !== undefined) await files.remove(folder).catch(() => undefined);
    }
  }
  throw first;
}
