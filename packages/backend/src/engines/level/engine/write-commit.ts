/**
 * One commit as one LevelDB batch.
 *
 * WC1  Exactly one chained batch, synced, in flight alone: several at once are written in any order (R64, R65).
 * WC2  Rows of a bucket that the same commit removes later are never written; what was there before is removed first.
 *     So removing a bucket needs no order among the operations of the batch.
 * WC3  Filling the batch lets the event loop run every few milliseconds. Nobody sees the batch before it is written.
 * WC4  The last operation tells of the commit (R67): the last put, if it appends, or else a row of its own (`commit-row.ts`,
 *     CR1). Nothing is moved for that: what follows a put in `changes` may be about the same key.
 *
 * The array form of `batch` costs the main thread ten times as much a row.
 */
import { Slice, type Turns } from '@varve/base/pace';
import type { Change } from '../../../contract/engine.ts';
import { PackedDelete } from '../../../pending/packed-delete.ts';
import { PackedPut } from '../../../pending/packed-put.ts';
import { COMMIT_KEY, writeCommitRow } from './commit-row.ts';
import type { Committed } from './committed.ts';
import { Directory, directoryKey, directoryValue, freeSlot } from './directory.ts';
import type { Level, LevelBatch } from '../driver.ts';
import { SLOT_BYTES, SYSTEM, bound, boundAfter, encodeKey, encodeValue, type Slot } from './rows.ts';

const ROWS_BETWEEN_LOOKS = 128;
const REMOVE_ROWS = 4096;

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

/** Writes all of `changes` or nothing. Rejects with LevelDB's error; what is on the medium is then in doubt. */
export async function writeCommit(
  level: Level,
  state: Committed,
  position: CommitPosition,
  changes: readonly Change[],
  clock: Turns,
): Promise<Committing> {
  const batch = level.batch();
  try {
    const filling = new Filling(batch, state.directory, clock);
    await filling.removeBuckets(level, state, changes);
    const last = changes[changes.length - 1];
    const carrier = last instanceof PackedPut ? last : undefined;
    await filling.apply(changes, carrier === undefined ? changes.length : changes.length - 1);
    const rows = batch.length;
    const next = { counter: position.counter + 1, sequence: position.sequence + rows + 1 };
    const told = writeCommitRow({ ...next, rows });
    if (carrier === undefined) filling.put(SYSTEM, COMMIT_KEY, told);
    else filling.putLast(carrier, told);
    await batch.write({ sync: true });
    return { directory: filling.directory(), position: next, bytes: filling.bytes };
  } finally {
    await batch.close();
  }
}

class Filling {
  readonly #batch: LevelBatch;
  readonly #before: Directory;
  /** The buckets as this commit leaves them; absent while it has not changed any. */
  #changed: Map<string, Slot> | undefined;
  /** Where in the changes a bucket is removed for the last time. */
  readonly #lastRemoval = new Map<string, number>();
  readonly #slice: Slice;
  bytes = 0;

  constructor(batch: LevelBatch, before: Directory, clock: Turns) {
    this.#slice = new Slice(clock);
    this.#batch = batch;
    this.#before = before;
  }

  directory(): Directory {
    return this.#changed === undefined ? this.#before : new Directory(this.#changed);
  }

  put(slot: Slot, key: Uint8Array, value: Uint8Array): void {
    const encoded = encodeKey(slot, key);
    // LevelDB copies both before `put` returns, so the scratch slabs may be written again at once.
    this.#batch.put(encoded, encodeValue(slot, encoded, value));
    this.bytes += encoded.length + value.length;
  }

  /** The last operation of the commit, which carries what `told` tells of it. */
  putLast(row: PackedPut, told: Uint8Array): void {
    this.#putPacked(this.#slotFor(row.bucket.name), row, told);
    this.bytes += told.length;
  }

  /** As `put`, without making the arrays. */
  #putPacked(slot: Slot, { block, start, keyEnd, end }: PackedPut, told?: Uint8Array): void {
    const encoded = encodeKey(slot, block, start, keyEnd);
    this.#batch.put(encoded, encodeValue(slot, encoded, block, keyEnd, end, told));
    this.bytes += SLOT_BYTES + end - start;
  }

  /** The key is `bytes` from `start` to `end`. */
  #delete(slot: Slot, bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#batch.del(encodeKey(slot, bytes, start, end));
    this.bytes += end - start;
  }

  async removeBuckets(level: Level, state: Committed, changes: readonly Change[]): Promise<void> {
    for (let at = 0; at < changes.length; at++) {
      const change = changes[at] as Change;
      if (change.type === 'deleteBucket') this.#lastRemoval.set(change.bucket.name, at);
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
        for (const key of found) this.#batch.del(key);
        this.bytes += found.length * 24;
      }
    } finally {
      await keys.close();
    }
  }

  /** Puts the first `count` changes into the batch. */
  async apply(changes: readonly Change[], count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      if (at % ROWS_BETWEEN_LOOKS === 0 && this.#slice.over) await this.#slice.turn();
      const change = changes[at] as Change;
      const removedAt = this.#lastRemoval.size === 0 ? undefined : this.#lastRemoval.get(change.bucket.name);
      if (removedAt === undefined || at > removedAt) this.#applyOne(change);
    }
  }

  #applyOne(change: Change): void {
    const { name } = change.bucket;
    if (change instanceof PackedPut) return this.#putPacked(this.#slotFor(name), change);
    if (change.type === 'put') return this.put(this.#slotFor(name), change.key, change.value);
    if (change.type === 'deleteBucket') return; // the last one is done already, and it stands for those before it
    const slot = this.#find(name);
    if (change.type === 'createBucket' && slot === undefined) this.#createBucket(name);
    if (change.type !== 'delete' || slot === undefined) return;
    if (change instanceof PackedDelete) this.#delete(slot, change.block, change.start, change.end);
    else this.#delete(slot, change.key);
  }

  #find(name: string): Slot | undefined {
    return (this.#changed ?? this.#before).get(name);
  }

  #slotFor(name: string): Slot {
    const slot = this.#find(name);
    if (slot === undefined) throw new TypeError(`There is no bucket ${JSON.stringify(name)} to put a row in`);
    return slot;
  }

  #createBucket(name: string): void {
    const slots = (this.#changed ??= this.#before.copy());
    const slot = freeSlot(slots, name);
    slots.set(name, slot);
    this.put(SYSTEM, directoryKey(name), directoryValue(slot));
  }
}
