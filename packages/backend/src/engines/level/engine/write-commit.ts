/**
 * One commit as one LevelDB batch.
 *
 * WC1  Exactly one chained batch, synced, in flight alone: several at once are written in any order (R64, R65).
 * WC2  Rows of a bucket that the same commit removes later are never written; what was there before is removed first.
 *     So removing a bucket needs no order among the operations of the batch.
 * WC3  Filling the batch lets the event loop run every few milliseconds. Nobody sees the batch before it is written.
 * WC4  The last operation tells of the commit (R67): the last put, if it appends, or else a row of its own (`commit-row.ts`,
 *     CR1). Nothing is moved for that: what follows a put in `changes` may be about the same key.
 * WC5  A value goes to LevelDB out of the block it lies in, with its checksum in the room behind it.
 *
 * The array form of `batch` costs the main thread ten times as much a row.
 */
import { Slice, type Turns } from '@varve/base/pace';
import type { Bucket } from '../../../contract/bucket.ts';
import type { Changes, Room } from '../../../contract/engine.ts';
import { packChanges, type PackedChanges } from '../../../contract/packed-changes.ts';
import { COMMIT_KEY, writeCommitRow } from './commit-row.ts';
import type { Committed } from './committed.ts';
import { Directory, directoryKey, directoryValue, freeSlot } from './directory.ts';
import { rowsOf, type BatchRows, type Level, type LevelBatch } from '../driver.ts';
import {
  CRC_BYTES,
  SLOT_BYTES,
  SYSTEM,
  bound,
  boundAfter,
  encodeKey,
  encodeValue,
  sealValue,
  type Slot,
} from './rows.ts';

const ROWS_BETWEEN_LOOKS = 128;
const REMOVE_ROWS = 4096;

/** For the checksum of each row (WC5). */
export const levelRoom: Room = Object.freeze({ before: 0, after: CRC_BYTES });

export interface CommitPosition {
  /** Commits so far. */
  readonly counter: number;
  /** LevelDB's last sequence number so far. */
  readonly sequence: number;
}

export interface Committing {
  readonly directory: Directory;
  readonly position: CommitPosition;
  /** Bytes of keys and values, about what the log grows by. */
  readonly bytes: number;
}

/** Writes all of `given` or nothing. Rejects with LevelDB's error; what is on the medium is then in doubt. */
export async function writeCommit(
  level: Level,
  state: Committed,
  position: CommitPosition,
  given: Changes,
  isKnown: boolean,
  clock: Turns,
): Promise<Committing> {
  const changes = packChanges(given, levelRoom);
  const batch = level.batch();
  try {
    const filling = new Filling(batch, isKnown, state.directory, clock);
    await filling.removeBuckets(level, state, changes);
    const last = changes.length - 1;
    const carries = last >= 0 && changes.isPut(last) && changes.bucket(last).appendOnly;
    await filling.apply(changes, carries ? last : changes.length);
    const { rows } = filling;
    const next = { counter: position.counter + 1, sequence: position.sequence + rows + 1 };
    const told = writeCommitRow({ ...next, rows });
    if (carries) filling.putLast(changes, last, told);
    else filling.putTold(told);
    await batch.write({ sync: true });
    return { directory: filling.directory(), position: next, bytes: filling.bytes };
  } finally {
    await batch.close();
  }
}

class Filling {
  readonly #batch: LevelBatch;
  readonly #rows: BatchRows;
  readonly #before: Directory;
  /** The buckets as this commit leaves them; absent while it has not changed any. */
  #changed: Map<string, Slot> | undefined;
  /** Where in the changes a bucket is removed for the last time. */
  readonly #lastRemoval = new Map<string, number>();
  readonly #slice: Slice;
  #hotBucket: Bucket | undefined;
  #hotSlot: Slot | undefined;
  bytes = 0;
  /** LevelDB's operations so far. */
  rows = 0;

  constructor(batch: LevelBatch, isKnown: boolean, before: Directory, clock: Turns) {
    this.#slice = new Slice(clock);
    this.#batch = batch;
    this.#rows = rowsOf(batch, isKnown);
    this.#before = before;
  }

  directory(): Directory {
    return this.#changed === undefined ? this.#before : new Directory(this.#changed);
  }

  put(slot: Slot, key: Uint8Array, value: Uint8Array): void {
    const encoded = encodeKey(slot, key);
    // LevelDB copies both before `put` returns, so the scratch slabs may be written again at once.
    this.#rows.put(encoded, encodeValue(slot, encoded, value));
    this.bytes += encoded.length + value.length;
    this.rows++;
  }

  /** The last operation, where no row carries what `told` tells of the commit. */
  putTold(told: Uint8Array): void {
    const encoded = encodeKey(SYSTEM, COMMIT_KEY);
    this.#batch.put(encoded, encodeValue(SYSTEM, encoded, told));
    this.bytes += encoded.length + told.length;
  }

  /** The last operation of the commit, which carries what `told` tells of it. */
  putLast(changes: PackedChanges, index: number, told: Uint8Array): void {
    const slot = this.#slotOf(changes, index);
    const block = changes.block(index);
    const keyEnd = changes.keyEnd(index);
    const encoded = encodeKey(slot, block, changes.start(index), keyEnd);
    this.#batch.put(encoded, encodeValue(slot, encoded, block, keyEnd, changes.end(index), told));
    this.bytes += SLOT_BYTES + changes.end(index) - changes.start(index) + told.length;
  }

  #putRow(changes: PackedChanges, index: number): void {
    const slot = this.#slotOf(changes, index);
    const block = changes.block(index);
    const start = changes.start(index);
    const keyEnd = changes.keyEnd(index);
    const end = changes.end(index);
    const encoded = encodeKey(slot, block, start, keyEnd);
    this.#rows.put(encoded, sealValue(slot, encoded, block, keyEnd, end, changes.view(index)));
    this.bytes += SLOT_BYTES + end - start;
    this.rows++;
  }

  /** The key is `bytes` from `start` to `end`. */
  #delete(slot: Slot, bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#rows.delete(encodeKey(slot, bytes, start, end));
    this.bytes += end - start;
    this.rows++;
  }

  async removeBuckets(level: Level, state: Committed, changes: PackedChanges): Promise<void> {
    for (let at = 0; at < changes.length; at++) {
      if (changes.type(at) === 'deleteBucket') this.#lastRemoval.set(changes.bucket(at).name, at);
    }
    for (const name of this.#lastRemoval.keys()) {
      const slot = this.#before.get(name);
      if (slot === undefined) continue;
      await this.#removeRows(level, state, slot);
      this.#delete(SYSTEM, directoryKey(name));
      (this.#changed ??= this.#before.copy()).delete(name);
    }
  }

  async #removeRows(level: Level, state: Committed, slot: Slot): Promise<void> {
    const range = { gte: bound(slot, undefined), lt: boundAfter(slot), snapshot: state.fix().snapshot };
    const keys = level.keys({ ...range, highWaterMarkBytes: 1 << 20 });
    try {
      for (;;) {
        const found = await keys.nextv(REMOVE_ROWS);
        if (found.length === 0) return;
        for (const key of found) this.#rows.delete(key);
        this.bytes += found.length * 24;
        this.rows += found.length;
      }
    } finally {
      await keys.close();
    }
  }

  /** Puts the first `count` changes into the batch. */
  async apply(changes: PackedChanges, count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      if (at % ROWS_BETWEEN_LOOKS === 0 && this.#slice.over) await this.#slice.turn();
      const removedAt = this.#lastRemoval.size === 0 ? undefined : this.#lastRemoval.get(changes.bucket(at).name);
      if (removedAt === undefined || at > removedAt) this.#applyOne(changes, at);
    }
  }

  #applyOne(changes: PackedChanges, index: number): void {
    if (changes.isPut(index)) return this.#putRow(changes, index);
    const type = changes.type(index);
    if (type === 'deleteBucket') return; // the last one is done already, and it stands for those before it
    const { name } = changes.bucket(index);
    const slot = this.#find(name);
    if (type === 'createBucket') {
      if (slot === undefined) this.#createBucket(name);
    } else if (slot !== undefined) {
      this.#delete(slot, changes.block(index), changes.start(index), changes.keyEnd(index));
    }
  }

  #find(name: string): Slot | undefined {
    return (this.#changed ?? this.#before).get(name);
  }

  #slotOf(changes: PackedChanges, index: number): Slot {
    const bucket = changes.bucket(index);
    if (bucket === this.#hotBucket) return this.#hotSlot!;
    const slot = this.#find(bucket.name);
    if (slot === undefined) throw new TypeError(`There is no bucket ${JSON.stringify(bucket.name)} to put a row in`);
    this.#hotBucket = bucket;
    this.#hotSlot = slot;
    return slot;
  }

  #createBucket(name: string): void {
    const slots = (this.#changed ??= this.#before.copy());
    const slot = freeSlot(slots, name);
    slots.set(name, slot);
    this.put(SYSTEM, directoryKey(name), directoryValue(slot));
  }
}
