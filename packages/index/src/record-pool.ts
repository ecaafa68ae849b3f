/**
 * Records of 8 to 128 words of 32 bits, in chunks of typed arrays: memory that the collector neither follows nor moves.
 *
 * RCP1  A chunk holds records of one size. What is removed there is chained through its first word and used again.
 * RCP2  A chunk goes with its last record. Nothing is put any more into a chunk that was there at the last `renew`: who then moves all
 *     records gives back what those of before have left free. The words of a few are kept for the next chunk, whatever its size.
 * RCP3  A place is the number of the chunk and that of the record in it, below 2^30. When there are no more, nothing is added.
 *
 * No etcd counterpart.
 */

/** 64 KiB: of a million records some thousand objects are left. A size begins with less. */
const CHUNK_WORDS = 1 << 14;
const FIRST_WORDS = 1 << 8;
/** Each a half or a third more than the one before: so much is left free, at most. */
const SIZES = [8, 12, 16, 24, 32, 48, 64, 96, 128] as const;
/** Words of the largest record. */
export const MOST_WORDS = 128;
const RECORD_BITS = 11;
const RECORD_MASK = (1 << RECORD_BITS) - 1;
const MOST_CHUNKS = 1 << (30 - RECORD_BITS);
/** Half a mebibyte. */
const MOST_SPARE = 8;

export class Chunk {
  readonly words: Uint32Array;
  /** Words of each record. */
  readonly size: number;
  used = 0;
  /** Records below were in use at some time. */
  end = 0;
  /** One more than the first free record; 0 for none. */
  free = 0;
  /** RCP2. */
  isSealed = false;
  /** Whether the pool knows that there is room. */
  isListed = false;

  constructor(words: Uint32Array, size: number) {
    this.words = words;
    this.size = size;
  }

  /** Where the record begins in `words`. */
  startOf(place: number): number {
    return (place & RECORD_MASK) * this.size;
  }

  get hasRoom(): boolean {
    return this.free > 0 || (this.end + 1) * this.size <= this.words.length;
  }
}

/** What there is of one size. */
class Shelf {
  /** Number of the chunk that is filled; -1 for none. */
  current = -1;
  /** Numbers of other chunks that may have room, each once. */
  readonly others: number[] = [];
  words = 0;
}

export class RecordPool {
  #chunks: (Chunk | undefined)[] = [];
  /** Numbers of chunks that are gone. */
  #gaps: number[] = [];
  readonly #shelves: readonly Shelf[] = SIZES.map(() => new Shelf());
  /** Words of chunks that are gone, each of `CHUNK_WORDS`. */
  #spare: Uint32Array[] = [];
  #size = 0;

  /** Records in use. */
  get size(): number {
    return this.#size;
  }

  chunkOf(place: number): Chunk {
    return this.#chunks[place >>> RECORD_BITS]!;
  }

  /** A record of at least so many words, filled with anything; -1 where there is no place left. @param words up to `MOST_WORDS` */
  add(words: number): number {
    const number = this.#withRoom(shelfOf[words]!);
    if (number < 0) return -1;
    const chunk = this.#chunks[number]!;
    let record = chunk.free - 1;
    if (record >= 0) chunk.free = chunk.words[record * chunk.size]!;
    else record = chunk.end++;
    chunk.used++;
    this.#size++;
    return (number << RECORD_BITS) + record;
  }

  remove(place: number): void {
    const number = place >>> RECORD_BITS;
    const chunk = this.#chunks[number]!;
    const shelf = this.#shelves[shelfOf[chunk.size]!]!;
    this.#size--;
    if (--chunk.used === 0) {
      this.#chunks[number] = undefined;
      this.#gaps.push(number);
      shelf.words -= chunk.words.length;
      if (chunk.words.length === CHUNK_WORDS && this.#spare.length < MOST_SPARE) this.#spare.push(chunk.words);
      if (shelf.current === number) shelf.current = -1;
      if (this.#size === 0) this.#clear();
      return;
    }
    const record = place & RECORD_MASK;
    chunk.words[record * chunk.size] = chunk.free;
    chunk.free = record + 1;
    if (chunk.isSealed || chunk.isListed || shelf.current === number) return;
    chunk.isListed = true;
    shelf.others.push(number);
  }

  /** RCP2. */
  renew(): void {
    for (const chunk of this.#chunks) if (chunk !== undefined) chunk.isSealed = true;
    for (const shelf of this.#shelves) {
      shelf.current = -1;
      shelf.others.length = 0;
    }
  }

  /** @returns the number of a chunk with room, -1 for none */
  #withRoom(at: number): number {
    const shelf = this.#shelves[at]!;
    if (shelf.current >= 0 && this.#chunks[shelf.current]!.hasRoom) return shelf.current;
    for (let number = shelf.others.pop(); number !== undefined; number = shelf.others.pop()) {
      const chunk = this.#chunks[number];
      // The number may be another chunk's by now.
      if (chunk === undefined || chunk.size !== SIZES[at] || chunk.isSealed) continue;
      chunk.isListed = false;
      if (chunk.hasRoom) return (shelf.current = number);
    }
    return (shelf.current = this.#newChunk(shelf, SIZES[at]!));
  }

  #newChunk(shelf: Shelf, size: number): number {
    const number = this.#gaps.pop() ?? this.#chunks.length;
    if (number >= MOST_CHUNKS) return -1;
    const length = Math.min(CHUNK_WORDS, Math.max(FIRST_WORDS, shelf.words));
    const spare = length === CHUNK_WORDS ? this.#spare.pop() : undefined;
    const chunk = new Chunk(spare ?? new Uint32Array(length), size);
    shelf.words += chunk.words.length;
    this.#chunks[number] = chunk;
    return number;
  }

  #clear(): void {
    this.#chunks = [];
    this.#gaps = [];
    this.#spare = [];
    for (const shelf of this.#shelves) {
      shelf.current = -1;
      shelf.others.length = 0;
    }
  }
}

/** By words: the smallest size that holds them. */
const shelfOf = Uint8Array.from({ length: MOST_WORDS + 1 }, (_, words) => SIZES.findIndex((size) => size >= words));
