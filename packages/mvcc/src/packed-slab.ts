/**
 * Bytes with many records in them, of two kinds: filled record by record, or a block that was read and is taken as it is.
 *
 *   filled   length (4 bytes) | sub and number in the slab (4) | record, padded to a multiple of 8      ... and so on
 *   taken    anything; the records lie where `places` says: for each its beginning, its end and its sub
 *
 * PSL1  A unit finds a record: eight bytes of a filled slab, the one where its length is; the number of a record of a taken one.
 * PSL2  A slab is no longer than the units of a place allow, unless it has one record only.
 */
import { newBlock } from '@varve/base/block';
import { decodeKeyValue } from './key-value.ts';
import type { KeyValue } from './store.ts';

export const HEADER_BYTES = 8;
export const UNIT_SHIFT = 3;
const NUMBER_BITS = 12;
export const MAX_SUB: number = 2 ** (32 - NUMBER_BITS);
const PLACE_WORDS = 3;

export class PackedSlab {
  readonly bytes: Uint8Array;
  /** By number in the slab. */
  readonly objects: (KeyValue | undefined)[] = [];
  recordN = 0;
  objectN = 0;
  /** Of a filled slab. */
  readonly #words: Uint32Array;
  /** Of a taken one: its own are from `#first` on. */
  readonly #places: Int32Array | undefined;
  readonly #first: number;
  /** What it keeps alive, objects apart. */
  readonly heldBytes: number;

  private constructor(bytes: Uint8Array, words: Uint32Array, places?: Int32Array, first = 0, placeBytes = 0) {
    this.bytes = bytes;
    this.#words = words;
    this.#places = places;
    this.#first = first;
    this.heldBytes = bytes.length + placeBytes;
  }

  /** One to be filled. Neither zeroed nor part of Node's pool: what is handed out is written first. */
  static empty(length: number): PackedSlab {
    const { buffer } = newBlock(length);
    return new PackedSlab(new Uint8Array(buffer), new Uint32Array(buffer));
  }

  /** @param bytes that nobody changes any more @param mostRecords which will be added */
  static taken(bytes: Uint8Array, mostRecords: number, room: PlaceRoom): PackedSlab {
    const length = PLACE_WORDS * mostRecords;
    const first = room.reserve(length);
    return new PackedSlab(bytes, NO_WORDS, room.places, first, length * Int32Array.BYTES_PER_ELEMENT);
  }

  get isTaken(): boolean {
    return this.#places !== undefined;
  }

  /** Copies a record to `start`, a multiple of 8; returns its first byte. */
  fill(start: number, sub: number, source: Uint8Array, from: number, to: number): number {
    const length = to - from;
    this.#words[start >>> 2] = length;
    this.#words[(start >>> 2) + 1] = sub * 2 ** NUMBER_BITS + this.recordN++;
    this.bytes.set(length === source.length ? source : source.subarray(from, to), start + HEADER_BYTES);
    return start + HEADER_BYTES;
  }

  /** Notes a record of a taken block; returns its unit. */
  place(sub: number, start: number, end: number): number {
    const places = this.#places!;
    const at = this.#first + PLACE_WORDS * this.recordN;
    places[at] = start;
    places[at + 1] = end;
    places[at + 2] = sub;
    return this.recordN++;
  }

  /** The number of the record of that unit; -1 if it has another sub. */
  numberAt(unit: number, sub: number): number {
    if (this.#places !== undefined) return this.#places[this.#first + PLACE_WORDS * unit + 2] === sub ? unit : -1;
    const word = this.#words[2 * unit + 1]!;
    return word >>> NUMBER_BITS === sub ? word % 2 ** NUMBER_BITS : -1;
  }

  subAt(unit: number): number {
    return this.#places === undefined
      ? this.#words[2 * unit + 1]! >>> NUMBER_BITS
      : this.#places[this.#first + PLACE_WORDS * unit + 2]!;
  }

  /** Where the record of that unit begins. */
  start(unit: number): number {
    return this.#places === undefined
      ? (unit << UNIT_SHIFT) + HEADER_BYTES
      : this.#places[this.#first + PLACE_WORDS * unit]!;
  }

  /** Where it ends. */
  end(unit: number): number {
    if (this.#places !== undefined) return this.#places[this.#first + PLACE_WORDS * unit + 1]!;
    return (unit << UNIT_SHIFT) + HEADER_BYTES + this.#words[2 * unit]!;
  }

  /** The record as an object of its own. */
  decode(unit: number): KeyValue {
    return decodeKeyValue(this.bytes, this.start(unit), this.end(unit));
  }
}

const NO_WORDS = new Uint32Array(0);
const ROOM_WORDS = 1 << 13;

/** Room for the places of several taken slabs, which leave together: an array for each would be made and dropped as often as they are. */
export class PlaceRoom {
  places: Int32Array = new Int32Array(0);
  #used = 0;

  /** Where in `places` so many words are free. */
  reserve(words: number): number {
    if (this.#used + words > this.places.length) {
      this.places = new Int32Array(Math.max(words, ROOM_WORDS));
      this.#used = 0;
    }
    const first = this.#used;
    this.#used += words;
    return first;
  }
}

/** Bytes of a record in a filled slab. */
export function filledBytes(length: number): number {
  return (HEADER_BYTES + length + 7) & ~7;
}
