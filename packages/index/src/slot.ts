/**
 * What the tree holds for a key: a `KeyIndex`, or one bare number for the commonest histories there are.
 *
 * SLT1  A number from 0 on stands for a key that was put once and has its creation still: the packed revision of that.
 * SLT2  A negative number stands for a key with one revision that is not its creation: place `~slot` of the packed lives.
 * SLT3  A history that fits SLT1 or SLT2 is never held as a `KeyIndex`, so compaction and `undo` give the memory back.
 * SLT4  Who gives a key another slot releases the one before.
 *
 * No etcd counterpart. A million keys written once cost no object at all beyond the key's string.
 */
import { subAt } from './generation.ts';
import { KeyIndex, type Found } from './key-index.ts';
import { fits, fitsLife, PackedLives } from './packed-lives.ts';
import { fitsOne, mainOf, pack, subOf } from './packed-revision.ts';
import type { RevisionSet } from './revision-set.ts';

export type Slot = number | KeyIndex;

/** The slots of one index. */
export class Slots {
  readonly #lives = new PackedLives();

  /** Keys of SLT2. */
  get packedLives(): number {
    return this.#lives.size;
  }

  /** The slot of a key put for the first time. */
  firstPut(main: number, sub: number): Slot {
    if (fitsOne(main, sub)) return pack(main, sub);
    const index = new KeyIndex();
    index.put(main, sub);
    return index;
  }

  /** The slot of a key with one revision, which is not its creation; the creation has sub 0. */
  oneLater(main: number, sub: number, createdMain: number, version: number): Slot {
    if (fitsLife(main, sub, createdMain, version)) return ~this.#lives.addLife(main, sub, createdMain, version);
    const index = new KeyIndex();
    index.restore(createdMain, 0, main, sub, version);
    return index;
  }

  /** A `KeyIndex` to work on; the tree must be given it when the slot was a number. */
  expanded(slot: Slot): KeyIndex {
    if (typeof slot !== 'number') return slot;
    if (slot < 0) return this.#lives.expanded(~slot);
    const index = new KeyIndex();
    index.put(mainOf(slot), subOf(slot));
    return index;
  }

  /** The smallest slot for this history. */
  reduced(index: KeyIndex): Slot {
    if (isFirstPut(index)) return pack(index.createdMain, subAt(index, 0));
    return fits(index) ? ~this.#lives.add(index) : index;
  }

  /** The key has another slot now, or none. */
  release(slot: Slot): void {
    if (typeof slot === 'number' && slot < 0) this.#lives.remove(~slot);
  }

  /** The main of a key that is held as a number. */
  mainOf(slot: number): number {
    return slot < 0 ? this.#lives.mainOf(~slot) : mainOf(slot);
  }

  /** Of the newest change that is known, a deletion included. */
  newestMain(slot: Slot): number {
    if (typeof slot === 'number') return this.mainOf(slot);
    return slot.newestMain;
  }

  /** As `KeyIndex.find`. */
  find(slot: Slot, atMain: number, into: Found): boolean {
    if (typeof slot !== 'number') return slot.find(atMain, into);
    if (slot < 0) return this.#lives.find(~slot, atMain, into);
    const main = mainOf(slot);
    if (main > atMain) return false;
    into.main = into.createdMain = main;
    into.sub = into.createdSub = subOf(slot);
    into.version = 1;
    return true;
  }

  /** As `KeyIndex.keep`; of a key with one revision, compaction keeps the same. */
  keep(slot: Slot, atMain: number, kept: RevisionSet): void {
    if (typeof slot !== 'number') slot.keep(atMain, kept);
    else if (this.mainOf(slot) <= atMain)
      kept.add(this.mainOf(slot), slot < 0 ? this.#lives.subOf(~slot) : subOf(slot));
  }
}

export function isLive(slot: Slot): boolean {
  return typeof slot === 'number' || slot.isLive;
}

/** Whether this history need not be an object (SLT3). */
export function isReducible(index: KeyIndex): boolean {
  return isFirstPut(index) || fits(index);
}

function isFirstPut(index: KeyIndex): boolean {
  const { mains, version, createdMain, older } = index;
  // Version 1 is the creation, so creation and revision have the same sub.
  return version === 1 && mains === createdMain && older === undefined && fitsOne(createdMain, subAt(index, 0));
}
