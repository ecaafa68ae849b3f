/**
 * Leaves the store's files to their owner (R126): LevelDB makes them as the process's umask has it, mostly for all to read.
 *
 * PR1  Each new name is seen to once; names that LevelDB uses for another file at every opening, each time.
 * PR2  They belong to the folder's owner, who must be able to open the store also after root has had it open.
 * PR3  A file with a second name is somebody else's as well, whose rights those are too (XE1).
 * PR4  It is a matter of the folder first, which is the owner's alone when it was made here. Where the rights are somebody
 *      else's to give, files stay as they are.
 */
import { inTurns } from './check-names.ts';
import type { Files } from '../files.ts';
import { isNumbered, isOfStore } from '../names.ts';

export class PrivateFiles {
  readonly #files: Files;
  readonly #path: string;
  #seen: ReadonlySet<string> = new Set();

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** LevelDB has just opened the folder, or made files. Never rejects. */
  async see(): Promise<void> {
    const files = this.#files;
    try {
      const { uid, gid } = await files.rights(this.#path);
      const isShared = process.geteuid !== undefined && process.geteuid() !== uid;
      const names = (await files.names(this.#path)).filter(isOfStore);
      await inTurns(
        names.filter((name) => !this.#seen.has(name)),
        async (name) => {
          const path = `${this.#path}/${name}`;
          const found = await files.details(path);
          if (found?.kind !== 'file' || found.links > 1) return;
          if (isShared) await files.give(path, uid, gid).catch(() => undefined); // not ours to give
          if (found.isPrivate) return;
          await files.setMode(path, 0o600).catch(() => undefined);
        },
      );
      this.#seen = new Set(names.filter(isNumbered));
    } catch {
      // It is asked again when the folder has changed.
    }
  }
}
