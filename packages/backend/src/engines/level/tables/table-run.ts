/**
 * The entries of tables that follow each other, one after another, from the files themselves.
 *
 * TBL1  Entries come in LevelDB's order: keys ascending, of one key the newest first. Tables are of ascending keys.
 * TBL2  What is read is a mebibyte at most, and the next mebibyte is read meanwhile, over the ends of tables.
 * TBL3  Two buffers take turns in being read into. A block is copied out of them as the run comes to it, into memory that is
 *     written once: values may be views of that. New memory for each read was 100 MB that the process kept after a million rows.
 * TBL4  Only what makes no sense is noticed here. The checksums of the blocks were checked at open; those of the rows are
 *     up to the reader.
 */
import { newBlock } from '@varve/base/block';
import { corruptError } from '../failure.ts';
import { errorCode, type Files, type OpenFile } from '../files.ts';
import {
  entriesEnd,
  READ,
  readExactly,
  readLength,
  readParts,
  reads,
  type IndexEntry,
  type TableParts,
} from './table.ts';

/** LevelDB's own number behind each key: kind of the entry and sequence. */
const NUMBER = 8;
const EMPTY: Uint8Array = new Uint8Array(0);
/** Blocks are copied into memory that so many bytes share; a row that is kept keeps that much. */
const SLAB = 64 * 1024;

interface Blocks {
  readonly path: string;
  /** Valid until the next but one are read. */
  readonly bytes: Uint8Array;
  readonly blocks: readonly IndexEntry[];
}

/** One entry at a time: after `advance`, or after `load` where that says false. */
export class TableRun {
  /** LevelDB's key; only the first `keyLength` bytes are. Valid until the next move, as all that follows. */
  key: Uint8Array = new Uint8Array(256);
  keyLength = 0;
  sequence = 0;
  isPut = false;
  bytes: Uint8Array = EMPTY;
  valueStart = 0;
  valueEnd = 0;
  readonly #reading: AsyncGenerator<Blocks, void, void>;
  #ahead: Promise<IteratorResult<Blocks, void>> | undefined;
  #path = '';
  #read: Uint8Array = EMPTY;
  #slabUsed = 0;
  #blocks: readonly IndexEntry[] = [];
  #nextBlock = 0;
  #at = 0;
  #end = 0;
  #wholeLength = 0;

  /** @param bases paths without their endings; entries of keys below `from` may come, few of them */
  constructor(files: Files, bases: readonly string[], from: Uint8Array) {
    this.#reading = blocksOf(files, bases, from);
  }

  /** Moves to the next entry in memory; false when there is none: `load` has more. */
  advance(): boolean {
    while (this.#at === this.#end) {
      if (this.#nextBlock === this.#blocks.length) return false;
      this.#enter(this.#blocks[this.#nextBlock++]!);
    }
    this.#parse();
    return true;
  }

  /** Reads on and moves to the next entry; false at the end of all. */
  async load(): Promise<boolean> {
    do {
      const next = await (this.#ahead ?? this.#reading.next());
      if (next.done === true) return false;
      this.#ahead = this.#reading.next();
      this.#ahead.catch(() => undefined); // whoever awaits it hears of it; a scan that was left need not
      const { path, bytes, blocks } = next.value;
      this.#path = path;
      this.#read = bytes;
      this.#blocks = blocks;
      this.#nextBlock = 0;
    } while (!this.advance());
    return true;
  }

  /** Waits for what is being read, and closes the file. */
  async close(): Promise<void> {
    await this.#reading.return();
  }

  #enter(block: IndexEntry): void {
    const from = block.offset - this.#blocks[0]!.offset;
    const end = this.#guard(() => entriesEnd(this.#read, from, block));
    const length = end - from;
    if (this.#slabUsed + length > this.bytes.length) {
      this.bytes = newBlock(Math.max(SLAB, length));
      this.#slabUsed = 0;
    }
    this.bytes.set(this.#read.subarray(from, end), this.#slabUsed);
    this.#at = this.#slabUsed;
    this.#end = this.#slabUsed += length;
    this.#wholeLength = 0;
  }

  #parse(): void {
    const shared = this.#varint();
    const rest = this.#varint();
    const valueLength = this.#varint();
    const { bytes } = this;
    const keyAt = this.#at;
    this.valueStart = keyAt + rest;
    this.valueEnd = this.valueStart + valueLength;
    const whole = shared + rest;
    if (shared > this.#wholeLength || whole < NUMBER || this.valueEnd > this.#end) this.#fail();
    if (whole > this.key.length) this.#grow(whole, shared);
    const { key } = this;
    for (let i = 0; i < rest; i++) key[shared + i] = bytes[keyAt + i]!;
    this.#wholeLength = whole;
    this.keyLength = whole - NUMBER;
    this.#readNumber(key, this.keyLength);
    this.#at = this.valueEnd;
  }

  #readNumber(key: Uint8Array, at: number): void {
    const kind = key[at]!;
    if (kind > 1) this.#fail();
    this.isPut = kind === 1;
    const low = key[at + 1]! | (key[at + 2]! << 8) | (key[at + 3]! << 16) | (key[at + 4]! << 24);
    const high = key[at + 5]! | (key[at + 6]! << 8) | (key[at + 7]! << 16);
    this.sequence = high * 2 ** 32 + (low >>> 0);
  }

  #varint(): number {
    const { bytes } = this;
    const end = this.#end;
    let value = 0;
    for (let shift = 0; shift <= 28 && this.#at < end; shift += 7) {
      const byte = bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return this.#fail();
  }

  #grow(length: number, kept: number): void {
    const grown = new Uint8Array(2 * length);
    grown.set(this.key.subarray(0, kept));
    this.key = grown;
  }

  #fail(): never {
    throw corruptError(this.#path, `the block at ${this.#blocks[this.#nextBlock - 1]!.offset} makes no sense`);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw damageIn(this.#path, error);
    }
  }
}

async function* blocksOf(files: Files, bases: readonly string[], from: Uint8Array): AsyncGenerator<Blocks, void, void> {
  let buffer = EMPTY;
  let other = EMPTY;
  for (let at = await firstTable(files, bases, from), isFirst = true; at < bases.length; at++, isFirst = false) {
    const { path, file } = await openTable(files, bases[at]!);
    try {
      const { index } = await readParts(file, files.clock);
      for (const blocks of reads(index, isFirst ? firstBlock(index, from) : 0)) {
        const length = readLength(blocks);
        [buffer, other] = [
          other.length < length ? new Uint8Array(Math.max(length, Math.min(READ, file.size))) : other,
          buffer,
        ];
        const bytes = buffer.subarray(0, length);
        await readExactly(file, bytes, blocks[0]!.offset);
        yield { path, bytes, blocks };
      }
    } catch (error) {
      throw damageIn(path, error);
    } finally {
      await file.close();
    }
  }
}

/** The first of the tables that may hold a key that is not below `from`; their number when none does. */
async function firstTable(files: Files, bases: readonly string[], from: Uint8Array): Promise<number> {
  let low = 0;
  let high = bases.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { path, file } = await openTable(files, bases[middle]!);
    let parts: TableParts;
    try {
      parts = await readParts(file, files.clock);
    } catch (error) {
      throw damageIn(path, error);
    } finally {
      await file.close();
    }
    if (firstBlock(parts.index, from) < parts.index.length) high = middle;
    else low = middle + 1;
  }
  return low;
}

function firstBlock(index: readonly IndexEntry[], from: Uint8Array): number {
  let low = 0;
  let high = index.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { last } = index[middle]!;
    if (compareKeys(last, last.length - NUMBER, from, from.length) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function openTable(files: Files, base: string): Promise<{ readonly path: string; readonly file: OpenFile }> {
  try {
    return { path: `${base}.ldb`, file: await files.open(`${base}.ldb`) };
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return { path: `${base}.sst`, file: await files.open(`${base}.sst`) }; // the ending before LevelDB 1.14
  }
}

function damageIn(path: string, error: unknown): unknown {
  return error instanceof RangeError ? corruptError(path, error.message, error) : error;
}

/** Order of the first bytes of `a` and of `b`. A loop: most keys differ late and are short. */
export function compareKeys(a: Uint8Array, aLength: number, b: Uint8Array, bLength: number): number {
  const common = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < common; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}
