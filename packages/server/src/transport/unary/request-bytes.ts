/**
 * What has come of a request, in one buffer.
 *
 * SVRB1  A piece is a view of all that was read from its connection at once, up to 64 KiB: who keeps a byte of it keeps all of that. A
 *     piece stays what it is while it is alone and half of that or more; otherwise it is copied.
 * SVRB2  What is kept is no more than twice the bytes that have come, and `taken` says it; where it is known how many there will be, it
 *     may be room for all of them, once a sixteenth is there: each growth copies what has come. A small first piece lies in Node's pool,
 *     which keeps up to 8 KiB for it; a second one takes it out of there.
 */

/** Of a request that comes in small pieces. */
const LEAST_BYTES = 256;
/** Room for so many times what has come. */
const TIMES = 2;
const TIMES_AHEAD = 16;
const NOTHING = Buffer.alloc(0);

export class RequestBytes {
  #bytes: Buffer = NOTHING;
  size = 0;
  /** Bytes of memory. */
  taken = 0;

  /** What has come, until more is added. */
  get whole(): Buffer {
    return this.#bytes.length === this.size ? this.#bytes : this.#bytes.subarray(0, this.size);
  }

  /** @param most bytes that the request will have, Infinity: not known @param isAhead whether room may be made for more than has come */
  add(piece: Buffer, most: number, isAhead: boolean): void {
    const { size } = this;
    this.size += piece.length;
    if (size === 0) {
      const behind = piece.buffer.byteLength;
      const isMostOfIt = piece.length * 2 >= behind;
      this.#bytes = isMostOfIt ? piece : Buffer.from(piece);
      this.taken = isMostOfIt ? behind : piece.length;
      return;
    }
    if (this.size > this.#bytes.length) this.#grow(size, most, isAhead && most < Infinity ? TIMES_AHEAD : TIMES);
    this.#bytes.set(piece, size);
  }

  #grow(size: number, most: number, times: number): void {
    const wanted = Math.max(times * this.size, LEAST_BYTES);
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.size, Math.min(wanted, most)));
    bytes.set(this.#bytes.subarray(0, size));
    this.#bytes = bytes;
    this.taken = bytes.length;
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.size = 0;
    this.taken = 0;
  }
}
