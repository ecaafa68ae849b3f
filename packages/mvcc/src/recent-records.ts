/**
 * Where the records written last lie in the slabs they were encoded into, by main revision.
 *
 * RR1  Holds whole slabs, oldest first; when they are more than the bound, the oldest goes.
 * RR2  A record that nobody reads costs two small numbers here, and no object: what writers make dies young.
 * RR3  Only first changes of a transaction; later ones are few, and the record cache takes them as objects. `whole`
 *      tells of transactions that have no others.
 */
interface Segment {
  readonly bytes: Uint8Array;
  readonly firstMain: number;
  /** By main minus `firstMain`: where the record begins, -1 for none, and where it ends: `~end` if others follow it. */
  readonly starts: number[];
  readonly ends: number[];
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

  get bytes(): number {
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

  /** A view of the record, or `undefined`. Whoever keeps it copies it: it keeps a slab alive. */
  get(main: number): Uint8Array | undefined {
    return this.#find(main, false);
  }

  /** As `get`, of transactions with one change only, which is a put. */
  whole(main: number): Uint8Array | undefined {
    return this.#find(main, true);
  }

  #find(main: number, isWhole: boolean): Uint8Array | undefined {
    const segments = this.#segments;
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
    const start = segment.starts[at];
    if (start === undefined || start < 0) return undefined;
    const end = segment.ends[at]!;
    if (end < 0 && isWhole) return undefined;
    return segment.bytes.subarray(start, end < 0 ? ~end : end);
  }

  #open(main: number, bytes: Uint8Array): Segment | undefined {
    if (bytes.length > this.#maxBytes) return undefined;
    const segment = { bytes, firstMain: main, starts: [], ends: [] };
    this.#segments.push(segment);
    this.#newest = segment;
    this.#bytes += bytes.length;
    let dropped = 0;
    for (; this.#bytes > this.#maxBytes && dropped < this.#segments.length - 1; dropped++) {
      const oldest = this.#segments[dropped]!;
      this.#bytes -= oldest.bytes.length + ENTRY_BYTES * oldest.starts.length;
    }
    if (dropped > 0) this.#segments = this.#segments.slice(dropped);
    return segment;
  }
}
