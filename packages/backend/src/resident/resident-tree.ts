/**
 * The rows of one bucket in memory, in a tree.
 *
 * RSD1  A version never changes. The next one is written into a clone, which shares all but the nodes it touches.
 * RSD2  Values are copies of their own size: a tiny row keeps no large block of the writer alive.
 */
import { byteKey, keyBytes } from '@varve/base/order';
import { type BTree, byteTree } from '../btree.ts';
import type { Entry } from '../contract/engine.ts';
import type { ResidentRows } from './resident-rows.ts';

/** What one row costs in memory beyond its bytes: key string, array header, slots of the tree. */
const rowOverhead = 160;

export class ResidentTree implements ResidentRows {
  readonly #rows: BTree<string, Uint8Array>;
  #byteN: number;

  constructor(rows: BTree<string, Uint8Array> = byteTree<Uint8Array>(), byteN = 0) {
    this.#rows = rows;
    this.#byteN = byteN;
  }

  get byteN(): number {
    return this.#byteN;
  }

  get liveByteN(): number {
    return this.#byteN;
  }

  next(): ResidentTree {
    return new ResidentTree(this.#rows.clone(), this.#byteN);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(byteKey(key));
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const name = byteKey(key);
    const before = this.#rows.get(name);
    if (before === undefined) this.#byteN += name.length + rowOverhead;
    else this.#byteN -= before.length;
    this.#byteN += value.length;
    this.#rows.set(name, new Uint8Array(value));
  }

  putPlace(block: Uint8Array, start: number, keyEnd: number, end: number): void {
    this.put(block.subarray(start, keyEnd), block.subarray(keyEnd, end));
  }

  delete(key: Uint8Array): void {
    const name = byteKey(key);
    const before = this.#rows.get(name);
    if (before === undefined) return;
    this.#byteN -= name.length + before.length + rowOverhead;
    this.#rows.delete(name);
  }

  last(): Uint8Array | undefined {
    const key = this.#rows.maxKey();
    return key === undefined ? undefined : keyBytes(key);
  }

  *scan(start: Uint8Array | undefined, end: Uint8Array | undefined): Generator<Entry, void, undefined> {
    const stop = end === undefined ? undefined : byteKey(end);
    for (const [key, value] of this.#rows.entries(start === undefined ? undefined : byteKey(start))) {
      if (stop !== undefined && key >= stop) return;
      yield { key: keyBytes(key), value };
    }
  }

  /** A tree has no holes. */
  async compacted(): Promise<ResidentTree> {
    return this;
  }
}
