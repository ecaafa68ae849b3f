/**
 * Checks one table file without LevelDB, which checks nothing and may abort the process on what it finds (R68).
 *
 * TS1  Always: magic number, both indexes, and the filter that says which rows are not there. A few percent of the file.
 * TS2  With `blocks`: every block that the index names, in reads of a mebibyte.
 */
import type { Turns } from '@varve/base/pace';
import type { Files, OpenFile } from '../files.ts';
import { checkBlock, READ, readBlock, readExactly, readLength, readParts, reads } from '../tables/table.ts';

/** Where and how the table is damaged; `undefined` when it is not. */
export async function findTableDamage(files: Files, path: string, blocks: boolean): Promise<string | undefined> {
  const file = await files.open(path);
  try {
    await checkTable(file, blocks, files.clock);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  } finally {
    await file.close();
  }
}

async function checkTable(file: OpenFile, blocks: boolean, clock: Turns): Promise<void> {
  const { tail, metaIndex, index } = await readParts(file, clock);
  for (const handle of metaIndex) await readBlock(tail, handle); // the filter, which would hide rows
  if (!blocks) return;
  let buffer = new Uint8Array(READ);
  for (const together of reads(index)) {
    const start = together[0]!.offset;
    const length = readLength(together);
    if (length > buffer.length) buffer = new Uint8Array(length);
    await readExactly(file, buffer.subarray(0, length), start);
    for (const handle of together) checkBlock(buffer, handle.offset - start, handle);
  }
}
