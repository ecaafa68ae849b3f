/**
 * One life of a key, from its creation to its deletion, packed into as few words as plain JavaScript allows.
 *
 * GE1  Revisions are strictly ascending. `version` counts every revision ever added, the tombstone included;
 *     dropping old ones does not reduce it, taking new ones back does.
 * GE2  `mains` is one bare number while there is one revision, an array from two on, and undefined for none.
 * GE3  `subs` exists only while some sub, the creation's included, is not 0. Then `subs[0]` belongs to the creation
 *     and `subs[i + 1]` to revision `i`.
 * GE4  An empty generation is all zeros: nothing of an earlier life lingers in it.
 *
 * etcd: `generation` in server/storage/mvcc/key_index.go (spec section 4). Departs: no object per revision.
 */

export interface Generation {
  createdMain: number;
  version: number;
  mains: number | number[] | undefined;
  subs: number[] | undefined;
}

/** Up to so many revisions a list is copied to its exact size: `push` would reserve room for 17 more. */
const EXACT_LIMIT = 8;

export function countOf(generation: Generation): number {
  const { mains } = generation;
  return typeof mains === 'number' ? 1 : mains === undefined ? 0 : mains.length;
}

export function mainAt(generation: Generation, position: number): number {
  const { mains } = generation;
  return typeof mains === 'number' ? mains : mains![position]!;
}

export function subAt(generation: Generation, position: number): number {
  return generation.subs === undefined ? 0 : generation.subs[position + 1]!;
}

export function createdSubOf(generation: Generation): number {
  return generation.subs === undefined ? 0 : generation.subs[0]!;
}

export function firstMain(generation: Generation): number {
  return mainAt(generation, 0);
}

export function lastMain(generation: Generation): number {
  return mainAt(generation, countOf(generation) - 1);
}

/** The newest revision with a main at or before `atMain`, whatever its sub; -1 for none. */
export function positionAt(generation: Generation, atMain: number): number {
  const { mains } = generation;
  if (typeof mains === 'number') return mains <= atMain ? 0 : -1;
  if (mains === undefined) return -1;
  // Most reads want the newest, so it is looked at before any halving.
  let high = mains.length - 1;
  if (mains[high]! <= atMain) return high;
  let low = -1;
  // mains[low] <= atMain < mains[high]
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (mains[middle]! <= atMain) low = middle;
    else high = middle;
  }
  return low;
}

/** The caller has checked that the revision is newer than every other of the key. */
export function appendRevision(generation: Generation, main: number, sub: number): void {
  const { mains, subs } = generation;
  generation.version++;
  if (mains === undefined) {
    generation.createdMain = main;
    generation.mains = main;
    generation.subs = sub === 0 ? undefined : [sub, sub];
    return;
  }
  if (subs !== undefined) generation.subs = grown(subs, sub);
  // One literal for what a large deletion makes of each of its keys.
  else if (sub !== 0 && typeof mains === 'number') generation.subs = [0, 0, sub];
  else if (sub !== 0) generation.subs = grown(zeros(countOf(generation) + 1), sub);
  generation.mains = typeof mains === 'number' ? [mains, main] : grown(mains, main);
}

/** Forgets the oldest `count` revisions; creation and version stay. At least one revision must remain. */
export function dropOldest(generation: Generation, count: number): void {
  const { mains, subs } = generation;
  if (count === 0 || !Array.isArray(mains)) return;
  generation.mains = mains.length - count === 1 ? mains[count] : mains.slice(count);
  if (subs !== undefined) generation.subs = packedSubs([subs[0]!, ...subs.slice(count + 1)]);
}

/** Takes the newest revision back as if it had never been added. */
export function takeBackNewest(generation: Generation): void {
  const { mains, subs } = generation;
  if (!Array.isArray(mains)) {
    emptyOut(generation);
    return;
  }
  generation.version--;
  generation.mains = mains.length === 2 ? mains[0] : mains.slice(0, -1);
  if (subs !== undefined) generation.subs = packedSubs(subs.slice(0, -1));
}

export function emptyOut(generation: Generation): void {
  generation.createdMain = 0;
  generation.version = 0;
  generation.mains = undefined;
  generation.subs = undefined;
}

/** The content of `generation` as an object of its own. */
export function detached({ createdMain, version, mains, subs }: Generation): Generation {
  return { createdMain, version, mains, subs };
}

export function copyInto(target: Generation, { createdMain, version, mains, subs }: Generation): void {
  target.createdMain = createdMain;
  target.version = version;
  target.mains = mains;
  target.subs = subs;
}

/** `list` with `item` at its end; the list itself may change. */
export function grown<T>(list: T[], item: T): T[] {
  const length = list.length;
  if (length >= EXACT_LIMIT) {
    list.push(item);
    return list;
  }
  return list.concat([item]);
}

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}

function packedSubs(subs: number[]): number[] | undefined {
  return subs.some((sub) => sub !== 0) ? subs : undefined;
}
