/**
 * Whether the name of a store's folder still belongs to the folder that was opened.
 *
 * LevelDB goes by the name: tables, logs and MANIFEST that it makes later land in whatever has the name then, and it removes
 * files there.
 *
 * HF1  Asked before LevelDB is given work and before that is acknowledged, so nothing is acknowledged that lies in another
 *      folder in part. What LevelDB does on its own at the very moment cannot be kept from it.
 * HF2  A name that leads to the same folder, by a link or after it was put back, is as good.
 */
import { BackendError } from '../../../contract/errors.ts';
import type { Files, FolderLook } from '../files.ts';

export class HeldFolder {
  readonly #files: Files;
  readonly #path: string;
  readonly #identity: string;

  /** @param identity as `Files.identity` gives it */
  constructor(files: Files, path: string, identity: string) {
    this.#files = files;
    this.#path = path;
    this.#identity = identity;
  }

  get isInPlace(): boolean {
    return this.#look() !== undefined;
  }

  /** The folder as it is now. @throws BackendError `BACKEND_FAILED` */
  require(): FolderLook {
    const found = this.#look();
    if (found !== undefined) return found;
    const message =
      `The folder ${this.#path} was moved, removed or replaced while it was open as a store. Nothing more is written. ` +
      'Close the store, and open it where it is now';
    throw new BackendError('BACKEND_FAILED', message, { path: this.#path });
  }

  #look(): FolderLook | undefined {
    const found = this.#files.lookNow(this.#path);
    return found?.identity === this.#identity ? found : undefined;
  }
}
