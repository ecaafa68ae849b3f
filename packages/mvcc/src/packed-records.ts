/**
 * Records that were read, as the bytes they are stored in: a queue of slabs, and a table that finds them by revision.
 *
 *   slab   length (4 bytes) | sub and number in the slab (4) | record, padded to a multiple of 8      ... and so on
 *   table  sets of 4 tags and 4 places; a place is the distance from the first record ever, in units of 8 bytes
 *
 * PAC1  A record that is read once is bytes in a slab, nothing that the collector would trace. The object made of it when
 *      it is found again stays beside them, as long as the slab does; its arrays are views of the slab.
 * PAC2  The oldest slab is dropped as a whole, which moves the tail and touches no entry of the table: a place before the
 *      tail holds nothing any more. What is found in the oldest quarter is added again, once there is not much room
 *      left, so what is read often stays.
 * PAC3  A set that is full forgets its oldest record, even one that is read often: the next read brings it back. Revisions
 *      in a row lie in sets in a row.
 * PAC4  Tag and sub tell records apart but for mains that are 2^32 apart: the record itself says its main.
 * PAC5  A record is written once. Whoever keeps a view of one keeps a slab of 16 KiB alive, or its own array if it is long.
 *
 * An object for each record costs twice the bytes, and the time to promote six objects to the old generation.
 */
import { newBlock } from '@varve/base/block';
import { decodeKeyValue } from './key-value.ts';
import type { KeyValue } from './store.ts';

/** The object, two views and the array's slot, on 64 bits. */
export const OBJECTS_BYTES = 352;

const SLAB_BYTES = 16 * 1024;
const SMALLEST_SLAB = 512;
/** A cache has at least so many slabs, unless it is tiny. A record longer than one part in so many is not kept. */
const SLABS = 64;
const LONGEST_PART = 8;
/** Bytes of a cache for each entry of its table: more entries than there are records of the usual few hundred bytes. */
const BYTES_AN_ENTRY = 128;
const WAYS = 4;
const SET_WORDS = 2 * WAYS;
const HEADER_BYTES = 8;
const UNIT_SHIFT = 3;
const NUMBER_BITS = 12;
const MAX_SUB = 2 ** (32 - NUMBER_BITS);
const PLACES = 2 ** 32;

interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  /** By number in the slab. */
  readonly objects: (KeyValue | undefined)[];
  recordN: number;
  objectN: number;
}

const NO_TABLE = new Int32Array(0);

export class PackedRecords {
  #maxBytes: number;
  #heldBytes = 0;
  readonly #slabBytes: number;
  readonly #setMask: number;
  /** In order of age. Each takes the places of `#slabBytes`, however long it is. */
  readonly #slabs: Slab[] = [];
  #table: Int32Array = NO_TABLE;
  /** Places: of the first slab's beginning, and of the next record. Never 0, which is an empty entry. */
  #tail: number;
  #head: number;

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#slabBytes = Math.min(SLAB_BYTES, Math.max(SMALLEST_SLAB, powerOfTwo(maxBytes / SLABS)));
    this.#setMask = Math.max(4, powerOfTwo(maxBytes / BYTES_AN_ENTRY / WAYS)) - 1;
    this.#tail = this.#slabBytes >>> UNIT_SHIFT;
    this.#head = this.#tail;
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
      const at = (place - this.#tail) * 2 ** UNIT_SHIFT;
      const age = Math.floor(at / this.#slabBytes);
      const slab = this.#slabs[age]!;
      const start = at % this.#slabBytes;
      const word = slab.words[(start >>> 2) + 1]!;
      if (word >>> NUMBER_BITS !== sub) continue;
      const number = word % 2 ** NUMBER_BITS;
      const kv = slab.objects[number] ?? (isKept ? this.#makeObject(slab, start, number) : decode(slab, start));
      if (kv.modRevision !== main) continue;
      if (isKept && age < this.#slabs.length >>> 2 && this.#heldBytes > this.#maxBytes / 2)
        this.#addAgain(main, sub, slab, start);
      return kv;
    }
    return undefined;
  }

  /** The slab of the record added last. */
  get newest(): Uint8Array {
    return this.#slabs[this.#slabs.length - 1]!.bytes;
  }

  /** Adds the record that is `source` from `from` to `to`, unless it is too long to be kept: then -1, else where in `newest` it lies. */
  add(main: number, sub: number, source: Uint8Array, from: number, to: number): number {
    const length = to - from;
    const size = (HEADER_BYTES + length + 7) & ~7;
    if (size > this.#maxBytes / LONGEST_PART || sub >= MAX_SUB) return -1;
    let start = (this.#head * 2 ** UNIT_SHIFT) % this.#slabBytes;
    // At 0 the last slab is full to its last byte, or is that of one long record.
    if (start === 0 || start + size > this.#slabBytes || this.#slabs.length === 0) {
      if (!this.#open(Math.max(size, this.#slabBytes))) return -1;
      start = 0;
    }
    const slab = this.#slabs[this.#slabs.length - 1]!;
    slab.words[start >>> 2] = length;
    slab.words[(start >>> 2) + 1] = sub * 2 ** NUMBER_BITS + slab.recordN++;
    slab.bytes.set(length === source.length ? source : source.subarray(from, to), start + HEADER_BYTES);
    this.#note(tagOf(main, sub), this.#head);
    this.#head += Math.min(size, this.#slabBytes) >>> UNIT_SHIFT;
    return start + HEADER_BYTES;
  }

  /** Throws when PAC1, PAC2, PAC3 or the sum of bytes does not hold. For tests. */
  checkInvariants(): void {
    const units = this.#slabBytes >>> UNIT_SHIFT;
    const tags = new Map<number, number>();
    let bytes = this.#table.byteLength;
    let head = this.#tail;
    for (const [age, slab] of this.#slabs.entries()) {
      let start = 0;
      for (let number = 0; number < slab.recordN; number++) {
        const word = slab.words[(start >>> 2) + 1]!;
        const size = (HEADER_BYTES + slab.words[start >>> 2]! + 7) & ~7;
        if (word % 2 ** NUMBER_BITS !== number || start + size > slab.bytes.length)
          throw new Error('PAC1: a torn slab');
        const tag = tagOf(decode(slab, start).modRevision, word >>> NUMBER_BITS);
        tags.set(this.#tail + age * units + (start >>> UNIT_SHIFT), tag);
        start += size;
      }
      head = this.#tail + age * units + (Math.min(start, this.#slabBytes) >>> UNIT_SHIFT);
      const objectN = slab.objects.filter((object) => object !== undefined).length;
      if (objectN !== slab.objectN) throw new Error('PAC1: objects are counted wrong');
      bytes += slab.bytes.length + OBJECTS_BYTES * objectN;
    }
    if (head !== this.#head) throw new Error('PAC2: the next record has the wrong place');
    if (bytes !== this.#heldBytes || bytes > this.#maxBytes) throw new Error('PAC2: the bytes are counted wrong');
    for (let way = 0; way < this.#table.length; way++) {
      const [tag, place] = [this.#table[way]!, this.#table[way + WAYS]! >>> 0];
      if (way % SET_WORDS >= WAYS || place < this.#tail) continue;
      if (tags.get(place) !== tag) throw new Error('PAC3: an entry that is not that of its record');
      if (this.#setOf(tag) !== way - (way % SET_WORDS)) throw new Error('PAC3: an entry in the wrong set');
    }
  }

  #makeObject(slab: Slab, start: number, number: number): KeyValue {
    const kv = decode(slab, start);
    slab.objects[number] = kv;
    slab.objectN++;
    this.#heldBytes += OBJECTS_BYTES;
    if (this.#heldBytes > this.#maxBytes) this.#shrink(this.#maxBytes);
    return kv;
  }

  #addAgain(main: number, sub: number, slab: Slab, start: number): void {
    const from = start + HEADER_BYTES;
    this.add(main, sub, slab.bytes, from, from + slab.words[start >>> 2]!);
  }

  /** Begins a slab of so many bytes. False when there may be none. */
  #open(bytes: number): boolean {
    const units = this.#slabBytes >>> UNIT_SHIFT;
    if (this.#head + 2 * units > PLACES) this.#clear();
    this.#shrink(this.#maxBytes - bytes);
    if (this.#table.length === 0) {
      const table = new Int32Array(SET_WORDS * (this.#setMask + 1));
      if (table.byteLength + bytes > this.#maxBytes) return false;
      this.#table = table;
      this.#heldBytes = table.byteLength;
    }
    this.#head = this.#tail + this.#slabs.length * units;
    this.#slabs.push(newSlab(bytes));
    this.#heldBytes += bytes;
    return true;
  }

  /** Drops the oldest slabs until no more than that is held. */
  #shrink(maxBytes: number): void {
    while (this.#slabs.length > 0 && this.#heldBytes > maxBytes) {
      const { bytes, objectN } = this.#slabs.shift()!;
      this.#heldBytes -= bytes.length + OBJECTS_BYTES * objectN;
      this.#tail += this.#slabBytes >>> UNIT_SHIFT;
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
    this.#table = NO_TABLE;
    this.#heldBytes = 0;
    this.#tail = this.#slabBytes >>> UNIT_SHIFT;
    this.#head = this.#tail;
  }
}

function decode({ bytes, words }: Slab, start: number): KeyValue {
  const from = start + HEADER_BYTES;
  return decodeKeyValue(bytes, from, from + words[start >>> 2]!);
}

function tagOf(main: number, sub: number): number {
  return main ^ Math.imul(sub, 0x9e37_79b1);
}

function powerOfTwo(atMost: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, atMost)));
}

/** Neither zeroed nor part of Node's pool: what is handed out is written first. */
function newSlab(length: number): Slab {
  const { buffer } = newBlock(length);
  return { bytes: new Uint8Array(buffer), words: new Uint32Array(buffer), objects: [], recordN: 0, objectN: 0 };
}
