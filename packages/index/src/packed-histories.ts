/**
 * Keys with some revisions as records in a pool: no object, whatever is done to them.
 *
 * PH1  Where the key's place changes, the old place is free: the tree is to be told at once.
 *
 * No etcd counterpart. As objects, a key with ten revisions took 350 bytes in three of them, of which each put made two anew: the
 * collector copied and followed them all (decisions/0048).
 */
import type { KeyIndex, Found } from './key-index.ts';
import {
  findInRecord,
  HEAD,
  infoOf,
  needsSubs,
  OLDER_SHIFT,
  readRecord,
  subsOf,
  usedOf,
  WORD_LIMIT,
  wordsOf,
  writeRecord,
} from './packed-record.ts';
import { copyLeft, cutRecord, newCut, readOnly, wordsLeft, type Cut } from './record-cut.ts';
import { MOST_WORDS, RecordPool } from './record-pool.ts';

/** Where a record is: from `at` on in `words`. */
export interface RecordView {
  words: Uint32Array;
  at: number;
}

/** Whether this history can be a record. */
export function fitsRecord(index: KeyIndex): boolean {
  return wordsOf(index, needsSubs(index)) > 0;
}

export class PackedHistories {
  readonly #pool = new RecordPool();
  readonly #cut: Cut = newCut();
  readonly #view: RecordView = { words: new Uint32Array(0), at: 0 };

  get size(): number {
    return this.#pool.size;
  }

  /** Returns the place; -1 where the history does not fit. */
  add(index: KeyIndex): number {
    const subs = needsSubs(index);
    const words = wordsOf(index, subs);
    const place = words === 0 ? -1 : this.#pool.add(words);
    if (place < 0) return -1;
    const chunk = this.#pool.chunkOf(place);
    writeRecord(chunk.words, chunk.startOf(place), index, words, subs);
    return place;
  }

  /** As `add`, of what is a record already. Copies it. */
  addRecord(words: Uint32Array, used: number): number {
    const place = this.#pool.add(used);
    if (place < 0) return -1;
    const chunk = this.#pool.chunkOf(place);
    const start = chunk.startOf(place);
    for (let i = 0; i < used; i++) chunk.words[start + i] = words[i]!;
    return place;
  }

  /**
   * As `add`, of a life with two revisions, whose numbers are below 2^32. @param version of the second
   * @param more words that are needed soon
   */
  addPair(life: Readonly<Found>, version: number, main: number, sub: number, more: number): number {
    const subs = life.createdSub !== 0 || life.sub !== 0 || sub !== 0 ? 1 : 0;
    const used = 1 + HEAD + subs + 2 * (1 + subs);
    const place = this.#pool.add(used + more);
    if (place < 0) return -1;
    const chunk = this.#pool.chunkOf(place);
    const { words } = chunk;
    let at = chunk.startOf(place);
    words[at++] = infoOf(used, subs, 0);
    words[at++] = life.createdMain;
    words[at++] = version;
    words[at++] = 2;
    if (subs > 0) words[at++] = life.createdSub;
    words[at++] = life.main;
    if (subs > 0) words[at++] = life.sub;
    words[at++] = main;
    if (subs > 0) words[at++] = sub;
    return place;
  }

  /** Adds a revision, which is newer: returns the place, -1 where the history does not fit any more (PH1). */
  put(place: number, main: number, sub: number): number {
    return this.#append(place, main, sub, 0);
  }

  /** As `put`, a deletion; the key is live. */
  tombstone(before: number, main: number, sub: number): number {
    const place = this.#append(before, main, sub, HEAD + 1);
    if (place >= 0) this.bury(place);
    return place;
  }

  /** Ends the last generation, whose newest revision is a deletion; there is room for a head. */
  bury(place: number): void {
    const { words, at } = this.view(place);
    const info = words[at]!;
    const subs = subsOf(info);
    const head = HEAD + subs;
    const end = at + usedOf(info);
    // The last generation's head goes in front of its revisions, and an empty one takes its place.
    const revisions = end - words[at + 3]! * (1 + subs);
    words.copyWithin(revisions + head, revisions, end);
    words.copyWithin(revisions, at + 1, at + 1 + head);
    words.fill(0, at + 1, at + 1 + head);
    words[at] = info + head + (1 << OLDER_SHIFT);
  }

  remove(place: number): void {
    this.#pool.remove(place);
  }

  /** All that is there is about to be visited, and what stays to be moved by `trimmed`. */
  renew(): void {
    this.#pool.renew();
  }

  isLive(place: number): boolean {
    const { words, at } = this.view(place);
    return words[at + 3]! > 0;
  }

  newestMain(place: number): number {
    const { words, at } = this.view(place);
    const info = words[at]!;
    return words[at + usedOf(info) - 1 - subsOf(info)]!;
  }

  /** As `KeyIndex.find`. */
  find(place: number, atMain: number, into: Found): boolean {
    const chunk = this.#pool.chunkOf(place);
    return findInRecord(chunk.words, chunk.startOf(place), atMain, into);
  }

  /** The same history as an object. */
  expanded(place: number): KeyIndex {
    const { words, at } = this.view(place);
    return readRecord(words, at);
  }

  /** The record, valid until the next call of anything. */
  view(place: number): RecordView {
    const chunk = this.#pool.chunkOf(place);
    const view = this.#view;
    view.words = chunk.words;
    view.at = chunk.startOf(place);
    return view;
  }

  /** What compaction at `atMain` leaves, valid until the next call of anything but `only` and `trimmed`. */
  cut(place: number, atMain: number): Cut {
    const { words, at } = this.view(place);
    cutRecord(words, at, atMain, this.#cut);
    return this.#cut;
  }

  /** The only revision that the cut leaves, in `into`. */
  only(place: number, cut: Cut, into: Found): void {
    const { words, at } = this.view(place);
    readOnly(words, at, cut, into);
  }

  /** What the cut leaves, in a chunk that stays: returns the place, -1 where there is none left (PH1). */
  trimmed(place: number, cut: Cut): number {
    const chunk = this.#pool.chunkOf(place);
    const at = chunk.startOf(place);
    const used = wordsLeft(chunk.words, at, cut);
    if (used === usedOf(chunk.words[at]!) && !chunk.isSealed) return place;
    const after = this.#pool.add(used);
    if (after < 0) return -1;
    const target = this.#pool.chunkOf(after);
    copyLeft(chunk.words, at, cut, target.words, target.startOf(after));
    this.#pool.remove(place);
    return after;
  }

  /** @param more words that are needed behind it */
  #append(before: number, main: number, sub: number, more: number): number {
    let place = before;
    let chunk = this.#pool.chunkOf(place);
    let at = chunk.startOf(place);
    const info = chunk.words[at]!;
    const subs = subsOf(info);
    const used = usedOf(info);
    const needed = used + 1 + subs + more;
    const isTooMuch = main >= WORD_LIMIT || sub >= WORD_LIMIT || (sub > 0 && subs === 0) || needed > MOST_WORDS;
    if (isTooMuch || chunk.words[at + 2]! >= WORD_LIMIT - 1) return -1;
    if (needed > chunk.size) {
      place = this.#pool.add(needed);
      if (place < 0) return -1;
      const larger = this.#pool.chunkOf(place);
      const start = larger.startOf(place);
      for (let i = 0; i < used; i++) larger.words[start + i] = chunk.words[at + i]!;
      this.#pool.remove(before);
      chunk = larger;
      at = start;
    }
    const { words } = chunk;
    words[at] = info + 1 + subs;
    words[at + 2]! += 1;
    const isFirst = words[at + 3] === 0;
    if (isFirst) {
      words[at + 1] = main;
      if (subs > 0) words[at + 4] = sub;
    }
    words[at + 3]! += 1;
    words[at + used] = main;
    if (subs > 0) words[at + used + 1] = sub;
    return place;
  }
}
