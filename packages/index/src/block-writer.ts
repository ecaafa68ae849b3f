/**
 * Keys and their lives as bytes: what an index checkpoint consists of (docs/spec/log-file.md section 7).
 *
 *   block    number of keys, then each key: bytes shared with the key before, bytes that follow, these bytes; its life
 *   life     0 change                    put once, sub 0                          (change: main less that of the key before, zigzag)
 *            1 change sub                put once
 *            2 change sub age version    one revision, later than the creation, which was `age` transactions before, with sub 0
 *            n change generation ...     n - 3 generations; change to the first one's creation
 *   generation   2 * revisions + 1 if there are subs, 0 for an empty one; creation less the last main before it, zigzag; version;
 *            each revision: main less that of the one before (the first: less the creation, zigzag); with subs: a sub for the creation
 *            and one for each revision, each behind its main
 *
 * BLW1  All numbers are varints of up to 2^53 - 1; a zigzag doubles, so from main 2^52 on a block reads back as `INDEX_CORRUPT`. A block needs no
 *       other: its first key shares nothing, its first change is from 0.
 * BLW2  Keys ascend, and what a key shares is all it can share. So order is checked with one comparison of bytes.
 */
import { writeVarint } from '@varve/base/varint';
import { countOf, createdSubOf, mainAt, subAt, type Generation } from './generation.ts';

/** More than any number takes. */
const LONGEST_NUMBER = 8;
/** A key's own numbers, and those of a life without generations. */
const HEAD_BYTES = 8 * LONGEST_NUMBER;
const FIRST_SIZE = 1 << 16;

export class BlockWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #end = LONGEST_NUMBER;
  #keys = 0;
  #key = '';
  #main = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#end;
  }

  /** A copy of the block; the next one begins. Undefined where nothing was added. */
  take(): Uint8Array | undefined {
    if (this.#keys === 0) return undefined;
    const count = new Uint8Array(LONGEST_NUMBER);
    const counted = writeVarint(count, 0, this.#keys);
    const start = LONGEST_NUMBER - counted;
    this.#bytes.set(count.subarray(0, counted), start);
    const block = this.#bytes.slice(start, this.#end);
    this.#end = LONGEST_NUMBER;
    this.#keys = 0;
    this.#key = '';
    this.#main = 0;
    return block;
  }

  putOnce(key: string, main: number, sub: number): void {
    this.#begin(key);
    this.#number(sub === 0 ? 0 : 1);
    this.#change(main);
    if (sub !== 0) this.#number(sub);
  }

  oneLater(key: string, main: number, sub: number, createdMain: number, version: number): void {
    this.#begin(key);
    this.#number(2);
    this.#change(main);
    this.#number(sub);
    this.#number(main - createdMain);
    this.#number(version);
  }

  /**
   * A key with any history.
   * @param counts how many revisions of each generation are meant; of an empty one, 0
   */
  generations(key: string, generations: readonly Generation[], counts: readonly number[]): void {
    this.begin(key, generations.length);
    for (const [i, generation] of generations.entries()) {
      const count = counts[i]!;
      const hasSubs = generation.subs !== undefined;
      // What is left out was the newest.
      const version = generation.version - (countOf(generation) - count);
      this.generation(count, generation.createdMain, version, hasSubs ? createdSubOf(generation) : -1);
      for (let n = 0; n < count; n++) this.revision(mainAt(generation, n), hasSubs ? subAt(generation, n) : -1);
    }
  }

  /** As `generations`, piece by piece: so many calls of `generation` follow. */
  begin(key: string, generationN: number): void {
    this.#begin(key);
    this.#number(3 + generationN);
  }

  /** So many calls of `revision` follow. @param createdSub -1 where no sub is told, which then are all 0 */
  generation(count: number, createdMain: number, version: number, createdSub: number): void {
    this.#reserve(HEAD_BYTES + count * 2 * LONGEST_NUMBER);
    this.#number(2 * count + (createdSub < 0 ? 0 : 1));
    if (count === 0) return;
    this.#change(createdMain);
    this.#number(version);
    if (createdSub >= 0) this.#number(createdSub);
  }

  revision(main: number, sub: number): void {
    this.#change(main);
    if (sub >= 0) this.#number(sub);
  }

  #begin(key: string): void {
    const before = this.#key;
    const most = Math.min(before.length, key.length);
    let shared = 0;
    while (shared < most && before.charCodeAt(shared) === key.charCodeAt(shared)) shared++;
    this.#reserve(HEAD_BYTES + key.length - shared);
    this.#number(shared);
    this.#number(key.length - shared);
    for (let i = shared; i < key.length; i++) this.#bytes[this.#end++] = key.charCodeAt(i);
    this.#key = key;
    this.#keys++;
  }

  /** What `main` differs from the one before by. */
  #change(main: number): void {
    const change = main - this.#main;
    this.#main = main;
    this.#number(change < 0 ? -2 * change - 1 : 2 * change);
  }

  #number(value: number): void {
    this.#end = writeVarint(this.#bytes, this.#end, value);
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#end + more));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}
