/**
 * Keeps the file `ACKED` up to date, behind the commits.
 *
 * LGAK1  One write in flight; it says the newest commit of when it begins. A failure only ends it: nothing depends on it.
 * LGAK2  It begins a turn after the acknowledgement, or `REST_MS` after the last one began, if that is later: it costs as much as half a
 *     small commit does, and a lone writer commits four thousand times a second. Its first turn passes while the next commit
 *     waits for the medium.
 */
import type { Clock } from '@varve/base/clock';
import type { Turns } from '@varve/base/pace';
import { SLOT_DISTANCE, writeSlot } from '../format/acked.ts';
import { writeAll, type LogFile } from '../files/log-files.ts';

const REST_MS = 10;

/** What it needs of a clock. */
export type AckedClock = Turns & Pick<Clock, 'after'>;

export class AckedFile {
  readonly #clock: AckedClock;
  readonly #handle: LogFile | undefined;
  readonly #storeId: string;
  #slot: 0 | 1;
  #written: number;
  #wanted: number;
  #writing: Promise<void> | undefined;
  #failed = false;
  /** One that was noted is to be written; ends the waiting for that. */
  #stopWaiting: (() => void) | undefined;
  /** When the last write began. */
  #beganMs = Number.NEGATIVE_INFINITY;

  /** @param handle absent: there is none to be written @param slot that the file says now */
  constructor(clock: AckedClock, handle: LogFile | undefined, storeId: string, commit: number, slot: 0 | 1) {
    this.#clock = clock;
    this.#handle = handle;
    this.#storeId = storeId;
    this.#written = this.#wanted = commit;
    this.#slot = slot;
  }

  /** That commit is acknowledged now. */
  note(commit: number): void {
    this.#wanted = Math.max(this.#wanted, commit);
    if (this.#stopWaiting !== undefined || this.#failed) return;
    const restMs = this.#beganMs + REST_MS - this.#clock.now();
    if (restMs > 0) {
      this.#stopWaiting = this.#clock.after(restMs, this.#waited);
    } else {
      this.#stopWaiting = () => undefined;
      void this.#clock.turn().then(this.#waited);
    }
  }

  readonly #waited = (): void => {
    this.#stopWaiting = undefined;
    this.#begin();
  };

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
    this.#stopWaiting?.();
    await this.#handle?.close();
  }

  #begin(): void {
    if (this.#wanted <= this.#written || this.#writing !== undefined || this.#failed || this.#handle === undefined)
      return;
    this.#beganMs = this.#clock.now();
    this.#writing = this.#write(this.#handle, this.#wanted).then(() => {
      this.#writing = undefined;
      if (this.#stopWaiting === undefined) this.#begin();
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
