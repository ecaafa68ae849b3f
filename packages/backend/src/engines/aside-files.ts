/**
 * The files beside a store that has a folder: `NAME.aside`, each written under another name, synced, renamed, the folder synced.
 *
 * ASF1  A name that is temporary is removed by the next open that may write.
 * ASF2  A folder that has been moved away, and its name given to something else, gets nothing.
 */
import type { Folders } from '@varve/base/folders';
import { isAsideName, type Aside } from '../contract/aside.ts';
import { BackendError } from '../contract/errors.ts';
import { errorCode, writeAll } from './log/files/log-files.ts';

export const ASIDE_ENDING = '.aside';
/** Bytes of a read, and of a write. */
const PIECE = 1 << 20;

/** Whether a file of this name in a store's folder is one of these. */
export function isAside(name: string): boolean {
  return name.endsWith(ASIDE_ENDING) && isAsideName(name.slice(0, -ASIDE_ENDING.length));
}

export interface AsidePlace {
  readonly folders: Pick<Folders, 'open' | 'rename' | 'remove' | 'syncFolder'>;
  readonly folder: string;
  readonly id: string;
  readonly readOnly: boolean;
  /** The name of a file that is not whole yet, different at each call. */
  readonly temporary: () => string;
  /** Throws where the folder's name belongs to something else, or the store is closed. */
  readonly require: () => void;
}

export class AsideFiles implements Aside {
  readonly id: string;
  readonly #place: AsidePlace;

  constructor(place: AsidePlace) {
    this.#place = place;
    this.id = place.id;
  }

  async *read(name: string): AsyncGenerator<Uint8Array, void, undefined> {
    const { folders, require } = this.#place;
    require();
    let file;
    try {
      file = await folders.open(this.#path(name), 'read');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    try {
      const length = file.size();
      for (let at = 0; at < length;) {
        const piece = new Uint8Array(Math.min(PIECE, length - at));
        const read = await file.readLater(piece, at);
        if (read === 0) return;
        at += read;
        yield piece.subarray(0, read);
        require();
      }
    } finally {
      await file.close();
    }
  }

  async replace(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.#checkWritable();
    const { folders, folder, require, temporary } = this.#place;
    const path = `${folder}/${temporary()}`;
    const file = await folders.open(path, 'create');
    try {
      let at = 0;
      for await (const piece of pieces) {
        if (piece.length > 0) await writeAll(file, [piece], at);
        at += piece.length;
      }
      await file.sync();
      await file.close();
      require();
      await folders.rename(path, this.#path(name));
    } catch (error) {
      await file.close().catch(() => undefined);
      await folders.remove(path).catch(() => undefined); // the next open does
      throw error;
    }
    await folders.syncFolder(folder);
  }

  async remove(name: string): Promise<void> {
    this.#checkWritable();
    const { folders, folder } = this.#place;
    await folders.remove(this.#path(name));
    await folders.syncFolder(folder);
  }

  #checkWritable(): void {
    const { folder: path, readOnly, require } = this.#place;
    require();
    if (readOnly) throw new BackendError('BACKEND_READ_ONLY', `${path} is open for reading only`, { path });
  }

  #path(name: string): string {
    return `${this.#place.folder}/${name}${ASIDE_ENDING}`;
  }
}
