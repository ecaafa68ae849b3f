/**
 * Where the records written last lie in the slabs they were encoded into, by main revision.
 *
 * RR1  Holds whole slabs, oldest first; when they are more than the bound, the oldest goes.
 * RR2  A record that nobody reads costs two small numbers here, and no object: what writers make dies young. One that was
 *      read is an object from then on, as long as its slab is here.
 * RR3  Only first changes of a transaction; later ones are few, and the record cache takes them as it takes what is read.
 *      `whole` tells of transactions that have no others.
 */
import { decodeKeyValue } from './key-value.ts';
import { OBJECTS_BYTES } from './packed-records.ts';
import type { KeyValue } from './store.ts';

interface Segment {
  readonly bytes: Uint8Array;
  readonly firstMain: number;
  /** By main minus `firstMain`: where the record begins, -1 for none, and where it ends: `~end` if others follow it. */
  readonly starts: number[];
  readonly ends: number[];
  /** Those that were read. */
  readonly objects: Map<number, KeyValue>;
}

/** Two numbers in two arrays. */
const ENTRY_BYTES = 16;

export class RecentRecords {
  readonly #maxBytes: number;
  #segments: Segment[] = [];
  #newest: Segment | undefined;
  #bytes = 0;

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
  add(main: number, slab: Uint8Array, start: number, end: number, isWhole: boolean): void {
    let segment = this.#newest;
    if (segment === undefined || segment.bytes !== slab || main - segment.firstMain > slab.length) {
      segment = this.#open(main, slab);
      if (segment === undefined) return;
    }
    const { starts, ends } = segment;
    for (let gap = main - segment.firstMain - starts.length; gap > 0; gap--) {
      starts.push(-1);
      ends.push(-1);
      this.#bytes += ENTRY_BYTES;
    }
    starts.push(start);
    ends.push(isWhole ? end : ~end);
    this.#bytes += ENTRY_BYTES;
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
    const at = main - segment.firstMain;
    const end = segment.ends[at]!;
    return end < 0 ? undefined : segment.bytes.subarray(segment.starts[at], end);
  }

  /** The segment that has the record. */
  #segmentOf(main: number): Segment | undefined {
    const segments = this.#segments;
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (segments[middle]!.firstMain <= main) low = middle + 1;
      else high = middle;
    }
    const segment = segments[low - 1];
    const start = segment?.starts[main - segment.firstMain];
    return start === undefined || start < 0 ? undefined : segment;
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

  #open(main: number, bytes: Uint8Array): Segment | undefined {
    if (bytes.length > this.#maxBytes) return undefined;
    const segment = { bytes, firstMain: main, starts: [], ends: [], objects: new Map<number, KeyValue>() };
    this.#segments.push(segment);
    this.#newest = segment;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#drop();
    return segment;
  }

  /** Drops the oldest segments, but for the newest. */
  #drop(): void {
    let dropped = 0;
    for (; this.#bytes > this.#maxBytes && dropped < this.#segments.length - 1; dropped++) {
      const { bytes, starts, objects } = this.#segments[dropped]!;
      this.#bytes -= bytes.length + ENTRY_BYTES * starts.length + OBJECTS_BYTES * objects.size;
    }
    if (dropped > 0) this.#segments = this.#segments.slice(dropped);
  }
}

function decode({ bytes, firstMain, starts, ends }: Segment, main: number): KeyValue {
  const end = ends[main - firstMain]!;
  return decodeKeyValue(bytes, starts[main - firstMain], end < 0 ? ~end : end);
}
