/**
 * Zeros behind the frames, written beside the commits: a frame that goes into them changes no length and no map of blocks.
 *
 * LGZA1  Never where a frame lies or is being written: what is on its way begins where all zeros end, and a frame that would pass that
 *     place waits for it.
 * LGZA2  Through a descriptor of its own, whose writes are not durable one by one, in small writes, as each holds up the commits of the
 *     file; one sync makes all of them durable.
 * LGZA3  A failure is nobody's, and ends it for this segment: frames go on to carry zeros.
 */
import type { LiveFile } from '../files/live-file.ts';
import { writeAll, type LogFile, type LogFiles } from '../files/log-files.ts';

/** Bytes of a write. */
const PART = 1 << 18;
const zeros = new Uint8Array(PART);

export class ZerosAhead {
  readonly #files: LogFiles;
  readonly #file: LiveFile;
  /** Of the folder: the name may come to belong to something else, which is not to be written to. */
  readonly #identity: string | undefined;
  #running: Promise<void> | undefined;
  #hasFailed = false;

  constructor(files: LogFiles, file: LiveFile) {
    this.#files = files;
    this.#file = file;
    this.#identity = files.identityNow(file.folder);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves once nothing is on its way; never rejects. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** @param done called once they are durable */
  begin(from: number, to: number, done: () => void): void {
    if (this.#hasFailed || this.#running !== undefined) return;
    this.#running = this.#write(from, to)
      .then(done, () => {
        this.#hasFailed = true;
      })
      .then(() => {
        this.#running = undefined;
      });
  }

  async #write(from: number, to: number): Promise<void> {
    const handle = await this.#open();
    try {
      for (let at = from; at < to; at += PART) {
        await writeAll(handle, [zeros.subarray(0, Math.min(PART, to - at))], at);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async #open(): Promise<LogFile> {
    const handle = await this.#files.open(this.#file.path, 'update');
    if (this.#files.identityNow(this.#file.folder) === this.#identity) return handle;
    await handle.close();
    throw new Error('the folder was moved');
  }
}
