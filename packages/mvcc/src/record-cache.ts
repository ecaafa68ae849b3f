/**
 * Decoded records by revision, bounded in bytes.
 *
 * RC1  Two generations: records enter the young one; when it holds half of the bound it becomes the old one, and the
 *      old one is dropped as a whole. A hit in the old one moves the record to the young one. Evicting one entry at a
 *      time costs fifteen times as much (dependencies.md, trap 9).
 * RC2  What is counted is what is kept alive: the bytes and the objects around them. A record that moves takes its
 *      bytes along in a buffer of its own.
 * RC3  A record never changes, so nothing is ever invalidated.
 */
import { ownKeyValue } from './record-slab.ts';
import type { KeyValue } from './store.ts';

/** Two views, the object and the slot of the map, on 64 bits. */
const OBJECTS_BYTES = 352;
const MAX_SUB = 0x10_0000;
const MAX_MAIN = 0x1_0000_0000;

/** One number for both: the main, or a negative one for a later change of its transaction. 0: not cached. */
function slot(main: number, sub: number): number {
  if (sub === 0) return main;
  return sub < MAX_SUB && main < MAX_MAIN ? -(main * MAX_SUB + sub) : 0;
}

export class RecordCache {
  readonly #half: number;
  #young = new Map<number, KeyValue>();
  #old = new Map<number, KeyValue>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#half = maxBytes / 2;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get(main: number, sub: number): KeyValue | undefined {
    const at = slot(main, sub);
    const young = this.#young.get(at);
    if (young !== undefined) return young;
    const old = this.#old.get(at);
    if (old === undefined) return undefined;
    this.#old.delete(at);
    this.#oldBytes -= OBJECTS_BYTES + old.key.length + old.value.length;
    const own = ownKeyValue(old);
    this.#insert(at, own);
    return own;
  }

  add(main: number, sub: number, kv: KeyValue): void {
    const at = slot(main, sub);
    if (at !== 0) this.#insert(at, kv);
  }

  #insert(at: number, kv: KeyValue): void {
    const bytes = OBJECTS_BYTES + kv.key.length + kv.value.length;
    if (bytes > this.#half) return;
    if (this.#youngBytes + bytes > this.#half) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(at, kv);
    this.#youngBytes += bytes;
  }
}
