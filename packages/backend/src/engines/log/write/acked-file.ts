/**
 * Keeps the file `ACKED` up to date, behind the commits.
 *
 * LGAK1  One write in flight; it says the newest commit of when it begins. A failure only ends it: nothing depends on it.
 */
import { SLOT_DISTANCE, writeSlot } from '../format/acked.ts';
import { writeAll, type LogFile } from '../files/log-files.ts';

export class AckedFile {
  readonly #handle: LogFile | undefined;
  readonly #storeId: string;
  #slot: 0 | 1;
  #written: number;
  #wanted: number;
  #writing: Promise<void> | undefined;
  #failed = false;

  /** @param handle absent: there is none to be written @param slot that the file says now */
  constructor(handle: LogFile | undefined, storeId: string, commit: number, slot: 0 | 1) {
    this.#handle = handle;
    this.#storeId = storeId;
    this.#written = this.#wanted = commit;
    this.#slot = slot;
  }

  /** That commit is acknowledged now. */
  note(commit: number): void {
    this.#wanted = Math.max(this.#wanted, commit);
    if (this.#wanted <= this.#written || this.#writing !== undefined || this.#failed) return;
    this.#writing = this.#write().then(() => {
      this.#writing = undefined;
    });
  }

  /** Makes it durable. Never rejects. */
  async sync(): Promise<void> {
    try {
      while (this.#writing !== undefined) await this.#writing;
      if (!this.#failed) await this.#handle?.sync();
    } catch {
      this.#failed = true;
    }
  }

  async close(): Promise<void> {
    await this.sync();
    await this.#handle?.close();
  }

  async #write(): Promise<void> {
    try {
      while (this.#wanted > this.#written && this.#handle !== undefined) {
        const commit = this.#wanted;
        const slot = this.#slot === 0 ? 1 : 0;
        await writeAll(this.#handle, [writeSlot(this.#storeId, commit)], slot * SLOT_DISTANCE);
        this.#slot = slot;
        this.#written = commit;
      }
    } catch {
      this.#failed = true;
    }
  }
}
