/**
 * The changes of a commit as the Backend keeps them: places in blocks, five numbers a change, and no object.
 *
 *   block   ... | room before | key | value | room after | room before | next key | ...
 *                             start keyEnd  end
 *
 * PKC1  A row's value follows its key in the same block. Around both lies the room that the engine asked for (`Room`), so rows
 *       that were written one after the other into one block are one piece of it, from the first room to the last.
 * PKC2  What a place says never changes, apart from the room, which is the engine's. Places from `length` on are written anew:
 *       they were those of a section that was undone.
 * PKC3  `key`, `value` and iterating make arrays and objects when somebody asks, anew each time. Up to 64 bytes they are copies
 *       and keep no block alive; longer ones are views of a block of at most 1 MiB, or of one that the row has for itself.
 * PKC4  Blocks of which a view was given out in this way are remembered: they are never written again.
 *
 * Ten thousand changes wait in memory at a time: what three objects each would cost the collector is more than all the
 * rest of a put.
 */
import type { Bucket } from './bucket.ts';
import type { Change, Changes, Room } from './engine.ts';

/** Up to so many bytes a copy of its own is no dearer than a view: V8 keeps it within the object. */
const smallest = 64;
const stride = 5;
/** So many rows lie within the array object. */
const fewestRows = 3;
const types = ['put', 'delete', 'createBucket', 'deleteBucket'] as const;
const typeBits = 2;
const noBlock = new Uint8Array(0);
const noWords = new Uint32Array(0);

export const noRoom: Room = Object.freeze({ before: 0, after: 0 });

export class PackedChanges implements Changes {
  /** What is free around each row. */
  readonly room: Room;
  #length = 0;
  /** Bucket's number and type, block's number, start, end of the key, end. */
  #words: Uint32Array;
  readonly #buckets: Bucket[] = [];
  readonly #blocks: Uint8Array[] = [noBlock];
  /** Of the blocks, by number, once they were asked for. */
  readonly #views: (DataView | undefined)[] = [];
  /** By number of the block (PKC4). */
  readonly #viewed: true[] = [];
  #lastBucket: Bucket | undefined;
  #bucketNumber = 0;
  #lastBlock: Uint8Array = noBlock;
  #blockNumber = 0;

  /**
   * @param expected about how many changes will come
   * @param words of changes that nobody looks at any more (`takeWords`), to be written anew
   */
  constructor(room: Room = noRoom, expected: number = fewestRows, words?: Uint32Array) {
    this.room = room;
    this.#words = words ?? new Uint32Array(stride * Math.max(fewestRows, expected));
  }

  get length(): number {
    return this.#length;
  }

  type(index: number): Change['type'] {
    return types[this.#words[stride * index]! & ((1 << typeBits) - 1)]!;
  }

  isPut(index: number): boolean {
    return (this.#words[stride * index]! & ((1 << typeBits) - 1)) === 0;
  }

  bucket(index: number): Bucket {
    return this.#buckets[this.#words[stride * index]! >>> typeBits]!;
  }

  /** Where key and value of a put, or the key of a delete, lie. */
  block(index: number): Uint8Array {
    return this.#blocks[this.#words[stride * index + 1]!]!;
  }

  /** Of the same bytes as `block`: made once a block, for checksums. */
  view(index: number): DataView {
    const number = this.#words[stride * index + 1]!;
    return (this.#views[number] ??= viewOf(this.#blocks[number]!));
  }

  /** Where the key begins in the block. */
  start(index: number): number {
    return this.#words[stride * index + 2]!;
  }

  /** Where the key ends, and a put's value begins. */
  keyEnd(index: number): number {
    return this.#words[stride * index + 3]!;
  }

  /** Where the value ends. */
  end(index: number): number {
    return this.#words[stride * index + 4]!;
  }

  key(index: number): Uint8Array {
    return this.#part(index, this.start(index), this.keyEnd(index));
  }

  value(index: number): Uint8Array {
    return this.#part(index, this.keyEnd(index), this.end(index));
  }

  /** Adds the blocks of which views were given out, or all in which a row lies. */
  addViewed(into: WeakSet<Uint8Array>, all: boolean): void {
    const { length } = all ? this.#blocks : this.#viewed;
    for (let number = 1; number < length; number += 1) {
      if (all || this.#viewed[number] === true) into.add(this.#blocks[number]!);
    }
  }

  hasBlock(block: Uint8Array): boolean {
    return this.#blocks.includes(block);
  }

  /** Order of a row's key against the key that is `bytes` from `from` to `to`. */
  compareKey(index: number, bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
    const words = this.#words;
    const at = stride * index;
    const block = this.#blocks[words[at + 1]!]!;
    const start = words[at + 2]!;
    const length = words[at + 3]! - start;
    const otherLength = to - from;
    const common = length < otherLength ? length : otherLength;
    for (let i = 0; i < common; i += 1) {
      const difference = block[start + i]! - bytes[from + i]!;
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  /** As an object of its own. */
  change(index: number): Change {
    const type = this.type(index);
    const bucket = this.bucket(index);
    if (type === 'put') return { type, bucket, key: this.key(index), value: this.value(index) };
    return type === 'delete' ? { type, bucket, key: this.key(index) } : { type, bucket };
  }

  *[Symbol.iterator](): Generator<Change, undefined, undefined> {
    for (let index = 0; index < this.#length; index += 1) yield this.change(index);
    return undefined;
  }

  // For those who make one.

  /** A put or a delete whose bytes lie in `block`, which nobody changes any more; a delete has `keyEnd` as its end. */
  pushRow(type: 'put' | 'delete', bucket: Bucket, block: Uint8Array, start: number, keyEnd: number, end: number): void {
    if (block !== this.#lastBlock) {
      this.#lastBlock = block;
      this.#blockNumber = this.#blocks.push(block) - 1;
    }
    this.#push(type === 'put' ? 0 : 1, bucket, this.#blockNumber, start, keyEnd, end);
  }

  pushBucket(type: 'createBucket' | 'deleteBucket', bucket: Bucket): void {
    this.#push(type === 'createBucket' ? 2 : 3, bucket, 0, 0, 0, 0);
  }

  /** The memory in which the places stand, for other changes: these are none any more. */
  takeWords(): Uint32Array {
    const words = this.#words;
    this.#words = noWords;
    this.#length = 0;
    return words;
  }

  /** Takes back all changes from `length` on. */
  cut(length: number): void {
    this.#length = length;
  }

  #push(type: number, bucket: Bucket, block: number, start: number, keyEnd: number, end: number): void {
    if (bucket !== this.#lastBucket) this.#number(bucket);
    const at = stride * this.#length;
    if (at === this.#words.length) this.#grow();
    const words = this.#words;
    words[at] = (this.#bucketNumber << typeBits) | type;
    words[at + 1] = block;
    words[at + 2] = start;
    words[at + 3] = keyEnd;
    words[at + 4] = end;
    this.#length += 1;
  }

  /** The bytes from `start` to `end` of the row's block (PKC3). */
  #part(index: number, start: number, end: number): Uint8Array {
    const number = this.#words[stride * index + 1]!;
    const block = this.#blocks[number]!;
    const length = end - start;
    if (length > smallest) {
      this.#viewed[number] = true;
      return new Uint8Array(block.buffer, block.byteOffset + start, length);
    }
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) bytes[i] = block[start + i]!;
    return bytes;
  }

  #number(bucket: Bucket): void {
    let number = this.#buckets.indexOf(bucket);
    if (number < 0) number = this.#buckets.push(bucket) - 1;
    this.#lastBucket = bucket;
    this.#bucketNumber = number;
  }

  #grow(): void {
    const words = new Uint32Array(4 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
  }
}

/**
 * Changes as places in blocks, with at least that room around each row: what the Backend gives an engine is so already if the
 * engine's `room` asked for it, all else is copied.
 */
export function packChanges(changes: Changes, room: Room = noRoom): PackedChanges {
  if (changes instanceof PackedChanges && covers(changes.room, room)) return changes;
  const packed = new PackedChanges(room, changes.length);
  for (const change of changes) {
    if (change.type === 'createBucket' || change.type === 'deleteBucket') {
      packed.pushBucket(change.type, change.bucket);
      continue;
    }
    const { key } = change;
    const value = change.type === 'put' ? change.value : noBlock;
    const keyEnd = room.before + key.length;
    const block = new Uint8Array(keyEnd + value.length + room.after);
    block.set(key, room.before);
    block.set(value, keyEnd);
    packed.pushRow(change.type, change.bucket, block, room.before, keyEnd, keyEnd + value.length);
  }
  return packed;
}

function viewOf(block: Uint8Array): DataView {
  return new DataView(block.buffer, block.byteOffset, block.length);
}

function covers(has: Room, wanted: Room): boolean {
  return has.before >= wanted.before && has.after >= wanted.after;
}
