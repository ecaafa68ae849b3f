/**
 * The keys and slots of a leaf as they lie in a block of a saved index, until somebody asks for one of them.
 *
 * SVK1  What is read here was read through when the block came (`load.ts`), so it does not fail.
 * SVK2  A block lives as long as one of its leaves is still like this.
 */
import { byteKeyOf } from '@varve/base/order';
import type { Unread } from './leaf.ts';
import { changeOf, type LifeReader } from './life-reader.ts';
import type { Slot } from './slot.ts';

/** Longer keys make room for themselves. */
const KEY_BYTES = 256;
/** The bytes of the key read last; the next one shares some. */
let keyBytes = new Uint8Array(KEY_BYTES);

export class SavedKeys implements Unread {
  readonly length: number;
  readonly #lives: LifeReader;
  readonly #block: Uint8Array;
  /** Where the first key's life begins, what precedes it in the block, and that key itself. */
  readonly #at: number;
  readonly #main: number;
  readonly #first: string;

  constructor(lives: LifeReader, block: Uint8Array, at: number, main: number, first: string, length: number) {
    this.length = length;
    this.#lives = lives;
    this.#block = block;
    this.#at = at;
    this.#main = main;
    this.#first = first;
  }

  readInto(keys: string[], slots: Slot[]): void {
    const lives = this.#lives;
    const { reader } = lives;
    const block = this.#block;
    const first = this.#first;
    const most = this.length;
    let key = room(first.length);
    for (let n = 0; n < first.length; n++) key[n] = first.charCodeAt(n);
    reader.bytes = block;
    let at = this.#at;
    let main = this.#main;
    for (let i = 0; ; i++) {
      // Nearly all numbers are of one byte, and nearly all keys were put once.
      const coded = block[at + 1]!;
      if (block[at] === 0 && coded < 0x80) {
        main += changeOf(coded);
        slots.push(main); // SLT1
        at += 2;
      } else {
        lives.main = main;
        reader.at = at;
        slots.push(lives.slot());
        ({ at } = reader);
        ({ main } = lives);
      }
      if (i === 0) keys.push(first);
      if (slots.length === most) break;
      let shared = block[at++]!;
      if (shared >= 0x80) {
        reader.at = at - 1;
        shared = reader.number();
        ({ at } = reader);
      }
      let more = block[at++]!;
      if (more >= 0x80) {
        reader.at = at - 1;
        more = reader.number();
        ({ at } = reader);
      }
      const length = shared + more;
      if (length > key.length) key = room(length, shared);
      for (let n = shared; n < length; n++) key[n] = block[at++]!;
      keys.push(byteKeyOf(key, 0, length));
    }
    reader.bytes = NOTHING;
  }
}

const NOTHING = new Uint8Array(0);

/** `keyBytes`, with room for so many, of which the first `kept` stay. */
function room(length: number, kept = 0): Uint8Array<ArrayBuffer> {
  if (length <= keyBytes.length) return keyBytes;
  const larger = new Uint8Array(2 * length);
  larger.set(keyBytes.subarray(0, kept));
  keyBytes = larger;
  return larger;
}
