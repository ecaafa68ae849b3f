/**
 * The end of the log: frames are appended to the newest segment, each durable once it was answered.
 *
 * LGWR1  One frame is written at a time. A frame that failed is never written again, and nothing behind it.
 * LGWR2  A small frame that passes the end of what is zeroed carries zeros to the next mebibyte in its own write: the frames after it
 *     change no length and no map of blocks, which a sync would have to make durable too. A large one carries none.
 * LGWR3  The medium being full for the zeros is not its being full for the frame: once more without them.
 * LGWR4  The head of a segment goes out with its first frame.
 */
import { HEADER_BYTES } from '../format/segment-header.ts';
import type { LiveFile } from '../files/live-file.ts';
import { errorCode, writeAll, type LogFile } from '../files/log-files.ts';

const MIB = 1 << 20;
/** Frames over this carry no zeros. */
const LARGE = 256 * 1024;
/** Bytes a call at the most. */
const MOST_AT_ONCE = 64 * MIB;
/** Steps of zeros in a segment of the usual size. */
const STEPS = 64;
const SMALLEST_STEP = 512;
const zeros = new Uint8Array(MIB + 1);

export class LogWriter {
  readonly file: LiveFile;
  readonly handle: LogFile;
  /** What precedes the first frame, while that is not written. */
  #header: Uint8Array | undefined;
  /** Zeros go to the next multiple of this. */
  readonly #step: number;
  /** Up to here the file holds frames or zeros. */
  #zeroed: number;

  /** @param zeroed the file's length @param header of a file that has none yet */
  constructor(file: LiveFile, handle: LogFile, zeroed: number, segmentBytes: number, header?: Uint8Array) {
    this.file = file;
    this.#step = Math.max(SMALLEST_STEP, Math.min(Math.floor(segmentBytes / STEPS), MIB));
    this.handle = handle;
    this.#zeroed = zeroed;
    this.#header = header;
  }

  /** Resolves when the frame is durable. Rejects with the system's error. @param frame its bytes, in order @param end where it ends */
  async append(frame: readonly Uint8Array[], place: number, end: number): Promise<void> {
    const header = this.#header;
    const buffers = header === undefined ? frame : [header, ...frame];
    const from = header === undefined ? place : place - HEADER_BYTES;
    if (end > this.#zeroed && end - place <= LARGE) {
      const to = Math.ceil((end + 1) / this.#step) * this.#step;
      try {
        await writeAll(this.handle, [...buffers, zeros.subarray(0, to - end)], from);
        this.#zeroed = to;
      } catch (error) {
        if (errorCode(error) !== 'ENOSPC') throw error;
        await this.#write(buffers, from, end);
      }
    } else {
      await this.#write(buffers, from, end);
    }
    this.#zeroed = Math.max(this.#zeroed, end);
    this.#header = undefined;
    this.file.end = end;
  }

  #write(buffers: readonly Uint8Array[], place: number, end: number): Promise<void> {
    return end - place <= MOST_AT_ONCE ? writeAll(this.handle, buffers, place) : this.#writeInParts(buffers, place);
  }

  async #writeInParts(buffers: readonly Uint8Array[], place: number): Promise<void> {
    let from = 0;
    let at = place;
    while (from < buffers.length) {
      let to = from;
      let bytes = 0;
      do bytes += buffers[to++]!.length;
      while (to < buffers.length && bytes + buffers[to]!.length <= MOST_AT_ONCE);
      await writeAll(this.handle, buffers.slice(from, to), at);
      at += bytes;
      from = to;
    }
  }
}
