/**
 * All lives of one key.
 *
 * KI1  Every generation but the last is non-empty and its newest revision is a tombstone.
 * KI2  The last generation is empty (the key is deleted) or holds only puts (the key is live).
 * KI3  The newest revision of all is the newest of the last generation, or of the one before when that is empty.
 * KI4  `older` is undefined rather than an empty list.
 *
 * A key index is its own last generation: most keys have just the one, and a second object for it would cost half as
 * much again.
 *
 * etcd: server/storage/mvcc/key_index.go (spec section 4). Departs: compaction keeps a key that was deleted and put
 * again in the compacted transaction (4.10, D1); changes can be taken back (D3); creations are part of equality (4.11).
 */
import { IndexError } from './errors.ts';
import * as life from './generation.ts';
import type { Generation } from './generation.ts';
import type { RevisionSet } from './revision-set.ts';
import { compareRevisions, formatRevision, type Revision } from './revision.ts';

/** What a lookup found, filled in by `find` so that nothing is allocated for a key that is passed over. */
export interface Found {
  main: number;
  sub: number;
  createdMain: number;
  createdSub: number;
  version: number;
}

export class KeyIndex implements Generation {
  createdMain = 0;
  version = 0;
  mains: number | number[] | undefined = undefined;
  subs: number[] | undefined = undefined;
  older: Generation[] | undefined = undefined;

  /** Nothing retained at all: the tree drops such a key. */
  get isEmpty(): boolean {
    return this.mains === undefined && this.older === undefined;
  }

  get isLive(): boolean {
    return this.mains !== undefined;
  }

  /** Generations, the last one included even when it is empty. */
  get generationCount(): number {
    return (this.older === undefined ? 0 : this.older.length) + 1;
  }

  generation(position: number): Generation {
    return this.older === undefined || position === this.older.length ? this : this.older[position]!;
  }

  /** The newest revision ever added and still known. */
  get modified(): Revision | undefined {
    const newest = this.mains === undefined ? this.older?.at(-1) : this;
    if (newest === undefined) return undefined;
    const position = life.countOf(newest) - 1;
    return { main: life.mainAt(newest, position), sub: life.subAt(newest, position) };
  }

  /** The main of `modified`; 0 for none. */
  get newestMain(): number {
    const newest = this.mains === undefined ? this.older?.at(-1) : this;
    return newest === undefined ? 0 : life.lastMain(newest);
  }

  /** @throws IndexError `INDEX_CORRUPT` when the revision is not newer than `modified`. */
  put(main: number, sub: number): void {
    this.checkNewer(main, sub);
    life.appendRevision(this, main, sub);
  }

  /** False, and nothing changed, when the key is deleted already. */
  tombstone(main: number, sub: number): boolean {
    this.#checkNotEmpty();
    if (this.mains === undefined) return false;
    this.checkNewer(main, sub);
    life.appendRevision(this, main, sub);
    this.#bury();
    return true;
  }

  /** Takes back every change of transaction `main`, which must be the newest. The key may be empty afterwards. */
  undo(main: number): void {
    for (;;) {
      if (this.mains === undefined) {
        const last = this.older?.at(-1);
        if (last === undefined || life.lastMain(last) !== main) return;
        // The empty generation came with the tombstone and goes with it.
        this.#unearth(last);
      } else if (life.lastMain(this) !== main) return;
      life.takeBackNewest(this);
    }
  }

  /** Starts a key from the first of its records: a put. */
  restore(createdMain: number, createdSub: number, main: number, sub: number, version: number): void {
    this.#checkFresh(main, sub);
    this.createdMain = createdMain;
    this.version = version;
    this.mains = main;
    this.subs = createdSub === 0 && sub === 0 ? undefined : [createdSub, sub];
  }

  /** Starts a key from the first of its records: a tombstone, of a life that is otherwise unknown. */
  restoreTombstone(main: number, sub: number): void {
    this.restore(0, 0, main, sub, 1);
    this.#bury();
  }

  /** The generation that was alive at `atMain`, counted from the oldest; -1 for none (spec 4.6). */
  findGeneration(atMain: number): number {
    const { older } = this;
    if (this.mains !== undefined && life.firstMain(this) <= atMain) return older === undefined ? 0 : older.length;
    if (older === undefined) return -1;
    for (let i = older.length - 1; i >= 0; i--) {
      // At the very revision of its deletion a key does not exist.
      if (life.lastMain(older[i]!) <= atMain) return -1;
      if (life.firstMain(older[i]!) <= atMain) return i;
    }
    return -1;
  }

  /** The key at `atMain` in `into`; false, and `into` untouched, where it did not exist. */
  find(atMain: number, into: Found): boolean {
    this.#checkNotEmpty();
    const position = this.findGeneration(atMain);
    if (position === -1) return false;
    const generation = this.generation(position);
    const n = life.positionAt(generation, atMain);
    into.main = life.mainAt(generation, n);
    into.sub = life.subAt(generation, n);
    into.createdMain = generation.createdMain;
    into.createdSub = life.createdSubOf(generation);
    into.version = generation.version - (life.countOf(generation) - n - 1);
    return true;
  }

  /** The first `limit` revisions from transaction `fromMain` on, oldest first; of one transaction only the last. */
  since(fromMain: number, limit: number = Infinity): Revision[] {
    this.#checkNotEmpty();
    const revisions: Revision[] = [];
    let previous = -1;
    for (let i = 0; i < this.generationCount; i++) {
      const generation = this.generation(i);
      const count = life.countOf(generation);
      for (let n = life.positionAt(generation, fromMain - 1) + 1; n < count; n++) {
        const main = life.mainAt(generation, n);
        if (main === previous) revisions.pop();
        else if (revisions.length >= limit) return revisions;
        revisions.push({ main, sub: life.subAt(generation, n) });
        previous = main;
      }
    }
    return revisions;
  }

  /** Drops what no read at `atMain` or later needs; adds to `kept` the one revision at or before it that stays. */
  compact(atMain: number, kept: RevisionSet): void {
    this.#checkNotEmpty();
    const position = this.#compactionPoint(atMain);
    const generation = this.generation(position);
    const n = life.positionAt(generation, atMain);
    if (n !== -1) {
      kept.add(life.mainAt(generation, n), life.subAt(generation, n));
      life.dropOldest(generation, n);
    }
    if (position > 0) {
      const older = this.older!;
      this.older = position === older.length ? undefined : older.slice(position);
    }
  }

  /** What `compact` would add to `kept`, unless it is a tombstone. Changes nothing. */
  keep(atMain: number, kept: RevisionSet): void {
    if (this.isEmpty) return;
    const position = this.#compactionPoint(atMain);
    const generation = this.generation(position);
    const n = life.positionAt(generation, atMain);
    const isTombstone = generation !== this && n === life.countOf(generation) - 1;
    if (n !== -1 && !isTombstone) kept.add(life.mainAt(generation, n), life.subAt(generation, n));
  }

  /** @throws IndexError `INDEX_CORRUPT` naming both revisions when (main, sub) is not newer than `modified`. */
  checkNewer(main: number, sub: number): void {
    const newest = this.mains === undefined ? this.older?.at(-1) : this;
    if (newest === undefined) return;
    const last = life.lastMain(newest);
    if (main > last) return;
    const modified = this.modified!;
    if (compareRevisions({ main, sub }, modified) > 0) return;
    throw notNewer({ main, sub }, modified);
  }

  /**
   * The oldest generation that a read at `atMain` or later, or a watcher starting there, can still need.
   *
   *     [2, 3.0t] [3.1]   compacted at 3: the tombstone is exactly at 3, but the key lives at 3 all the same, so what
   *                       must be kept is 3.1. Stopping at the tombstone would lose a live record (D1).
   */
  #compactionPoint(atMain: number): number {
    const { older } = this;
    if (older === undefined) return 0;
    for (let i = 0; i < older.length; i++) {
      const ended = life.lastMain(older[i]!);
      if (ended > atMain) return i;
      if (ended === atMain) {
        const next = this.generation(i + 1);
        if (next.mains === undefined || life.firstMain(next) > atMain) return i;
      }
    }
    return older.length;
  }

  /** Moves the last generation, whose newest revision is now a tombstone, to the older ones. */
  #bury(): void {
    const ended = life.detached(this);
    this.older = this.older === undefined ? [ended] : life.grown(this.older, ended);
    life.emptyOut(this);
  }

  /** Makes the newest of the older generations the last one again. */
  #unearth(ended: Generation): void {
    life.copyInto(this, ended);
    this.older = this.older!.length === 1 ? undefined : this.older!.slice(0, -1);
  }

  #checkNotEmpty(): void {
    if (this.isEmpty) throw new IndexError('INDEX_CORRUPT', 'the key has nothing but an empty generation');
  }

  #checkFresh(main: number, sub: number): void {
    const modified = this.modified;
    if (modified === undefined) return;
    throw new IndexError(
      'INDEX_CORRUPT',
      `${formatRevision({ main, sub })} cannot start a key that has ${formatRevision(modified)} already`,
    );
  }
}

/** For a revision that is not newer than what the key has. */
function notNewer(revision: Revision, modified: Revision): IndexError {
  return new IndexError(
    'INDEX_CORRUPT',
    `revision ${formatRevision(revision)} is not newer than ${formatRevision(modified)} of the same key`,
  );
}
