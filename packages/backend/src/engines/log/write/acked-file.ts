/**
 * Keeps the file `ACKED` up to date, behind the commits.
 *
 * LGAK1  One write in flight; it says the newest commit of when it begins. A failure only ends it: nothing depends on it.
 * LGAK2  It begins a turn after the acknowledgement: handing a write to another thread takes tens of microseconds, and
 *     these are to pass while the next commit waits for the medium.
 */
import type { Turns } from '@varve/base/pace';
import { SLOT_DISTANCE, writeSlot } from '../format/acked.ts';
import { writeAll, type LogFile } from '../files/log-files.ts';

export class AckedFile {
  readonly #clock: Turns;
  readonly #handle: LogFile | undefined;
  readonly #storeId: string;
  #slot: 0 | 1;
  #written: number;
  #wanted: number;
  #writing: Promise<void> | undefined;
  #failed = false;
  #turning = false;

  /** @param handle absent: there is none to be written @param slot that the file says now */
  constructor(clock: Turns, handle: LogFile | undefined, storeId: string, commit: number, slot: 0 | 1) {
    this.#clock = clock;
    this.#handle = handle;
    this.#storeId = storeId;
    this.#written = this.#wanted = commit;
    this.#slot = slot;
  }

  /** That commit is acknowledged now. */
  note(commit: number): void {
    this.#wanted = Math.max(this.#wanted, commit);
    if (this.#turning || this.#failed) return;
    this.#turning = true;
    void this.#clock.turn().then(() => {
      this.#turning = false;
      this.#begin();
    });
  }

  /** Makes durable that this commit is acknowledged, and those that were noted. Never rejects. */
  async sync(commit: number = this.#wanted): Promise<void> {
    this.#wanted = Math.max(this.#wanted, commit);
    try {
      for (this.#begin(); this.#writing !== undefined; this.#begin()) await this.#writing;
      if (!this.#failed) await this.#handle?.sync();
    } catch {
      this.#failed = true;
    }
  }

  async close(): Promise<void> {
    await this.sync();
    await this.#handle?.close();
  }

  #begin(): void {
    if (this.#wanted <= this.#written || this.#writing !== undefined || this.#failed || this.#handle === undefined)
      return;
    this.#writing = this.#write(this.#handle, this.#wanted).then(() => {
      this.#writing = undefined;
      if (!this.#turning) this.#begin();
    });
  }

  async #write(handle: LogFile, commit: number): Promise<void> {
    try {
      const slot = this.#slot === 0 ? 1 : 0;
      await writeAll(handle, [writeSlot(this.#storeId, commit)], slot * SLOT_DISTANCE);
      this.#slot = slot;
      this.#written = commit;
    } catch {
      this.#failed = true;
    }
  }
}
