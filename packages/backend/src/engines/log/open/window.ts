/** A part of a file in memory, moved along as it is read. Rejects with the system's error: what cannot be read is not damage. */
import type { LogFile } from '../files/log-files.ts';

const STEP = 1 << 20;

export class Window {
  readonly #handle: LogFile;
  readonly size: number;
  bytes: Uint8Array = new Uint8Array(0);
  /** Where in the file `bytes` begin. */
  from = 0;

  constructor(handle: LogFile) {
    this.#handle = handle;
    this.size = handle.size();
  }

  /** Whether the file has so many bytes at `place`; they are in `bytes` then, at `place - from`. */
  async holds(place: number, length: number): Promise<boolean> {
    if (place + length > this.size) return false;
    if (place >= this.from && place + length <= this.from + this.bytes.length) return true;
    const wanted = Math.min(Math.max(length, STEP), this.size - place);
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(wanted).buffer);
    const read = await this.#handle.readLater(bytes, place);
    this.bytes = bytes.subarray(0, read);
    this.from = place;
    return read >= length;
  }
}
