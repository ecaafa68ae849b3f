/**
 * Rows of two numbers in chunks of typed arrays.
 *
 * RP1  Rows that were removed are chained through their first numbers and used again; with the last row all memory goes.
 */

const CHUNK_ROWS = 1024;

export class RowPool<Chunk extends Uint32Array | Float64Array> {
  readonly #makeChunk: (length: number) => Chunk;
  #chunks: Chunk[] = [];
  #size = 0;
  /** Rows below are in use or free. */
  #end = 0;
  /** One more than the first free row; 0 for none. */
  #free = 0;

  constructor(makeChunk: (length: number) => Chunk) {
    this.#makeChunk = makeChunk;
  }

  /** Rows in use. */
  get size(): number {
    return this.#size;
  }

  first(row: number): number {
    return this.#chunkOf(row)[placeOf(row)]!;
  }

  second(row: number): number {
    return this.#chunkOf(row)[placeOf(row) + 1]!;
  }

  /** Returns the row, from 0. */
  add(first: number, second: number): number {
    const row = this.#takeRow();
    const chunk = this.#chunkOf(row);
    chunk[placeOf(row)] = first;
    chunk[placeOf(row) + 1] = second;
    this.#size++;
    return row;
  }

  remove(row: number): void {
    if (--this.#size === 0) {
      this.#chunks = [];
      this.#end = 0;
      this.#free = 0;
      return;
    }
    this.#chunkOf(row)[placeOf(row)] = this.#free;
    this.#free = row + 1;
  }

  #takeRow(): number {
    if (this.#free > 0) {
      const row = this.#free - 1;
      this.#free = this.first(row);
      return row;
    }
    if (this.#end === this.#chunks.length * CHUNK_ROWS) this.#chunks.push(this.#makeChunk(2 * CHUNK_ROWS));
    return this.#end++;
  }

  #chunkOf(row: number): Chunk {
    return this.#chunks[Math.floor(row / CHUNK_ROWS)]!;
  }
}

function placeOf(row: number): number {
  return 2 * (row % CHUNK_ROWS);
}
