/**
 * The parts of a table file, as LevelDB writes them.
 *
 *   file    blocks | filter | meta index | index | footer (48 bytes: where the meta index and the index are, padding, magic number)
 *   block   contents | compression (1) | masked CRC-32C of both (4)
 *   index   entries `key -> where a block is`: no key of the block is greater, all of the next are
 *   entry   bytes shared with the key before, other bytes of the key, bytes of the value (varints) | key | value
 *
 * What cannot be so is a RangeError, which says where.
 *
 * LevelDB: table/format.cc, table/block.cc.
 */
import { crc32cOf } from '@varve/base/crc32c';
import { Slice, type Turns } from '@varve/base/pace';
import type { OpenFile } from '../files.ts';
import { LevelBytes } from '../level-bytes.ts';
import { readMasked } from '../opening/check-log.ts';

const FOOTER = 48;
/** Filter and indexes of a table of two mebibytes are half of it: one read instead of four. */
const TAIL = 64 * 1024;
const TRAILER = 5;
/** Of an index or a filter: they are a few percent of a table, and a table is not much more than a gibibyte. */
const LARGEST_INDEX = 2 ** 28;
const ENTRIES_BETWEEN_LOOKS = 128;
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/** Most bytes of blocks that are read at once, save for a larger block. */
export const READ: number = 1 << 20;

/** Where a block is. */
export interface Handle {
  readonly offset: number;
  /** Without the trailer. */
  readonly size: number;
}

/** A block that an index names. */
export interface IndexEntry extends Handle {
  /** LevelDB's key, its own number behind it. */
  readonly last: Uint8Array;
}

export interface TableParts {
  readonly tail: Tail;
  /** The filter, which says which rows are not there. */
  readonly metaIndex: readonly IndexEntry[];
  readonly index: readonly IndexEntry[];
}

/** Both indexes, checked. */
export async function readParts(file: OpenFile, clock: Turns): Promise<TableParts> {
  if (file.size < FOOTER) throw new RangeError('it is too short for a table');
  const tail = new Tail(file);
  const footer = await tail.read(file.size - FOOTER, FOOTER);
  if (MAGIC.some((byte, at) => footer[FOOTER - MAGIC.length + at] !== byte)) {
    throw new RangeError(`no table ends at ${file.size}`);
  }
  const handles = new LevelBytes(footer);
  const metaIndex = await readIndex(tail, readHandle(handles, file.size), clock);
  const index = await readIndex(tail, readHandle(handles, file.size), clock);
  return { tail, metaIndex, index };
}

/** Reads a file of which the end is read once and kept. */
class Tail {
  readonly file: OpenFile;
  #start = Infinity;
  #bytes: Uint8Array | undefined;

  constructor(file: OpenFile) {
    this.file = file;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#bytes === undefined) {
      this.#bytes = new Uint8Array(Math.min(TAIL, this.file.size));
      this.#start = this.file.size - this.#bytes.length;
      await readExactly(this.file, this.#bytes, this.#start);
    }
    if (offset >= this.#start) return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
    const bytes = new Uint8Array(length);
    await readExactly(this.file, bytes, offset);
    return bytes;
  }
}

function readHandle(bytes: LevelBytes, fileSize: number): Handle {
  const handle = { offset: bytes.varint(), size: bytes.varint() };
  if (handle.offset + handle.size + TRAILER > fileSize) throw new RangeError('a block lies outside of the file');
  return handle;
}

export async function readBlock(tail: Tail, handle: Handle): Promise<Uint8Array> {
  if (handle.size > LARGEST_INDEX) throw new RangeError(`the block at ${handle.offset} is too large for what it is`);
  const bytes = await tail.read(handle.offset, handle.size + TRAILER);
  checkBlock(bytes, 0, handle);
  return bytes;
}

/** @param at where the block begins in `bytes` */
export function checkBlock(bytes: Uint8Array, at: number, { offset, size }: Handle): void {
  if (readMasked(bytes, at + size + 1) !== crc32cOf(bytes, at, at + size + 1)) {
    throw new RangeError(`the block at ${offset} has a wrong checksum`);
  }
}

/** A block that is not as ours are, and may be whole all the same. */
export class CompressedBlock extends RangeError {}

/** Where the entries of a block end that begins at `start` of `bytes`. */
export function entriesEnd(bytes: Uint8Array, start: number, { offset, size }: Handle): number {
  if (bytes[start + size] !== 0) {
    throw new CompressedBlock(`the block at ${offset} is compressed, which one of ours never is`);
  }
  const last = start + size - 4;
  const restarts = last < start ? 0 : new DataView(bytes.buffer, bytes.byteOffset + last, 4).getUint32(0, true);
  const end = last - 4 * restarts;
  if (end < start) throw new RangeError(`the block at ${offset} makes no sense`);
  return end;
}

async function readIndex(tail: Tail, handle: Handle, clock: Turns): Promise<IndexEntry[]> {
  const { size: fileSize } = tail.file;
  const block = await readBlock(tail, handle);
  const entries = new LevelBytes(block.subarray(0, entriesEnd(block, 0, handle)));
  const found: IndexEntry[] = [];
  let last: Uint8Array = new Uint8Array(0);
  // What LevelDB had in memory is one table: 16,000 blocks, ten milliseconds.
  const slice = new Slice(clock);
  while (entries.left > 0) {
    if (found.length % ENTRIES_BETWEEN_LOOKS === 0 && slice.over) await slice.turn();
    const shared = entries.varint();
    const keyBytes = entries.varint();
    const valueBytes = entries.varint();
    if (shared > last.length) throw new RangeError('its index makes no sense');
    const rest = entries.take(keyBytes);
    last = shared === 0 ? rest : Buffer.concat([last.subarray(0, shared), rest]);
    const { offset, size } = readHandle(new LevelBytes(entries.take(valueBytes)), fileSize);
    found.push({ offset, size, last });
  }
  return found;
}

/** The blocks of an index in runs that lie together, each to be read at once; from `first` on. */
export function* reads(index: readonly IndexEntry[], first = 0): Generator<readonly IndexEntry[], void, void> {
  for (let from = first; from < index.length;) {
    const start = index[from]!.offset;
    let upTo = from;
    let end = start;
    for (; upTo < index.length; upTo++) {
      const { offset, size } = index[upTo]!;
      const next = offset + size + TRAILER;
      if (offset < end || (upTo > from && next - start > READ)) break;
      end = next;
    }
    if (upTo === from) throw new RangeError(`the block at ${start} overlaps another one`);
    yield index.slice(from, upTo);
    from = upTo;
  }
}

/** Bytes from the beginning of the first of these blocks to the end of the last. */
export function readLength(blocks: readonly IndexEntry[]): number {
  const { offset, size } = blocks[blocks.length - 1]!;
  return offset + size + TRAILER - blocks[0]!.offset;
}

export async function readExactly(file: OpenFile, into: Uint8Array, position: number): Promise<void> {
  const filled = await file.read(into, position);
  if (filled < into.length) throw new RangeError(`the file ends at ${position + filled}`);
}
