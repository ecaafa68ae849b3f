/**
 * Checks one table file without LevelDB, which checks nothing and may abort the process on what it finds (R68).
 *
 *   file    blocks | filter | meta index | index | footer (48 bytes: where the meta index and the index are, padding, magic number)
 *   block   contents | compression (1) | masked CRC-32C of both (4)
 *   index   entries `key -> where a block is`, keys shortened by what they share with the one before
 *
 * X1  Always: magic number, both indexes, and the filter that says which rows are not there. A few percent of the file.
 * X2  With `blocks`: every block that the index names, in reads of a mebibyte.
 *
 * LevelDB: table/format.cc, table/block.cc.
 */
import { crc32cOf } from '../crc32c.ts';
import type { Files, OpenFile } from './files.ts';
import { LevelBytes } from './level-bytes.ts';
import { readMasked } from './log-scan.ts';

const FOOTER = 48;
const TRAILER = 5;
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
const READ = 1 << 20;

interface Handle {
  readonly offset: number;
  /** Without the trailer. */
  readonly size: number;
}

/** Where and how the table is damaged; `undefined` when it is not. */
export async function findTableDamage(files: Files, path: string, blocks: boolean): Promise<string | undefined> {
  const file = await files.open(path);
  try {
    await checkTable(file, blocks);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  } finally {
    await file.close();
  }
}

async function checkTable(file: OpenFile, blocks: boolean): Promise<void> {
  if (file.size < FOOTER) throw new RangeError('it is too short for a table');
  const footer = new Uint8Array(FOOTER);
  await readExactly(file, footer, file.size - FOOTER);
  if (MAGIC.some((byte, at) => footer[FOOTER - MAGIC.length + at] !== byte)) {
    throw new RangeError(`no table ends at ${file.size}`);
  }
  const handles = new LevelBytes(footer);
  const metaIndex = await readIndex(file, readHandle(handles, file.size));
  const index = await readIndex(file, readHandle(handles, file.size));
  for (const handle of metaIndex) await readBlock(file, handle); // the filter, which would hide rows
  if (blocks) await checkBlocks(file, index);
}

function readHandle(bytes: LevelBytes, fileSize: number): Handle {
  const handle = { offset: bytes.varint(), size: bytes.varint() };
  if (handle.offset + handle.size + TRAILER > fileSize) throw new RangeError('a block lies outside of the file');
  return handle;
}

async function readBlock(file: OpenFile, handle: Handle): Promise<Uint8Array> {
  const bytes = new Uint8Array(handle.size + TRAILER);
  await readExactly(file, bytes, handle.offset);
  checkBlock(bytes, 0, handle);
  return bytes;
}

function checkBlock(bytes: Uint8Array, at: number, { offset, size }: Handle): void {
  if (readMasked(bytes, at + size + 1) !== crc32cOf(bytes, at, at + size + 1)) {
    throw new RangeError(`the block at ${offset} has a wrong checksum`);
  }
}

/** Where the blocks are that an index names. */
async function readIndex(file: OpenFile, handle: Handle): Promise<Handle[]> {
  const block = await readBlock(file, handle);
  if (block[handle.size] !== 0) throw new RangeError('its index is compressed, which a store of ours never is');
  const contents = block.subarray(0, handle.size);
  const end = new LevelBytes(contents, contents.length - 4);
  const entriesEnd = contents.length - 4 - 4 * end.fixed32();
  if (entriesEnd < 0) throw new RangeError('its index makes no sense');
  const entries = new LevelBytes(contents.subarray(0, entriesEnd));
  const handles: Handle[] = [];
  while (entries.left > 0) {
    entries.varint(); // bytes shared with the key before
    const keyBytes = entries.varint();
    const valueBytes = entries.varint();
    entries.skip(keyBytes);
    handles.push(readHandle(new LevelBytes(entries.take(valueBytes)), file.size));
  }
  return handles;
}

async function checkBlocks(file: OpenFile, handles: readonly Handle[]): Promise<void> {
  let buffer = new Uint8Array(READ);
  for (let from = 0; from < handles.length;) {
    const start = (handles[from] as Handle).offset;
    let upTo = from;
    let end = start;
    for (; upTo < handles.length; upTo++) {
      const { offset, size } = handles[upTo] as Handle;
      const next = offset + size + TRAILER;
      if (offset < end || (upTo > from && next - start > READ)) break;
      end = next;
    }
    if (upTo === from) throw new RangeError(`the block at ${start} overlaps another one`);
    if (end - start > buffer.length) buffer = new Uint8Array(end - start);
    await readExactly(file, buffer.subarray(0, end - start), start);
    for (; from < upTo; from++) checkBlock(buffer, (handles[from] as Handle).offset - start, handles[from] as Handle);
  }
}

async function readExactly(file: OpenFile, into: Uint8Array, position: number): Promise<void> {
  const filled = await file.read(into, position);
  if (filled < into.length) throw new RangeError(`the file ends at ${position + filled}`);
}
