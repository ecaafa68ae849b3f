/**
 * Records by revision, bounded in bytes: those written last, at most half, and those that were read.
 *
 * RC1  A record is bytes, where it was encoded (`RecentRecords`), copied to when it was read, or lies in the block that was read
 *      (`PackedRecords`), until it is found often enough to stay an object as well. Both drop slabs whole, oldest first: evicting one entry at a
 *      time costs fifteen times as much.
 * RC2  What is counted is what is kept alive: slabs and tables whole, used or not, and the objects.
 * RC3  A record never changes, so nothing is ever invalidated, and what is handed out is shared.
 */
import { keyValueOf, type RecordReader } from './key-value.ts';
import { PackedRecords } from './packed-records.ts';
import { RecentRecords } from './recent-records.ts';
import { ownBytes, type Slab } from './record-slab.ts';
import type { KeyValue } from './store.ts';
import type { TransactionChanges } from './transaction-changes.ts';

/** Fewer records are copied: a slab for each would be too many. */
const FEWEST_TAKEN = 8;

export class RecordCache {
  readonly #maxBytes: number;
  readonly #recent: RecentRecords;
  readonly #packed: PackedRecords;

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#recent = new RecentRecords(maxBytes / 2);
    this.#packed = new PackedRecords(maxBytes);
  }

  get bytes(): number {
    return this.#recent.heldBytes + this.#packed.heldBytes;
  }

  get(main: number, sub: number): KeyValue | undefined {
    const kv = this.#packed.get(main, sub);
    if (kv !== undefined || sub !== 0) return kv;
    const held = this.#recent.heldBytes;
    const recent = this.#recent.get(main);
    if (this.#recent.heldBytes !== held) this.#share();
    return recent;
  }

  /** As `get`, and nothing enters or moves: for a writer, who mostly replaces what it has read. */
  peek(main: number, sub: number): KeyValue | undefined {
    return this.#packed.peek(main, sub) ?? (sub === 0 ? this.#recent.peek(main) : undefined);
  }

  /** The oldest main whose record may still lie where it was encoded. */
  get oldestRecent(): number {
    return this.#recent.oldestMain;
  }

  /** The record of a transaction with one change only, a put, where it was encoded. It is not taken along. */
  wholeRecent(main: number): Uint8Array | undefined {
    return this.#recent.whole(main);
  }

  /** As `wholeRecent`, of consecutive transactions; see `RecentRecords.eachWhole`. */
  eachWholeRecent(
    from: number,
    to: number,
    take: (main: number, slab: Uint8Array, start: number, end: number) => boolean,
  ): void {
    this.#recent.eachWhole(from, to, take);
  }

  /** A slab that was let go of and was not lent, once; its caller looks after the rest of RS3. */
  takeSpare(): Slab | undefined {
    return this.#recent.takeSpare();
  }

  /**
   * Adds a record that was read, by `reader` out of `block` from `start` to `end`, and gives it, its arrays views of what is kept:
   * a copy.
   */
  addRow(main: number, sub: number, block: Uint8Array, start: number, end: number, reader: RecordReader): KeyValue {
    const at = this.#packed.add(main, sub, block, start, end);
    if (at >= 0) return keyValueOf(reader, this.#packed.newest, at - start);
    return keyValueOf(reader, ownBytes(block.subarray(start, end)), -start);
  }

  /**
   * Takes a block of many records as it is, if it is hardly anything but records; `addTaken` then adds each of them.
   * @param bytes of the records alone
   */
  take(block: Uint8Array, recordN: number, bytes: number): boolean {
    const isWhole = block.byteOffset === 0 && block.buffer.byteLength === block.length;
    if (!isWhole || recordN < FEWEST_TAKEN || 4 * bytes < 3 * block.length) return false;
    return this.#packed.take(block, recordN);
  }

  /** As `addRow`, of the block that was taken: nothing is copied. */
  addTaken(main: number, sub: number, block: Uint8Array, start: number, end: number, reader: RecordReader): KeyValue {
    this.#packed.addTaken(main, sub, start, end);
    return keyValueOf(reader, block, 0);
  }

  /** Adds what a transaction has put: its first change stays where it was encoded, the others are copied. */
  addWritten(changed: TransactionChanges): void {
    const { length, revision } = changed;
    if (!changed.isDeletion(0)) {
      this.#recent.add(revision, changed.slab(0), changed.start(0), changed.end(0), length === 1);
      this.#share();
    }
    for (let sub = 1; sub < length; sub++) {
      if (changed.isDeletion(sub)) continue;
      this.#packed.add(revision, sub, changed.slab(sub).bytes, changed.start(sub), changed.end(sub));
    }
  }

  /** Forgets what was read: something of it was wrong. */
  clear(): void {
    this.#packed.limit(0);
    this.#share();
  }

  /** A store that was only read has lent the writers' half to the readers. */
  #share(): void {
    this.#packed.limit(this.#maxBytes - this.#recent.heldBytes);
  }
}
