/**
 * Records that were read, as the bytes they are stored in: a queue of slabs, and a table that finds them by revision.
 *
 *   slab   see packed-slab.ts
 *   table  sets of 4 tags and 4 places; a place is the distance from the first record ever, in units of 8 bytes
 *
 * PAC1  A record that is read once is bytes in a slab, nothing that the collector would trace. What is found there once more is
 *      given and forgotten; the object made of it the next time stays, as long as the slab does; its arrays are views of the slab.
 *      (Ranges over more than the cache holds find much once: the collector would copy each object twice before it dies.)
 * PAC2  The oldest slab is dropped as a whole, which moves the tail and touches no entry of the table: a place before the
 *      tail holds nothing any more. What is found in the oldest quarter is added again, once there is not much room
 *      left, so what is read often stays.
 * PAC3  A set that is full forgets its oldest record, even one that is read often: the next read brings it back. Revisions
 *      in a row lie in sets in a row.
 * PAC4  Tag and sub tell records apart but for mains that are 2^32 apart: the record itself says its main.
 * PAC5  A record is written once. Whoever keeps a view of one keeps a slab of 16 KiB alive, its own array if it is long, or the
 *      block of at most 64 KiB that it was read with.
 * PAC6  A block that is nearly all records becomes a slab as it is: a range that is read once is never copied. Each slab takes the
 *      places of `#slabBytes`, however long it is.
 *
 * An object for each record costs twice the bytes, and the time to promote six objects to the old generation.
 */
import { filledBytes, MAX_SUB, PackedSlab, PlaceRoom, UNIT_SHIFT } from './packed-slab.ts';
import { NO_BYTES } from './key-value.ts';
import type { KeyValue } from './store.ts';

/** The object, two views and the array's slot, on 64 bits. */
export const OBJECTS_BYTES = 352;

const SLAB_BYTES = 16 * 1024;
const SMALLEST_SLAB = 512;
/** A cache has at least so many slabs, unless it is tiny. A record longer than one part in so many is not kept. */
const SLABS = 64;
const LONGEST_PART = 8;
/** A longer block is not taken. */
const LONGEST_BLOCK = 64 * 1024;
/** Bytes of a cache for each entry of its table: more entries than there are records of the usual few hundred bytes. */
const BYTES_AN_ENTRY = 128;
const WAYS = 4;
const SET_WORDS = 2 * WAYS;
const PLACES = 2 ** 32;

const NO_TABLE = new Int32Array(0);
/** Stands for the object of a record that was found once. */
const FOUND: KeyValue = Object.freeze({
  key: NO_BYTES,
  value: NO_BYTES,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  lease: 0n,
});

export class PackedRecords {
  #maxBytes: number;
  #heldBytes = 0;
  readonly #slabBytes: number;
  /** Places of a slab. */
  readonly #units: number;
  readonly #setMask: number;
  /** In order of age. */
  readonly #slabs: PackedSlab[] = [];
  #table: Int32Array = NO_TABLE;
  /** The place of the first slab's beginning. Never 0, which is an empty entry. */
  #tail: number;
  /** The slab that is being filled, its first place, and the bytes of it in use. */
  #filled: PackedSlab | undefined;
  #filledPlace = 0;
  #filledBytes = 0;
  readonly #places = new PlaceRoom();
  /** The block that was taken last, and its first place. */
  #taken: PackedSlab | undefined;
  #takenPlace = 0;

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#slabBytes = Math.min(SLAB_BYTES, Math.max(SMALLEST_SLAB, powerOfTwo(maxBytes / SLABS)));
    this.#units = this.#slabBytes >>> UNIT_SHIFT;
    this.#setMask = Math.max(4, powerOfTwo(maxBytes / BYTES_AN_ENTRY / WAYS)) - 1;
    this.#tail = this.#units;
  }

  /** Bytes held, whether used or not, and objects. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Sets what may be held, at most what the constructor was told, and keeps to it. */
  limit(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    if (this.#heldBytes > maxBytes) this.#shrink(maxBytes);
  }

  get(main: number, sub: number): KeyValue | undefined {
    return this.#find(main, sub, true);
  }

  /** As `get`, and nothing is made or moved for those who come later. */
  peek(main: number, sub: number): KeyValue | undefined {
    return this.#find(main, sub, false);
  }

  #find(main: number, sub: number, isKept: boolean): KeyValue | undefined {
    const table = this.#table;
    if (table.length === 0) return undefined;
    const tag = tagOf(main, sub);
    const set = this.#setOf(tag);
    for (let way = set; way < set + WAYS; way++) {
      if (table[way] !== tag) continue;
      const place = table[way + WAYS]! >>> 0;
      if (place < this.#tail) continue;
      const age = Math.floor((place - this.#tail) / this.#units);
      const slab = this.#slabs[age]!;
      const unit = (place - this.#tail) % this.#units;
      const number = slab.numberAt(unit, sub);
      if (number < 0) continue;
      const held = slab.objects[number];
      const kv = held === undefined || held === FOUND ? this.#object(slab, unit, number, isKept) : held;
      if (kv.modRevision !== main) continue;
      if (isKept && age < this.#slabs.length >>> 2 && this.#heldBytes > this.#maxBytes / 2)
        this.add(main, sub, slab.bytes, slab.start(unit), slab.end(unit));
      return kv;
    }
    return undefined;
  }

  /** The slab of the record that `add` added last. */
  get newest(): Uint8Array {
    return this.#filled!.bytes;
  }

  /** Adds the record that is `source` from `from` to `to`, unless it is too long to be kept: then -1, else where in `newest` it lies. */
  add(main: number, sub: number, source: Uint8Array, from: number, to: number): number {
    const size = filledBytes(to - from);
    if (size > this.#maxBytes / LONGEST_PART || sub >= MAX_SUB) return -1;
    let slab = this.#filled;
    if (slab === undefined || this.#filledBytes + size > slab.bytes.length) {
      slab = PackedSlab.empty(Math.max(size, this.#slabBytes));
      const place = this.#push(slab);
      if (place < 0) return -1;
      this.#filled = slab;
      this.#filledPlace = place;
      this.#filledBytes = 0;
    }
    const start = this.#filledBytes;
    this.#filledBytes += size;
    this.#note(tagOf(main, sub), this.#filledPlace + (start >>> UNIT_SHIFT));
    return slab.fill(start, sub, source, from, to);
  }

  /**
   * Takes a block as it is, so that `addTaken` adds up to so many records of it; false where it does not.
   * @param block the whole of its buffer, which nobody changes any more
   */
  take(block: Uint8Array, recordN: number): boolean {
    const isTooLong = block.length > LONGEST_BLOCK || block.length > this.#maxBytes / LONGEST_PART;
    if (isTooLong || recordN > this.#units) return false;
    const slab = PackedSlab.taken(block, recordN, this.#places);
    const place = this.#push(slab);
    if (place < 0) return false;
    this.#taken = slab;
    this.#takenPlace = place;
    return true;
  }

  /** Adds a record of the block that was taken last, from `start` to `end`. */
  addTaken(main: number, sub: number, start: number, end: number): void {
    // The slab may have gone since, to make room for objects.
    if (this.#taken === undefined || sub >= MAX_SUB) return;
    this.#note(tagOf(main, sub), this.#takenPlace + this.#taken.place(sub, start, end));
  }

  /** Throws when PAC1, PAC2, PAC3, PAC6 or the sum of bytes does not hold. For tests. */
  checkInvariants(): void {
    const tags = new Map<number, number>();
    let bytes = this.#table.byteLength;
    for (const [age, slab] of this.#slabs.entries()) {
      let unit = 0;
      for (let number = 0; number < slab.recordN; number++) {
        const end = slab.end(unit);
        if (slab.numberAt(unit, slab.subAt(unit)) !== number || end > slab.bytes.length)
          throw new Error('PAC1: a torn slab');
        tags.set(this.#tail + age * this.#units + unit, tagOf(slab.decode(unit).modRevision, slab.subAt(unit)));
        unit += slab.isTaken ? 1 : filledBytes(end - slab.start(unit)) >>> UNIT_SHIFT;
      }
      if (slab === this.#filled) {
        if (this.#tail + age * this.#units !== this.#filledPlace || unit !== this.#filledBytes >>> UNIT_SHIFT)
          throw new Error('PAC2: the next record has the wrong place');
      }
      const objectN = slab.objects.filter((object) => object !== undefined && object !== FOUND).length;
      if (objectN !== slab.objectN) throw new Error('PAC1: objects are counted wrong');
      bytes += slab.heldBytes + OBJECTS_BYTES * objectN;
    }
    for (const slab of [this.#filled, this.#taken]) {
      if (slab !== undefined && !this.#slabs.includes(slab)) throw new Error('PAC2: a slab that is gone is added to');
    }
    if (bytes !== this.#heldBytes || bytes > this.#maxBytes) throw new Error('PAC2: the bytes are counted wrong');
    for (let way = 0; way < this.#table.length; way++) {
      const [tag, place] = [this.#table[way]!, this.#table[way + WAYS]! >>> 0];
      if (way % SET_WORDS >= WAYS || place < this.#tail) continue;
      if (tags.get(place) !== tag) throw new Error('PAC3: an entry that is not that of its record');
      if (this.#setOf(tag) !== way - (way % SET_WORDS)) throw new Error('PAC3: an entry in the wrong set');
    }
  }

  /** The record as an object, which stays from the second time on (PAC1). */
  #object(slab: PackedSlab, unit: number, number: number, isKept: boolean): KeyValue {
    const kv = slab.decode(unit);
    if (!isKept) return kv;
    if (slab.objects[number] === undefined) {
      slab.objects[number] = FOUND;
      return kv;
    }
    slab.objects[number] = kv;
    slab.objectN++;
    this.#heldBytes += OBJECTS_BYTES;
    if (this.#heldBytes > this.#maxBytes) this.#shrink(this.#maxBytes);
    return kv;
  }

  /** Adds a slab, which is the newest: the place of its beginning, or -1 when there may be none. */
  #push(slab: PackedSlab): number {
    const { heldBytes } = slab;
    if (this.#tail + (this.#slabs.length + 2) * this.#units > PLACES) this.#clear();
    this.#shrink(this.#maxBytes - heldBytes);
    if (this.#table.length === 0) {
      const table = new Int32Array(SET_WORDS * (this.#setMask + 1));
      if (table.byteLength + heldBytes > this.#maxBytes) return -1;
      this.#table = table;
      this.#heldBytes = table.byteLength;
    }
    this.#heldBytes += heldBytes;
    return this.#tail + (this.#slabs.push(slab) - 1) * this.#units;
  }

  /** Drops the oldest slabs until no more than that is held. */
  #shrink(maxBytes: number): void {
    while (this.#slabs.length > 0 && this.#heldBytes > maxBytes) {
      const slab = this.#slabs.shift()!;
      this.#heldBytes -= slab.heldBytes + OBJECTS_BYTES * slab.objectN;
      this.#tail += this.#units;
      if (slab === this.#filled) this.#filled = undefined;
      if (slab === this.#taken) this.#taken = undefined;
    }
    if (this.#slabs.length === 0) this.#clear();
  }

  #note(tag: number, place: number): void {
    const table = this.#table;
    const set = this.#setOf(tag);
    let oldest = set;
    for (let way = set; way < set + WAYS; way++) {
      if (table[way] === tag) {
        oldest = way;
        break;
      }
      if (table[way + WAYS]! >>> 0 < table[oldest + WAYS]! >>> 0) oldest = way;
    }
    table[oldest] = tag;
    table[oldest + WAYS] = place;
  }

  #setOf(tag: number): number {
    // The upper bits too, for revisions that are a power of two apart.
    return ((tag ^ (tag >>> 15)) & this.#setMask) * SET_WORDS;
  }

  #clear(): void {
    this.#slabs.length = 0;
    this.#filled = undefined;
    this.#taken = undefined;
    this.#table = NO_TABLE;
    this.#heldBytes = 0;
    this.#tail = this.#units;
  }
}

function tagOf(main: number, sub: number): number {
  return main ^ Math.imul(sub, 0x9e37_79b1);
}

function powerOfTwo(atMost: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, atMost)));
}
