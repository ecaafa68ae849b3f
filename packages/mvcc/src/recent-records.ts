/**
 * Where the records written last lie in the slabs they were encoded into, by main revision.
 *
 * RR1  Holds whole slabs, oldest first; when they are more than the bound, the oldest goes.
 * RR2  A record that nobody reads costs two small numbers here, and nothing on V8's heap: what writers make dies young. One that was
 *      read is an object from then on, as long as its slab is here.
 * RR3  Only first changes of a transaction; later ones are few, and the record cache takes them as it takes what is read.
 *      `whole` tells of transactions that have no others.
 * RR4  A slab that leaves waits to be taken for the next records, unless somebody was given a view of it (RS3). So do places, which
 *      nobody is given.
 */
import { decodeKeyValue } from './key-value.ts';
import { OBJECTS_BYTES } from './packed-records.ts';
import type { Slab } from './record-slab.ts';
import type { KeyValue } from './store.ts';

interface Segment {
  readonly slab: Slab;
  readonly firstMain: number;
  /** Transactions that it tells of, from `firstMain` on. */
  mainN: number;
  /** Two for each: where the record begins, -1 for none, and where it ends: `~end` if others follow it. Outside of V8's heap. */
  places: Int32Array;
  /** Those that were read. */
  readonly objects: Map<number, KeyValue>;
}

/** Slabs that wait to be taken: one leaves for each that comes, as a rule. */
const MOST_SPARE = 4;
/** For slabs of 64 KiB and records of 250 bytes no more are needed. */
const FIRST_MAINS = 256;

export class RecentRecords {
  readonly #maxBytes: number;
  #segments: Segment[] = [];
  #newest: Segment | undefined;
  #bytes = 0;
  /** Places of a segment that is gone, for the next one (RR4). */
  #spare: Int32Array | undefined;
  readonly #spareSlabs: Slab[] = [];

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  /** The oldest main that may be here; Infinity for none. */
  get oldestMain(): number {
    return this.#segments[0]?.firstMain ?? Infinity;
  }

  /** Notes where the first change of `main`, greater than all before, lies; `isWhole` when it is the only one. */
  add(main: number, slab: Slab, start: number, end: number, isWhole: boolean): void {
    let segment = this.#newest;
    if (segment === undefined || segment.slab !== slab || main - segment.firstMain > slab.bytes.length) {
      segment = this.#open(main, slab);
      if (segment === undefined) return;
    }
    const at = main - segment.firstMain;
    if (at >= segment.places.length / 2) this.#grow(segment, at + 1);
    const { places } = segment;
    if (at > segment.mainN) places.fill(-1, 2 * segment.mainN, 2 * at);
    places[2 * at] = start;
    places[2 * at + 1] = isWhole ? end : ~end;
    segment.mainN = at + 1;
  }

  /** The record, its arrays views of the slab, or `undefined`. */
  get(main: number): KeyValue | undefined {
    const segment = this.#segmentOf(main);
    return segment && (segment.objects.get(main) ?? this.#makeObject(segment, main));
  }

  /** As `get`, and the object is the caller's alone. */
  peek(main: number): KeyValue | undefined {
    const segment = this.#segmentOf(main);
    return segment && (segment.objects.get(main) ?? decode(segment, main));
  }

  /** The bytes of the record of a transaction with one change only, which is a put: a view of the slab. */
  whole(main: number): Uint8Array | undefined {
    const segment = this.#segmentOf(main);
    if (segment === undefined) return undefined;
    const at = 2 * (main - segment.firstMain);
    const end = segment.places[at + 1]!;
    if (end < 0) return undefined;
    segment.slab.isLent = true;
    return segment.slab.bytes.subarray(segment.places[at], end);
  }

  /** A slab that has left and was not lent, once (RR4). */
  takeSpare(): Slab | undefined {
    let slab = this.#spareSlabs.pop();
    // It may have been lent while it waited: transactions that are not visible yet are asked for their changes when they are.
    while (slab?.isLent === true) slab = this.#spareSlabs.pop();
    return slab;
  }

  /**
   * Gives `take` the records of one transaction after another, from `from` on and before `to`, where each lies: until it wants no more, or
   * one has other changes than one put, or is not here.
   */
  eachWhole(
    from: number,
    to: number,
    take: (main: number, slab: Uint8Array, start: number, end: number) => boolean,
  ): void {
    for (
      let segment = this.#segmentOf(from), main = from;
      segment !== undefined && main < to;
      segment = this.#segmentOf(main)
    ) {
      const { slab, firstMain, mainN, places } = segment;
      slab.isLent = true;
      const last = Math.min(to, firstMain + mainN);
      for (; main < last; main++) {
        const start = places[2 * (main - firstMain)]!;
        const end = places[2 * (main - firstMain) + 1]!;
        if (start < 0 || end < 0 || !take(main, slab.bytes, start, end)) return;
      }
    }
  }

  /** The segment that has the record. */
  #segmentOf(main: number): Segment | undefined {
    const segments = this.#segments;
    // Most that is asked for was written long before.
    if (segments.length === 0 || main < segments[0]!.firstMain) return undefined;
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (segments[middle]!.firstMain <= main) low = middle + 1;
      else high = middle;
    }
    const segment = segments[low - 1];
    if (segment === undefined) return undefined;
    const at = main - segment.firstMain;
    return at < segment.mainN && segment.places[2 * at]! >= 0 ? segment : undefined;
  }

  #makeObject(segment: Segment, main: number): KeyValue {
    const kv = decode(segment, main);
    const isOver = this.#bytes + OBJECTS_BYTES > this.#maxBytes;
    // Segments can go to make room for it, but not the newest.
    if (isOver && segment === this.#newest && this.#segments.length === 1) return kv;
    segment.objects.set(main, kv);
    this.#bytes += OBJECTS_BYTES;
    if (isOver) this.#drop();
    return kv;
  }

  #open(main: number, slab: Slab): Segment | undefined {
    const { length } = slab.bytes;
    const placeBytes = 2 * FIRST_MAINS * Int32Array.BYTES_PER_ELEMENT;
    if (length + placeBytes > this.#maxBytes) return undefined;
    const places = this.#spare ?? new Int32Array(2 * FIRST_MAINS);
    this.#spare = undefined;
    const segment = { slab, firstMain: main, mainN: 0, places, objects: new Map<number, KeyValue>() };
    this.#segments.push(segment);
    this.#newest = segment;
    this.#bytes += length + places.byteLength;
    if (this.#bytes > this.#maxBytes) this.#drop();
    return segment;
  }

  #grow(segment: Segment, mainN: number): void {
    const places = new Int32Array(Math.max(2 * segment.places.length, 4 * mainN));
    places.set(segment.places);
    this.#bytes += places.byteLength - segment.places.byteLength;
    segment.places = places;
    if (this.#bytes > this.#maxBytes) this.#drop();
  }

  /** Drops the oldest segments, but for the newest. */
  #drop(): void {
    let dropped = 0;
    for (; this.#bytes > this.#maxBytes && dropped < this.#segments.length - 1; dropped++) {
      const { slab, places, objects } = this.#segments[dropped]!;
      this.#bytes -= slab.bytes.length + places.byteLength + OBJECTS_BYTES * objects.size;
      if (places.length === 2 * FIRST_MAINS) this.#spare = places;
      // Two segments can be of one slab, where revisions are missing.
      const isLast = this.#segments[dropped + 1]!.slab !== slab;
      if (isLast && !slab.isLent && this.#spareSlabs.length < MOST_SPARE) this.#spareSlabs.push(slab);
    }
    if (dropped > 0) this.#segments = this.#segments.slice(dropped);
  }
}

function decode({ slab, firstMain, places }: Segment, main: number): KeyValue {
  const at = 2 * (main - firstMain);
  const end = places[at + 1]!;
  slab.isLent = true;
  return decodeKeyValue(slab.bytes, places[at], end < 0 ? ~end : end);
}
