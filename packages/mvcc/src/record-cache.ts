/**
 * Records by revision, bounded in bytes: at most half for those written last, the rest for those that were read, as objects.
 *
 * RC1  Objects have two generations: they enter the young one; when it holds half of their share it becomes the old one, and
 *      the old one is dropped as a whole. A hit in the old one moves the object to the young one. Evicting one entry
 *      at a time costs fifteen times as much.
 * RC2  What is counted is what is kept alive: the bytes and the objects around them. What is read or moves takes its
 *      bytes along in a buffer of its own.
 * RC3  A record never changes, so nothing is ever invalidated.
 */
import { decodeKeyValue } from './key-value.ts';
import { RecentRecords } from './recent-records.ts';
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
  readonly #maxBytes: number;
  readonly #recent: RecentRecords;
  #young = new Map<number, KeyValue>();
  #old = new Map<number, KeyValue>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#recent = new RecentRecords(maxBytes / 2);
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes + this.#recent.bytes;
  }

  get(main: number, sub: number): KeyValue | undefined {
    const at = slot(main, sub);
    const young = this.#young.get(at);
    if (young !== undefined) return young;
    const old = this.#old.get(at);
    if (old === undefined) return sub === 0 ? this.#getRecent(main) : undefined;
    this.#old.delete(at);
    this.#oldBytes -= OBJECTS_BYTES + old.key.length + old.value.length;
    const own = ownKeyValue(old);
    this.#insert(at, own);
    return own;
  }

  /** As `get`, and nothing enters or moves: for a writer, who mostly replaces what it has read. */
  peek(main: number, sub: number): KeyValue | undefined {
    const at = slot(main, sub);
    const kept = this.#young.get(at) ?? this.#old.get(at);
    if (kept !== undefined || sub !== 0) return kept;
    const record = this.#recent.get(main);
    return record === undefined ? undefined : decodeKeyValue(record);
  }

  /** Adds a record as an object. */
  add(main: number, sub: number, kv: KeyValue): void {
    const at = slot(main, sub);
    if (at !== 0) this.#insert(at, kv);
  }

  /** The oldest main whose record may still lie where it was encoded. */
  get oldestRecent(): number {
    return this.#recent.oldestMain;
  }

  /** The record of a transaction with one change only, a put, where it was encoded. It is not taken along. */
  wholeRecent(main: number): Uint8Array | undefined {
    return this.#recent.whole(main);
  }

  /** Adds the first change of a new transaction, where it was encoded; `isWhole` when it is the only one. */
  addRecent(main: number, slab: Uint8Array, start: number, end: number, isWhole = true): void {
    this.#recent.add(main, slab, start, end, isWhole);
    // A store that was only read has lent the writers' half to the readers.
    while (this.bytes > this.#maxBytes && this.#oldBytes + this.#youngBytes > 0) this.#age();
  }

  #getRecent(main: number): KeyValue | undefined {
    const record = this.#recent.get(main);
    if (record === undefined) return undefined;
    const kv = decodeKeyValue(new Uint8Array(record));
    this.#insert(main, kv);
    return kv;
  }

  #insert(at: number, kv: KeyValue): void {
    const bytes = OBJECTS_BYTES + kv.key.length + kv.value.length;
    const generation = (this.#maxBytes - this.#recent.bytes) / 2;
    if (bytes > generation) return;
    if (this.#youngBytes + bytes > generation) this.#age();
    this.#young.set(at, kv);
    this.#youngBytes += bytes;
  }

  #age(): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}
