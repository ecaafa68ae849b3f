/**
 * Where new records are encoded: blocks, filled from front to back, out of which they are committed and read.
 *
 *   block   ... | room | revision | record | room | room | revision | record | ...
 *                      keyStart   start    end
 *
 * RS1  A part is written once. The room around a row is the engine's.
 * RS2  One block is shared by records of one stretch of time, which leave the caches together. Who keeps one of them
 *      for longer copies it out (`ownBytes`), so that a tiny record does not keep a block alive.
 * RS3  A slab that has left the caches is written again from its beginning if nobody can have a view of it (`History`); who makes a
 *      view, or may make one later, says so first (`isLent`), and then it is left to the collector.
 *
 * A fresh array for each record costs 300 ns and more, a view of a block 60. A fresh slab costs its pages, and the
 * collections that memory outside of V8's heap brings about (decisions/0051).
 */
import { Blocks, newBlock } from '@varve/base/block';
import type { Room } from '@varve/backend';
import { NO_BYTES, recordBound, RecordWriter } from './key-value.ts';
import { TOMBSTONE_LENGTH, writePutRevision, writeTombstoneRevision } from './revision-bytes.ts';

const SLAB_BYTES = 64 * 1024;
/** Larger records get arrays of their own, so at most a quarter of a slab stays unused. */
const LARGE_BYTES = SLAB_BYTES / 4;

/** A block of records. */
export interface Slab {
  readonly bytes: Uint8Array;
  /** The newest revision that has a record in it. */
  lastMain: number;
  /** Whether somebody may have a view of it (RS3). */
  isLent: boolean;
}

export const NO_SLAB: Slab = { bytes: NO_BYTES, lastMain: 0, isLent: true };

export class RecordSlab {
  /** Where the row added last lies: its revision as the key from `keyStart` on, its record from `start` to `end`. */
  slab: Slab = NO_SLAB;
  block: Uint8Array = NO_BYTES;
  keyStart = 0;
  start = 0;
  end = 0;
  readonly #room: Room;
  readonly #spare: () => Slab | undefined;
  readonly #writer = new RecordWriter();
  /** Where the next row may begin, its room included. */
  #used = 0;

  /** @param spare gives a slab of `SLAB_BYTES` that may be written again, if there is one */
  constructor(room: Room, spare: () => Slab | undefined = () => undefined) {
    this.#room = room;
    this.#spare = spare;
  }

  /** Encodes a put as the row of revision (main, sub). */
  put(
    main: number,
    sub: number,
    key: Uint8Array,
    value: Uint8Array,
    createRevision: number,
    version: number,
    lease: bigint,
  ): void {
    this.#reserve(main, recordBound(key, value));
    const { block } = this;
    const at = writePutRevision(block, this.keyStart, main, sub);
    this.#end(at, this.#writer.put(block, at, key, value, createRevision, main, version, lease));
  }

  /** Encodes a deletion: the record does not carry the revision (spec 8.5, Q4). */
  tombstone(main: number, sub: number, key: Uint8Array): void {
    this.#reserve(main, recordBound(key, NO_BYTES));
    const { block } = this;
    const at = writeTombstoneRevision(block, this.keyStart, main, sub);
    this.#end(at, this.#writer.tombstone(block, at, key));
  }

  #end(start: number, end: number): void {
    this.start = start;
    this.end = end;
    this.#used = end + this.#room.after;
  }

  #reserve(main: number, recordBytes: number): void {
    const { before, after } = this.#room;
    const bytes = before + TOMBSTONE_LENGTH + recordBytes + after;
    if (this.#used + bytes > this.block.length) this.#open(bytes);
    this.slab.lastMain = main;
    this.keyStart = this.#used + before;
  }

  #open(bytes: number): void {
    const isLarge = bytes > LARGE_BYTES;
    const spare = isLarge ? undefined : this.#spare();
    if (spare === undefined) {
      this.slab = { bytes: newBlock(isLarge ? bytes : SLAB_BYTES), lastMain: 0, isLent: isLarge };
    } else {
      this.slab = spare;
    }
    this.block = this.slab.bytes;
    this.#used = 0;
  }
}

/** The same bytes, in a buffer that is hardly larger than they are. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return isOwn(bytes) ? bytes : new Uint8Array(bytes);
}

/** Slabs for copies of rows that are only lent, shared by records of one stretch of time (RS2). */
export function recordCopies(): Blocks {
  return new Blocks(SLAB_BYTES, LARGE_BYTES);
}

function isOwn(bytes: Uint8Array): boolean {
  return bytes.buffer.byteLength <= 2 * bytes.length + 512;
}
