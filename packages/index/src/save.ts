/**
 * The index as of a revision, as blocks of bytes, written beside the writers.
 *
 * SAV1  A slice is a few hundred keys, or one with a long history: less than a block, because code that has seldom run takes ten times as
 *     long. Between two of them anything may be put, deleted and taken back: that is newer, and left out.
 * SAV2  A compaction at or below the revision may come in between: some keys are compacted, and some are not. Who loads the blocks
 *     compacts what it got at least so far. One above the revision makes them worthless.
 */
import { nextByteKey } from '@varve/base/order';
import { BlockWriter } from './block-writer.ts';
import { countOf, positionAt, type Generation } from './generation.ts';
import type { Found, KeyIndex } from './key-index.ts';
import { STOP, type SlotTree } from './slot-tree.ts';
import type { RecordView } from './packed-histories.ts';
import { HEAD, OLDER_SHIFT, positionIn, subsOf } from './packed-record.ts';
import { isHistory, type Slots } from './slot.ts';

const BLOCK_BYTES = 1 << 15;
/** Of a slice: keys, and bytes of their lives. */
const SLICE_KEYS = 256;
const SLICE_BYTES = 1 << 12;
const NO_END = new Uint8Array(0);
const EMPTY: Generation = { createdMain: 0, version: 0, mains: undefined, subs: undefined };

export function* saveTree(
  tree: SlotTree,
  slots: Slots,
  atMain: number,
  blockBytes: number = BLOCK_BYTES,
): Generator<Uint8Array | undefined, number, void> {
  if (!Number.isSafeInteger(atMain)) throw new RangeError(`atMain must be a whole number, not ${atMain}`);
  const writer = new BlockWriter();
  const found: Found = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };
  let keys = 0;
  let from = '';
  for (let isEnd = false; !isEnd;) {
    isEnd = true;
    let left = SLICE_KEYS;
    const most = Math.min(blockBytes, writer.length + SLICE_BYTES);
    tree.visit(from, NO_END, (key, slot) => {
      if (typeof slot !== 'number') {
        if (addGenerations(writer, key, slot, atMain)) keys++;
      } else if (isHistory(slot)) {
        if (addRecord(writer, key, slots.view(slot), atMain)) keys++;
      } else if (slots.find(slot, atMain, found)) {
        keys++;
        if (slot < 0) writer.oneLater(key, found.main, found.sub, found.createdMain, found.version);
        else writer.putOnce(key, found.main, found.sub);
      }
      left--;
      if (writer.length < most && left > 0) return undefined;
      isEnd = false;
      from = nextByteKey(key);
      return STOP;
    });
    const block = isEnd || writer.length >= blockBytes ? writer.take() : undefined;
    if (block !== undefined || !isEnd) yield block;
  }
  return keys;
}

/** @returns whether the key had any history at `atMain` */
function addGenerations(writer: BlockWriter, key: string, index: KeyIndex, atMain: number): boolean {
  const generations: Generation[] = [];
  const counts: number[] = [];
  for (let i = 0; i < index.generationCount; i++) {
    const generation = index.generation(i);
    const count = positionAt(generation, atMain) + 1;
    if (count === 0) break;
    generations.push(generation);
    counts.push(count);
  }
  const last = generations.length - 1;
  if (last < 0) return false;
  // All but the key's last generation end with a deletion: if that is among what is meant, the key was deleted.
  const isDeleted = last < index.generationCount - 1 && counts[last] === countOf(generations[last]!);
  if (isDeleted) {
    generations.push(EMPTY);
    counts.push(0);
  }
  writer.generations(key, generations, counts);
  return true;
}

/** As `addGenerations`, of a packed history. */
function addRecord(writer: BlockWriter, key: string, { words, at }: RecordView, atMain: number): boolean {
  const subs = subsOf(words[at]!);
  const older = words[at]! >>> OLDER_SHIFT;
  const oldest = at + 1 + HEAD + subs;
  let generationN = 0;
  let head = oldest;
  let isDeleted = false;
  for (; generationN < older; generationN++) {
    const revisions = head + HEAD + subs;
    if (words[revisions]! > atMain) break;
    head = revisions + words[head + 2]! * (1 + subs);
    isDeleted = words[head - 1 - subs]! <= atMain;
  }
  const hasLast = generationN === older && words[at + 3]! > 0 && words[head]! <= atMain;
  if (generationN === 0 && !hasLast) return false;
  writer.begin(key, generationN + (hasLast || isDeleted ? 1 : 0));
  head = oldest;
  for (let left = generationN; left > 0; left--) head = addLife(writer, words, head, head + HEAD + subs, subs, atMain);
  if (hasLast) addLife(writer, words, at + 1, head, subs, atMain);
  else if (isDeleted) writer.generation(0, 0, 0, -1);
  return true;
}

/** @returns where its revisions end */
function addLife(
  writer: BlockWriter,
  words: Uint32Array,
  head: number,
  first: number,
  subs: number,
  atMain: number,
): number {
  const stride = 1 + subs;
  const all = words[head + 2]!;
  const count = positionIn(words, first, all, stride, atMain) + 1;
  writer.generation(count, words[head]!, words[head + 1]! - (all - count), subs > 0 ? words[head + HEAD]! : -1);
  for (let i = 0; i < count; i++)
    writer.revision(words[first + i * stride]!, subs > 0 ? words[first + i * stride + 1]! : -1);
  return first + all * stride;
}
