/**
 * A set of revisions, small enough to hold one for every key.
 *
 * RV1  Sub 0 is a bit under its main: a transaction usually changes one key.
 * RV2  Any other sub is a bit under both, main 41 bits and sub 12. What does not fit goes by whole blocks of that size,
 *     each with bits of its own, so the largest revisions are as exact as the smallest.
 *
 * etcd: map[Revision]struct{}. Departs: no object per revision, and no pause when a large set grows.
 */
import { BitSet } from './bit-set.ts';
import type { Revision } from './revision.ts';

const MAIN_BLOCK = 2 ** 41;
const SUB_BLOCK = 2 ** 12;

interface Block {
  readonly firstMain: number;
  readonly firstSub: number;
  readonly bits: BitSet;
}

/** Revisions, such as those that a compaction keeps, as bits of blocks: some bytes each. */
export class RevisionSet {
  readonly #first = new BitSet();
  /** The later subs by block, the block that nearly all are in apart. */
  readonly #lowBlock = new BitSet();
  readonly #highBlocks = new Map<string, Block>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(main: number, sub: number): void {
    if (this.#bits(main, sub, true)!.add(position(main, sub))) this.#size++;
  }

  has(main: number, sub: number): boolean {
    return this.#bits(main, sub, false)?.has(position(main, sub)) ?? false;
  }

  /** In no particular order. */
  *[Symbol.iterator](): IterableIterator<Revision> {
    for (const main of this.#first) yield { main, sub: 0 };
    yield* inBlock({ firstMain: 0, firstSub: 0, bits: this.#lowBlock });
    for (const block of this.#highBlocks.values()) yield* inBlock(block);
  }

  /** Where the revision is, or would be; undefined when there is no such place yet and none is to be made. */
  #bits(main: number, sub: number, make: boolean): BitSet | undefined {
    if (sub === 0) return this.#first;
    if (main < MAIN_BLOCK && sub < SUB_BLOCK) return this.#lowBlock;
    const firstMain = main - (main % MAIN_BLOCK);
    const firstSub = sub - (sub % SUB_BLOCK);
    const name = `${firstMain}.${firstSub}`;
    let block = this.#highBlocks.get(name);
    if (block === undefined && make) {
      block = { firstMain, firstSub, bits: new BitSet() };
      this.#highBlocks.set(name, block);
    }
    return block?.bits;
  }
}

/** The bit of a revision in its own bit set. */
function position(main: number, sub: number): number {
  return sub === 0 ? main : (main % MAIN_BLOCK) * SUB_BLOCK + (sub % SUB_BLOCK);
}

function* inBlock({ firstMain, firstSub, bits }: Block): Generator<Revision, void, void> {
  for (const bit of bits) {
    const sub = bit % SUB_BLOCK;
    yield { main: firstMain + (bit - sub) / SUB_BLOCK, sub: firstSub + sub };
  }
}
