/**
 * What was written last, as it lies in memory: gets of it read no file.
 *
 * LGRB1  Views of what was given to the file, of one segment, so many bytes at most: a block that the store encoded into stays as it is
 *     (`Changes`) as long as this holds it. Whoever reads checks it as bytes of a file, and turns to the file where it does not fit.
 * LGRB2  A block of which a reader was given a view is held for good: nobody tells when the reader has done with it.
 */
import type { LiveFile } from '../files/live-file.ts';

const MOST_BYTES = 4 << 20;

interface Piece {
  readonly place: number;
  readonly bytes: Uint8Array;
}

export class RecentBlocks {
  #file: LiveFile | undefined;
  #pieces: Piece[] = [];
  /** Of pieces that are let go, which stand before the others until they are many. */
  #gone = 0;
  #bytes = 0;
  readonly #given = new WeakSet<ArrayBufferLike>();

  /** @param place of the first in the file; the others follow it */
  add(file: LiveFile, place: number, buffers: readonly Uint8Array[]): void {
    if (file !== this.#file) this.clear();
    this.#file = file;
    let at = place;
    for (const bytes of buffers) {
      this.#pieces.push({ place: at, bytes });
      at += bytes.length;
    }
    this.#bytes += at - place;
    while (this.#bytes > MOST_BYTES) {
      this.#bytes -= this.#pieces[this.#gone]!.bytes.length;
      this.#gone += 1;
    }
    if (this.#gone * 2 <= this.#pieces.length) return;
    this.#pieces = this.#pieces.slice(this.#gone);
    this.#gone = 0;
  }

  clear(): void {
    this.#file = undefined;
    this.#pieces = [];
    this.#gone = this.#bytes = 0;
  }

  /** A reader is given a view of this piece. */
  gave(piece: Piece): void {
    this.#given.add(piece.bytes.buffer);
  }

  /** Whether anything of the block may be read here, or by those who were given views. */
  holds({ buffer }: Uint8Array): boolean {
    if (this.#given.has(buffer)) return true;
    for (let i = this.#gone; i < this.#pieces.length; i += 1) if (this.#pieces[i]!.bytes.buffer === buffer) return true;
    return false;
  }

  /** The piece in which a row lies whole. */
  find(file: LiveFile, place: number, length: number): Piece | undefined {
    if (file !== this.#file) return undefined;
    const pieces = this.#pieces;
    let low = this.#gone;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pieces[middle]!.place <= place) low = middle + 1;
      else high = middle;
    }
    if (low === this.#gone) return undefined;
    const found = pieces[low - 1]!;
    return place + length <= found.place + found.bytes.length ? found : undefined;
  }
}
