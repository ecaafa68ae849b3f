/**
 * Asks whether another process has the store open, and changes nothing in its folder.
 *
 * LevelDB takes its lock before it looks at anything else, but it starts a new info log even before that. So it is
 * shown a folder that holds nothing but a link to the store's `LOCK`: it locks the real file, finds no database, and
 * lets go again. Only for who holds the claim (`claim.ts`): closing the file would drop this process's own lock.
 */
import type { LevelClass } from './driver.ts';
import { asBackendError, lockedError } from './failure.ts';
import { errorCode, type Files } from './files.ts';

/** @throws BackendError `BACKEND_LOCKED`, `BACKEND_READ_ONLY`, `BACKEND_FAILED` */
export async function probeLock(Level: LevelClass, files: Files, path: string): Promise<void> {
  const lock = `${path}/LOCK`;
  if ((await files.length(lock)) === undefined) return; // nobody has opened it since it was copied here
  const lookout = await files.makeTemporaryFolder();
  try {
    await files.link(lock, `${lookout}/LOCK`);
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
    await files.remove(lookout).catch(() => undefined); // an empty folder among the system's temporary ones
  }
}
