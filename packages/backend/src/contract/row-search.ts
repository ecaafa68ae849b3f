/**
 * Many keys of one bucket that are looked for at once, and the places where their values were found: no object a row.
 *
 * RSR1  One object serves any number of searches, one after the other: what it says holds until it is cleared.
 * RSR2  Keys lie in one array, one behind the other. A value is a place in a block, which is as the bytes of `ReadTx.get` are:
 *     shared, never changed, alive as long as somebody refers to it.
 */

const FIRST_KEYS = 64;
const FIRST_BYTES = 2048;

/** Keys to be found, and where their values were found. */
export class RowSearch {
  /** The keys, one behind the other; what lies behind the last is of earlier searches. */
  keys: Uint8Array = new Uint8Array(FIRST_BYTES);
  /** The block that the value of key i lies in; `undefined` where there is none. */
  readonly blocks: (Uint8Array | undefined)[] = [];
  #length = 0;
  #keyEnds = new Uint32Array(FIRST_KEYS);
  #starts = new Uint32Array(FIRST_KEYS);
  #ends = new Uint32Array(FIRST_KEYS);

  /** How many keys there are. */
  get length(): number {
    return this.#length;
  }

  /** Forgets all keys, and refers to no block any more. */
  clear(): void {
    this.#length = 0;
    this.blocks.length = 0;
  }

  /** Makes room for a key of so many bytes; who asked writes them into `keys` from there on, before anything else is called. */
  add(keyBytes: number): number {
    const at = this.keyStart(this.#length);
    const end = at + keyBytes;
    if (end > this.keys.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.keys.length));
      larger.set(this.keys);
      this.keys = larger;
    }
    if (this.#length === this.#keyEnds.length) this.#grow();
    this.#keyEnds[this.#length] = end;
    this.#length += 1;
    this.blocks.push(undefined);
    return at;
  }

  /** Adds a key. Copies it. */
  addKey(key: Uint8Array): void {
    const at = this.add(key.length);
    this.keys.set(key, at);
  }

  /** Where key i begins in `keys`. */
  keyStart(index: number): number {
    return index === 0 ? 0 : this.#keyEnds[index - 1]!;
  }

  /** Where key i ends in `keys`. */
  keyEnd(index: number): number {
    return this.#keyEnds[index]!;
  }

  /** Key i, in an array of its own. */
  key(index: number): Uint8Array {
    return this.keys.slice(this.keyStart(index), this.keyEnd(index));
  }

  /** Where the value of key i, which was found, begins in its block. */
  start(index: number): number {
    return this.#starts[index]!;
  }

  /** Where it ends. */
  end(index: number): number {
    return this.#ends[index]!;
  }

  /** The value of key i as a view of its block; `undefined` where there is none. */
  value(index: number): Uint8Array | undefined {
    const block = this.blocks[index];
    if (block === undefined) return undefined;
    return new Uint8Array(
      block.buffer,
      block.byteOffset + this.#starts[index]!,
      this.#ends[index]! - this.#starts[index]!,
    );
  }

  /** For who answers: the value of key i is `block` from `start` to `end`. */
  found(index: number, block: Uint8Array, start: number, end: number): void {
    this.blocks[index] = block;
    this.#starts[index] = start;
    this.#ends[index] = end;
  }

  #grow(): void {
    const grown = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(2 * from.length);
      to.set(from);
      return to;
    };
    this.#keyEnds = grown(this.#keyEnds);
    this.#starts = grown(this.#starts);
    this.#ends = grown(this.#ends);
  }
}
