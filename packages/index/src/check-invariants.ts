/**
 * The structural rules of spec section 4 and of this package's own packing, checked one by one.
 *
 * For tests: every rule is checked on the data itself, never through the code that is meant to uphold it.
 */
import { IndexError } from './errors.ts';
import type { Generation } from './generation.ts';
import type { KeyIndex } from './key-index.ts';
import type { SlotTree } from './slot-tree.ts';
import { formOf, isHistory, type Slot, type Slots } from './slot.ts';

/** @throws IndexError `INDEX_CORRUPT` naming the rule. */
export function checkTree(tree: SlotTree, slots: Slots, liveKeys: number): void {
  tree.checkInvariants();
  let live = 0;
  const places = new Set<number>();
  for (const [, slot] of tree.entries()) {
    const index = slots.expanded(slot);
    checkKey(index);
    if (index.isLive) live++;
    rule(slots.isLive(slot) === index.isLive, 'SLT3: in every form a key is live or not');
    rule(!index.isEmpty, 'CTI1: a key in the tree has some history');
    rule(formOf(index) === formOfSlot(slot), 'SLT3: a history is held in the first form that it fits');
    if (typeof slot !== 'number' || slot >= 0) continue;
    rule(!places.has(slot), 'SLT2: a place belongs to one key');
    places.add(slot);
  }
  rule(places.size === slots.packed, 'SLT4: every place belongs to a key');
  rule(live === liveKeys, `CTI2: ${live} keys are live, not ${liveKeys}`);
}

export function checkKey(index: KeyIndex): void {
  const older = index.older ?? [];
  rule(index.older === undefined || older.length > 0, 'KI4: no empty list of older generations');
  let main = -1;
  let sub = -1;
  for (const generation of [...older, index]) {
    const mains = checkPacking(generation);
    if (generation !== index) rule(mains.length > 0, 'KI1: an older generation is not empty');
    mains.forEach((next, i) => {
      const nextSub = generation.subs?.[i + 1] ?? 0;
      rule(next > main || (next === main && nextSub > sub), 'GE1: revisions ascend');
      [main, sub] = [next, nextSub];
    });
  }
}

function checkPacking(generation: Generation): readonly number[] {
  const { mains, subs, version, createdMain } = generation;
  if (mains === undefined) {
    rule(version === 0 && createdMain === 0 && subs === undefined, 'GE4: an empty generation is all zeros');
    return [];
  }
  const list = typeof mains === 'number' ? [mains] : mains;
  rule(typeof mains === 'number' || list.length > 1, 'GE2: a single revision is a bare number');
  rule(subs === undefined || subs.length === list.length + 1, 'GE3: one sub for the creation and for each revision');
  rule(subs === undefined || subs.some((sub) => sub !== 0), 'GE3: subs exist only while one is not 0');
  rule(version >= list.length, 'GE1: the version counts every revision');
  const createdSub = subs?.[0] ?? 0;
  const firstSub = subs?.[1] ?? 0;
  rule(
    createdMain < list[0]! || (createdMain === list[0] && createdSub <= firstSub),
    'GE1: a generation is created by its first revision or before it',
  );
  return list;
}

function formOfSlot(slot: Slot): number {
  if (typeof slot !== 'number') return 3;
  return slot >= 0 ? 0 : isHistory(slot) ? 2 : 1;
}

function rule(holds: boolean, text: string): void {
  if (!holds) throw new IndexError('INDEX_CORRUPT', `broken rule ${text}`);
}
