/**
 * Who has a store: the claim of this module, the lock that all stores of the project have, and then LevelDB's own `LOCK`.
 *
 * HO1  LevelDB's lock decides between processes, in whatever containers: it lies in the folder itself. But it is not
 *     enough. We look at the files before LevelDB takes it (`open-level.ts`), and others who come and go meanwhile
 *     make them look damaged. And POSIX gives it to a process, not to an open file, and takes it away with the first
 *     descriptor that is closed: a second opener in another thread, which knows nothing of our claim, would get it,
 *     or cost us ours by asking. So the common lock is taken first; it is not shared by threads, and says who has it.
 * HO2  The holders meet beside the folder, so that a copy of it is files and nothing else; where the folder is mounted by
 *     itself, or nothing can be made beside it, in `VARVE.lock` inside.
 * HO3  Where they can meet in neither, LevelDB's lock decides alone.
 * HO4  Who sees the folder under another name, because it was renamed or is mounted twice, meets in another place. LevelDB's
 *     lock keeps other processes out then, and one for the threads of this process keeps its threads out.
 */
import { dirname, join } from 'node:path';
import { lockFolderBeside } from '@varve/base/node/store-lock';
import { claim } from './claim.ts';
import { lockedError } from '../failure.ts';
import type { Files } from '../files.ts';

/** The one name in a store's folder that is a folder. */
export const LOCK_FOLDER = 'VARVE.lock';

export interface Hold {
  /** Of the folder, as `Files.identity` gives it. */
  readonly identity: string;
  /** Gives all of it back; further calls do nothing. */
  readonly release: () => void;
}

/** @throws BackendError `BACKEND_LOCKED` */
export async function hold(files: Pick<Files, 'identity' | 'rights' | 'locks'>, path: string): Promise<Hold> {
  const identity = await files.identity(path);
  const claimed = claim(identity, path);
  let release = claimed;
  try {
    const thread = await files.locks.takeThreadLock(identity);
    if (thread === 'busy') throw lockedError(path, undefined, `this process (${process.pid})`);
    if (thread !== 'impossible') {
      release = () => {
        thread.release();
        claimed();
      };
    }
    const inside = join(path, LOCK_FOLDER);
    const isMounted = deviceOf(await files.identity(dirname(path))) !== deviceOf(identity);
    const rights = await files.rights(path);
    for (const folder of isMounted ? [inside] : [lockFolderBeside(path), inside]) {
      const answer = await files.locks.takeStoreLock({ folder, thing: 0n, rights });
      if (answer.kind === 'busy') throw lockedError(path, undefined, answer.holder);
      if (answer.kind !== 'held') continue;
      const releaseBoth = (): void => {
        answer.lock.release();
        release();
      };
      return { identity, release: releaseBoth };
    }
    return { identity, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** @param identity as `Files.identity` gives it */
function deviceOf(identity: string): string | undefined {
  return identity.split(':')[0];
}
