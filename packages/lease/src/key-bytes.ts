/**
 * The bytes of keys, in chains of small chunks of one size: what one key leaves any other can take, whatever its length.
 *
 *   chunk   | next chunk (4) | 12 bytes |
 *
 * KB1  A key of n bytes takes 16 bytes for each 12 of it, and at least one chunk.
 * KB2  Chunks lie in pages that never move; a free one is the head of a chain of free ones.
 */

const PAGE_BITS = 12;
const PAGE_CHUNKS = 1 << PAGE_BITS;
const PLACE_MASK = PAGE_CHUNKS - 1;
const CHUNK_BYTES = 16;
const LINK_BYTES = 4;
const PAYLOAD_BYTES = CHUNK_BYTES - LINK_BYTES;

export class KeyBytes {
  #bytes: Uint8Array[] = [];
  #links: Int32Array[] = [];
  #free = 0;
  /** The first chunk that was never used; 0 stands for none. */
  #fresh = 1;
  #used = 0;

  /** Chunks in use. */
  get chunks(): number {
    return this.#used;
  }

  /** Copies the key; returns its first chunk. */
  add(key: Uint8Array): number {
    const first = this.#take();
    let chunk = first;
    for (let at = 0; ;) {
      const page = this.#bytes[chunk >>> PAGE_BITS]!;
      const start = (chunk & PLACE_MASK) * CHUNK_BYTES + LINK_BYTES;
      const end = Math.min(key.length, at + PAYLOAD_BYTES);
      for (let to = start; at < end;) page[to++] = key[at++]!;
      if (at === key.length) {
        this.#link(chunk, 0);
        return first;
      }
      const next = this.#take();
      this.#link(chunk, next);
      chunk = next;
    }
  }

  remove(first: number): void {
    for (let chunk = first; chunk !== 0;) {
      const next = this.#next(chunk);
      this.#link(chunk, this.#free);
      this.#free = chunk;
      this.#used--;
      chunk = next;
    }
  }

  /** Forgets all keys, and gives the pages back. */
  clear(): void {
    this.#bytes = [];
    this.#links = [];
    this.#free = 0;
    this.#fresh = 1;
    this.#used = 0;
  }

  /** Whether the key in this chain, of as many bytes, is that one. */
  equals(first: number, key: Uint8Array): boolean {
    let at = 0;
    for (let chunk = first; ; chunk = this.#next(chunk)) {
      const page = this.#bytes[chunk >>> PAGE_BITS]!;
      const start = (chunk & PLACE_MASK) * CHUNK_BYTES + LINK_BYTES;
      const end = Math.min(key.length, at + PAYLOAD_BYTES);
      for (let from = start; at < end; from++, at++) if (page[from] !== key[at]) return false;
      if (at === key.length) return true;
    }
  }

  /** A copy of the key in this chain. */
  read(first: number, length: number): Uint8Array {
    const key = new Uint8Array(length);
    let chunk = first;
    for (let at = 0; at < length; chunk = this.#next(chunk)) {
      const page = this.#bytes[chunk >>> PAGE_BITS]!;
      const start = (chunk & PLACE_MASK) * CHUNK_BYTES + LINK_BYTES;
      const end = Math.min(length, at + PAYLOAD_BYTES);
      for (let from = start; at < end;) key[at++] = page[from++]!;
    }
    return key;
  }

  /** Chunks that a key of so many bytes takes. */
  static chunksOf(length: number): number {
    return Math.max(1, Math.ceil(length / PAYLOAD_BYTES));
  }

  /** @throws Error when chunks in use and free ones are not all there are */
  checkInvariants(): void {
    let free = 0;
    for (let chunk = this.#free; chunk !== 0; chunk = this.#next(chunk)) {
      if (++free > this.#fresh) throw new Error('the chain of free chunks has no end');
    }
    if (free + this.#used !== this.#fresh - 1) {
      throw new Error(`${free} free chunks and ${this.#used} in use, of ${this.#fresh - 1}`);
    }
  }

  #take(): number {
    this.#used++;
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.#next(free);
      return free;
    }
    const chunk = this.#fresh++;
    if (chunk >>> PAGE_BITS >= this.#bytes.length) {
      const page = new ArrayBuffer(PAGE_CHUNKS * CHUNK_BYTES);
      this.#bytes.push(new Uint8Array(page));
      this.#links.push(new Int32Array(page));
    }
    return chunk;
  }

  #next(chunk: number): number {
    return this.#links[chunk >>> PAGE_BITS]![(chunk & PLACE_MASK) * (CHUNK_BYTES / LINK_BYTES)]!;
  }

  #link(chunk: number, next: number): void {
    this.#links[chunk >>> PAGE_BITS]![(chunk & PLACE_MASK) * (CHUNK_BYTES / LINK_BYTES)] = next;
  }
}
