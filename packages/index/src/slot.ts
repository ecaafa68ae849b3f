/**
 * What the tree holds for a key: a `KeyIndex`, or one bare number for the commonest history there is.
 *
 * S1  A number stands for a key that was put once and has its creation still: `main` itself when the sub is 0, else
 *     `main + sub / 2^20`. The fraction is exact because it is only used below main 2^32 and sub 2^20, 52 bits in all.
 * S2  A history that fits S1 is never held as a `KeyIndex`, so compaction and `undo` give the memory back.
 *
 * No etcd counterpart. A million keys written once cost no object at all beyond the key's string.
 */
import { subAt } from './generation.ts';
import { KeyIndex, type Found } from './key-index.ts';
import type { RevisionSet } from './revision-set.ts';

export type Slot = number | KeyIndex;

const SUB_SCALE = 2 ** 20;
const MAIN_LIMIT = 2 ** 32;

/** The slot of a key put for the first time. */
export function firstPut(main: number, sub: number): Slot {
  if (fits(main, sub)) return pack(main, sub);
  const index = new KeyIndex();
  index.put(main, sub);
  return index;
}

function mainOf(slot: number): number {
  return Math.floor(slot);
}

function subOf(slot: number): number {
  return (slot - Math.floor(slot)) * SUB_SCALE;
}

/** A `KeyIndex` to work on; the tree must be given it when the slot was a number. */
export function expanded(slot: Slot): KeyIndex {
  if (typeof slot !== 'number') return slot;
  const index = new KeyIndex();
  index.put(mainOf(slot), subOf(slot));
  return index;
}

/** The smallest slot for this history (S2). */
export function reduced(index: KeyIndex): Slot {
  const { mains, version, createdMain, older } = index;
  // Version 1 is the creation, so creation and revision have the same sub.
  if (version !== 1 || mains !== createdMain || older !== undefined) return index;
  const sub = subAt(index, 0);
  return fits(createdMain, sub) ? pack(createdMain, sub) : index;
}

export function isLive(slot: Slot): boolean {
  return typeof slot === 'number' || slot.isLive;
}

/** As `KeyIndex.find`. */
export function findIn(slot: Slot, atMain: number, into: Found): boolean {
  if (typeof slot !== 'number') return slot.find(atMain, into);
  const main = mainOf(slot);
  if (main > atMain) return false;
  into.main = into.createdMain = main;
  into.sub = into.createdSub = subOf(slot);
  into.version = 1;
  return true;
}

/** As `KeyIndex.keep`; of a key that was put once, compaction keeps the same. */
export function keepOf(slot: Slot, atMain: number, kept: RevisionSet): void {
  if (typeof slot !== 'number') slot.keep(atMain, kept);
  else if (mainOf(slot) <= atMain) kept.add(mainOf(slot), subOf(slot));
}

function fits(main: number, sub: number): boolean {
  return sub === 0 || (sub < SUB_SCALE && main < MAIN_LIMIT);
}

function pack(main: number, sub: number): number {
  return sub === 0 ? main : main + sub / SUB_SCALE;
}
