/**
 * What the tree holds for a key: one bare number for nearly all histories there are, else a `KeyIndex`.
 *
 * SLT1  A number from 0 on stands for a key that was put once and has its creation still: the packed revision of that.
 * SLT2  A negative number stands for words in a pool: place `(~slot) >>> 1` of the packed lives (one revision that is not the creation)
 *     where `~slot` is even, of the packed histories (more of them) where it is odd.
 * SLT3  A history is held in the first of these forms that it fits, so compaction and `undo` give the memory back.
 * SLT4  Who gives a key another slot releases the one before. `put`, `tombstone` and `compact` have done so when they return another
 *     one: it is to be given to the key at once.
 *
 * No etcd counterpart. A million keys cost the collector nothing beyond their strings, whatever was done to them (decisions/0048).
 */
import { subAt } from './generation.ts';
import { KeyIndex, type Found } from './key-index.ts';
import { fitsRecord, PackedHistories, type RecordView } from './packed-histories.ts';
import { fits, fitsLife, PackedLives } from './packed-lives.ts';
import { WORD_LIMIT } from './packed-record.ts';
import { fitsOne, mainOf, pack, subOf } from './packed-revision.ts';
import type { Cut } from './record-cut.ts';
import type { RevisionSet } from './revision-set.ts';

export type Slot = number | KeyIndex;

/** Words of a head, for the life that follows a deletion. */
const ROOM_FOR_DELETION = 4;

/** The slots of one index. */
export class Slots {
  readonly #lives = new PackedLives();
  readonly #histories = new PackedHistories();
  readonly #found: Found = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };

  /** Keys of SLT2. */
  get packed(): number {
    return this.#lives.size + this.#histories.size;
  }

  /** The slot of a key put for the first time. */
  firstPut(main: number, sub: number): Slot {
    if (fitsOne(main, sub)) return pack(main, sub);
    const index = new KeyIndex();
    index.put(main, sub);
    return this.reduced(index);
  }

  /** The slot of a key with one revision, which is not its creation; the creation has sub 0. */
  oneLater(main: number, sub: number, createdMain: number, version: number): Slot {
    if (fitsLife(main, sub, createdMain, version)) return lifeAt(this.#lives.addLife(main, sub, createdMain, version));
    const index = new KeyIndex();
    index.restore(createdMain, 0, main, sub, version);
    return this.reduced(index);
  }

  /** The slot of a history that is such a record, and no smaller form; undefined where there is no place left. Copies the words. */
  record(words: Uint32Array, used: number): Slot | undefined {
    const place = this.#histories.addRecord(words, used);
    return place < 0 ? undefined : historyAt(place);
  }

  /** A `KeyIndex` to work on; the tree must be given it, reduced, when the slot was a number. */
  expanded(slot: Slot): KeyIndex {
    if (typeof slot !== 'number') return slot;
    if (slot < 0)
      return isHistory(slot) ? this.#histories.expanded(placeOf(slot)) : this.#lives.expanded(placeOf(slot));
    const index = new KeyIndex();
    index.put(mainOf(slot), subOf(slot));
    return index;
  }

  /** The smallest slot for this history. */
  reduced(index: KeyIndex): Slot {
    if (isFirstPut(index)) return pack(index.createdMain, subAt(index, 0));
    if (fits(index)) return lifeAt(this.#lives.add(index));
    const place = this.#histories.add(index);
    return place < 0 ? index : historyAt(place);
  }

  /** The key has another slot now, or none. */
  release(slot: Slot): void {
    if (typeof slot !== 'number' || slot >= 0) return;
    if (isHistory(slot)) this.#histories.remove(placeOf(slot));
    else this.#lives.remove(placeOf(slot));
  }

  isLive(slot: Slot): boolean {
    if (typeof slot !== 'number') return slot.isLive;
    return slot >= 0 || !isHistory(slot) || this.#histories.isLive(placeOf(slot));
  }

  /** Of the newest change that is known, a deletion included. */
  newestMain(slot: Slot): number {
    if (typeof slot !== 'number') return slot.newestMain;
    if (slot >= 0) return mainOf(slot);
    return isHistory(slot) ? this.#histories.newestMain(placeOf(slot)) : this.#lives.mainOf(placeOf(slot));
  }

  /** @throws IndexError `INDEX_CORRUPT` where the revision is not newer than the newest */
  checkNewer(slot: Slot, main: number, sub: number): void {
    if (main <= this.newestMain(slot)) this.expanded(slot).checkNewer(main, sub);
  }

  /** SLT4. @throws IndexError `INDEX_CORRUPT`, as `KeyIndex.put` */
  put(slot: Slot, main: number, sub: number): Slot {
    if (typeof slot !== 'number') {
      slot.put(main, sub);
      return slot;
    }
    this.checkNewer(slot, main, sub);
    const place = isHistory(slot) ? this.#histories.put(placeOf(slot), main, sub) : this.#second(slot, main, sub, 0);
    if (place >= 0) return historyAt(place);
    const index = this.expanded(slot);
    index.put(main, sub);
    this.release(slot);
    return this.reduced(index);
  }

  /** SLT4, of a live key. @throws IndexError `INDEX_CORRUPT`, as `KeyIndex.tombstone` */
  tombstone(slot: Slot, main: number, sub: number): Slot {
    if (typeof slot !== 'number') {
      slot.tombstone(main, sub);
      return slot;
    }
    this.checkNewer(slot, main, sub);
    const place = isHistory(slot)
      ? this.#histories.tombstone(placeOf(slot), main, sub)
      : this.#second(slot, main, sub, ROOM_FOR_DELETION);
    if (place >= 0) {
      if (!isHistory(slot)) this.#histories.bury(place);
      return historyAt(place);
    }
    const index = this.expanded(slot);
    index.tombstone(main, sub);
    this.release(slot);
    return this.reduced(index);
  }

  /** As `KeyIndex.find`. */
  find(slot: Slot, atMain: number, into: Found): boolean {
    if (typeof slot !== 'number') return slot.find(atMain, into);
    if (slot < 0) {
      if (isHistory(slot)) return this.#histories.find(placeOf(slot), atMain, into);
      return this.#lives.find(placeOf(slot), atMain, into);
    }
    const main = mainOf(slot);
    if (main > atMain) return false;
    into.main = into.createdMain = main;
    into.sub = into.createdSub = subOf(slot);
    into.version = 1;
    return true;
  }

  /** The record of a packed history, valid until the next call of anything. */
  view(slot: number): RecordView {
    return this.#histories.view(placeOf(slot));
  }

  /** Every key is about to be compacted: what stays moves together, and leaves no gaps. */
  renew(): void {
    this.#histories.renew();
  }

  /** As `KeyIndex.compact`, and SLT4; undefined for a key that is left with no history. */
  compact(slot: Slot, atMain: number, kept: RevisionSet): Slot | undefined {
    if (typeof slot !== 'number') {
      slot.compact(atMain, kept);
      return slot.isEmpty ? undefined : this.reduced(slot);
    }
    if (!isHistory(slot)) {
      this.keep(slot, atMain, kept);
      return slot;
    }
    const cut = this.#histories.cut(placeOf(slot), atMain);
    if (cut.hasKept) kept.add(cut.main, cut.sub);
    const number = cut.left === 1 ? this.#single(placeOf(slot), cut) : undefined;
    if (cut.left === 0 || number !== undefined) {
      this.release(slot);
      return number;
    }
    const place = this.#histories.trimmed(placeOf(slot), cut);
    if (place >= 0) return historyAt(place);
    const index = this.expanded(slot);
    index.compact(atMain, kept);
    this.release(slot);
    return this.reduced(index);
  }

  /** As `KeyIndex.keep`; of a key with one revision, compaction keeps the same. */
  keep(slot: Slot, atMain: number, kept: RevisionSet): void {
    if (typeof slot !== 'number') slot.keep(atMain, kept);
    else if (isHistory(slot)) {
      const cut = this.#histories.cut(placeOf(slot), atMain);
      if (cut.hasKept && !cut.isTombstone) kept.add(cut.main, cut.sub);
    } else if (slot >= 0) {
      if (mainOf(slot) <= atMain) kept.add(mainOf(slot), subOf(slot));
    } else {
      const main = this.#lives.mainOf(placeOf(slot));
      if (main <= atMain) kept.add(main, this.#lives.subOf(placeOf(slot)));
    }
  }

  /** The number for the one revision that is left, if it fits any (SLT3). */
  #single(place: number, cut: Cut): number | undefined {
    const found = this.#found;
    this.#histories.only(place, cut, found);
    const { main, sub, createdMain, createdSub, version } = found;
    if (version === 1 && main === createdMain && fitsOne(main, sub)) return pack(main, sub);
    if (createdSub > 0 || !fitsLife(main, sub, createdMain, version)) return undefined;
    return lifeAt(this.#lives.addLife(main, sub, createdMain, version));
  }

  /** The second revision of a key that has one: its place among the histories, or -1. Releases the slot where there is one. */
  #second(slot: number, main: number, sub: number, more: number): number {
    const found = this.#found;
    this.find(slot, Infinity, found);
    if (main >= WORD_LIMIT || sub >= WORD_LIMIT || found.version >= WORD_LIMIT - 1) return -1;
    const place = this.#histories.addPair(found, found.version + 1, main, sub, more);
    if (place >= 0) this.release(slot);
    return place;
  }
}

/** Whether a number is that of a packed history. */
export function isHistory(slot: number): boolean {
  return slot < 0 && (~slot & 1) === 1;
}

/** The form that a history has to have (SLT3): 0 to 2 for a number, 3 for an object. */
export function formOf(index: KeyIndex): 0 | 1 | 2 | 3 {
  if (isFirstPut(index)) return 0;
  if (fits(index)) return 1;
  return fitsRecord(index) ? 2 : 3;
}

function placeOf(slot: number): number {
  return ~slot >>> 1;
}

function lifeAt(place: number): number {
  return ~(place << 1);
}

function historyAt(place: number): number {
  return ~((place << 1) | 1);
}

function isFirstPut(index: KeyIndex): boolean {
  const { mains, version, createdMain, older } = index;
  // Version 1 is the creation, so creation and revision have the same sub.
  return version === 1 && mains === createdMain && older === undefined && fitsOne(createdMain, subAt(index, 0));
}
