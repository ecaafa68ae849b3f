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
import type { Pieces } from './pieces.ts';

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

  /** Resolves when the frame is durable, with its bytes. Rejects with the system's error. @param end where it ends */
  async append(pieces: Pieces, end: number): Promise<readonly Uint8Array[]> {
    const frame = pieces.buffers();
    const buffers = [...frame];
    let place = pieces.place;
    if (this.#header !== undefined) {
      buffers.unshift(this.#header);
      place -= HEADER_BYTES;
    }
    const to = Math.ceil((end + 1) / this.#step) * this.#step;
    if (end > this.#zeroed && pieces.length <= LARGE) {
      try {
        await writeAll(this.handle, [...buffers, zeros.subarray(0, to - end)], place);
        this.#zeroed = to;
      } catch (error) {
        if (errorCode(error) !== 'ENOSPC') throw error;
        await this.#write(buffers, place);
      }
    } else {
      await this.#write(buffers, place);
    }
    this.#zeroed = Math.max(this.#zeroed, end);
    this.#header = undefined;
    this.file.end = end;
    return frame;
  }

  async #write(buffers: readonly Uint8Array[], place: number): Promise<void> {
    let from = 0;
    let at = place;
    while (from < buffers.length) {
      let to = from;
      let bytes = 0;
      do bytes += buffers[to++]!.length;
      while (to < buffers.length && bytes + buffers[to]!.length <= MOST_AT_ONCE);
      await writeAll(this.handle, from === 0 && to === buffers.length ? buffers : buffers.slice(from, to), at);
      at += bytes;
      from = to;
    }
  }
}
