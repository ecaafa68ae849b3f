/**
 * A history of some revisions and lives as a run of words: a few for the key, and one or two for a revision.
 *
 *   record      info, then the last generation's head, then the older generations, then the last one's revisions
 *   info        words in use + 2^8 if there are subs + 2^9 * older generations
 *   generation  head: main of the creation, version, number of revisions, [sub of the creation]; revisions: main, [sub]
 *
 * PRC1  The newest revision is the last of the record, whether the key is live or not: adding one is writing behind the end.
 * PRC2  What does not fit (a number from 2^32 on, more words than the largest record) stays a `KeyIndex`: one with so many revisions
 *     is worth an object.
 *
 * No etcd counterpart.
 */
import * as life from './generation.ts';
import type { Generation } from './generation.ts';
import { KeyIndex, type Found } from './key-index.ts';
import { MOST_WORDS } from './record-pool.ts';

/** What a word can hold is less. */
export const WORD_LIMIT: number = 2 ** 32;
export const OLDER_SHIFT = 9;
/** Words of a generation's head without subs. */
export const HEAD = 3;
const HAS_SUBS = 1 << 8;
const USED = HAS_SUBS - 1;

export function usedOf(info: number): number {
  return info & USED;
}

/** 1 where each revision, and each creation, has a word for its sub, else 0. */
export function subsOf(info: number): 0 | 1 {
  return (info & HAS_SUBS) === 0 ? 0 : 1;
}

export function infoOf(used: number, subs: number, olderN: number): number {
  return used + (subs > 0 ? HAS_SUBS : 0) + (olderN << OLDER_SHIFT);
}

/** Words of the record, 0 where the history does not fit (PRC2). @param subs of `needsSubs` */
export function wordsOf(index: KeyIndex, subs: number): number {
  let words = 1;
  for (let i = 0; i < index.generationCount; i++) {
    const generation = index.generation(i);
    const count = life.countOf(generation);
    words += HEAD + subs + count * (1 + subs);
    if (words > MOST_WORDS || generation.version >= WORD_LIMIT) return 0;
    if (count > 0 && life.lastMain(generation) >= WORD_LIMIT) return 0;
    if (generation.subs?.some((sub) => sub >= WORD_LIMIT) === true) return 0;
  }
  return words;
}

export function needsSubs(index: KeyIndex): 0 | 1 {
  return index.subs !== undefined || index.older?.some(({ subs }) => subs !== undefined) === true ? 1 : 0;
}

/** @param used as `wordsOf` tells */
export function writeRecord(words: Uint32Array, at: number, index: KeyIndex, used: number, subs: number): void {
  const olderN = index.generationCount - 1;
  words[at] = infoOf(used, subs, olderN);
  let end = writeHead(words, at + 1, index, subs);
  for (let i = 0; i < olderN; i++) {
    const generation = index.generation(i);
    end = writeRevisions(words, writeHead(words, end, generation, subs), generation, subs);
  }
  writeRevisions(words, end, index, subs);
}

function writeHead(words: Uint32Array, at: number, generation: Generation, subs: number): number {
  words[at] = generation.createdMain;
  words[at + 1] = generation.version;
  words[at + 2] = life.countOf(generation);
  if (subs > 0) words[at + HEAD] = life.createdSubOf(generation);
  return at + HEAD + subs;
}

function writeRevisions(words: Uint32Array, at: number, generation: Generation, subs: number): number {
  let end = at;
  const count = life.countOf(generation);
  for (let i = 0; i < count; i++) {
    words[end++] = life.mainAt(generation, i);
    if (subs > 0) words[end++] = life.subAt(generation, i);
  }
  return end;
}

/** The same history as an object. */
export function readRecord(words: Uint32Array, at: number): KeyIndex {
  const subs = subsOf(words[at]!);
  const index = new KeyIndex();
  let head = at + 1 + HEAD + subs;
  const olderN = words[at]! >>> OLDER_SHIFT;
  if (olderN > 0) {
    const older: Generation[] = [];
    for (let left = olderN; left > 0; left--) {
      const generation = { createdMain: 0, version: 0, mains: undefined, subs: undefined };
      head = readGeneration(words, head, head + HEAD + subs, subs, generation);
      older.push(generation);
    }
    index.older = older;
  }
  if (words[at + 3]! > 0) readGeneration(words, at + 1, head, subs, index);
  return index;
}

/** @returns where its revisions end */
function readGeneration(words: Uint32Array, head: number, at: number, withSubs: number, into: Generation): number {
  const count = words[head + 2]!;
  const stride = 1 + withSubs;
  into.createdMain = words[head]!;
  into.version = words[head + 1]!;
  into.mains = count === 1 ? words[at]! : Array.from({ length: count }, (_, i) => words[at + i * stride]!);
  if (withSubs > 0) {
    const subs = [words[head + HEAD]!];
    for (let i = 0; i < count; i++) subs.push(words[at + i * stride + 1]!);
    // Another generation may be the one that has some.
    into.subs = subs.some((sub) => sub !== 0) ? subs : undefined;
  }
  return at + count * stride;
}

/** As `KeyIndex.find`. */
export function findInRecord(words: Uint32Array, at: number, atMain: number, into: Found): boolean {
  const info = words[at]!;
  const subs = subsOf(info);
  const last = words[at + 3]!;
  const first = at + usedOf(info) - last * (1 + subs);
  if (last > 0 && words[first]! <= atMain) {
    fill(words, at + 1, first, subs, atMain, into);
    return true;
  }
  let found = -1;
  let head = at + 1 + HEAD + subs;
  for (let left = info >>> OLDER_SHIFT; left > 0; left--) {
    const revisions = head + HEAD + subs;
    if (words[revisions]! > atMain) break;
    found = head;
    head = revisions + words[head + 2]! * (1 + subs);
  }
  if (found < 0) return false;
  const revisions = found + HEAD + subs;
  // At the very revision of its deletion a key does not exist.
  if (words[revisions + (words[found + 2]! - 1) * (1 + subs)]! <= atMain) return false;
  fill(words, found, revisions, subs, atMain, into);
  return true;
}

/** The revision at `atMain` of a generation that has one, in `into`. */
function fill(words: Uint32Array, head: number, revisions: number, subs: number, atMain: number, into: Found): void {
  const count = words[head + 2]!;
  const position = positionIn(words, revisions, count, 1 + subs, atMain);
  const at = revisions + position * (1 + subs);
  into.main = words[at]!;
  into.sub = subs === 0 ? 0 : words[at + 1]!;
  into.createdMain = words[head]!;
  into.createdSub = subs === 0 ? 0 : words[head + HEAD]!;
  into.version = words[head + 1]! - (count - position - 1);
}

/** Of so many revisions the newest at or before `atMain`; the first one is. */
export function positionIn(words: Uint32Array, first: number, count: number, stride: number, atMain: number): number {
  let low = 0;
  let high = count - 1;
  // Most reads want the newest, so it is looked at before any halving.
  if (words[first + high * stride]! <= atMain) return high;
  // low is at or before atMain, high behind it
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (words[first + middle * stride]! <= atMain) low = middle;
    else high = middle;
  }
  return low;
}
