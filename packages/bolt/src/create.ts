/**
 * A new file: four pages, under a temporary name until they are durable.
 *
 * N1  The name appears with a whole file behind it, or not at all (R24); leftovers carry a name that says so and are
 *     removed by the next opening for writing.
 */
import path from 'node:path';
import { viewOf } from './bytes.ts';
import { encodeFreelist } from './freelist-page.ts';
import { encodeMeta, olderRecord } from './meta.ts';
import type { Meta } from './meta.ts';
import { LEAF_FLAG } from './page.ts';
import { seal } from './seal.ts';
import { writeFully } from './storage-file.ts';
import type { Storage } from './storage-file.ts';

/** bbolt takes nothing shorter for a file of its own. */
const SHORTEST_FILE = 4096;

/** The four pages of a new file. */
export function emptyFile(pageSize: number, pageChecksums: boolean): Buffer {
  const bytes = Buffer.alloc(Math.max(4 * pageSize, SHORTEST_FILE));
  const page = (id: number): Buffer => bytes.subarray(id * pageSize, (id + 1) * pageSize);
  const meta: Meta = {
    pageSize,
    root: 3,
    sequence: 0n,
    freelist: 2,
    highWater: 4,
    txid: 1,
    sealedSince: pageChecksums ? 1 : 0,
    sealedUpTo: pageChecksums ? 1 : 0,
  };
  encodeMeta(page(0), 0, olderRecord(meta));
  encodeMeta(page(1), 1, meta);
  encodeFreelist(page(2), 2, 1, new Float64Array(0));
  page(3).writeUInt32LE(3, 0);
  page(3).writeUInt16LE(LEAF_FLAG, 8);
  if (pageChecksums) for (const id of [2, 3]) seal(page(id), viewOf(page(id)), 1);
  return bytes;
}

/** A name beside `target` for what is not finished. */
export function temporaryName(storage: Storage, target: string): string {
  return `${target}.varve-${storage.uniqueName()}.tmp`;
}

/** Removes what interrupted work for this file left behind. */
export async function removeLeftovers(storage: Storage, target: string): Promise<void> {
  const base = path.basename(target);
  for (const name of await storage.siblings(target)) {
    if (!name.startsWith(`${base}.varve-`) || !name.endsWith('.tmp')) continue;
    await storage.unlink(path.join(path.dirname(target), name)).catch(() => undefined);
  }
}

/**
 * Writes a file under a temporary name, makes it durable and gives it its name.
 * @param place `publish` fails with EEXIST if the name is taken, `rename` takes it
 */
export async function createWhole(
  storage: Storage,
  target: string,
  place: 'publish' | 'rename',
  write: (
    append: (buffers: readonly Uint8Array[]) => Promise<void>,
    patch: (bytes: Uint8Array) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const name = temporaryName(storage, target);
  const file = await storage.open(name, 'create');
  try {
    try {
      let at = 0;
      const append = async (buffers: readonly Uint8Array[]): Promise<void> => {
        await writeFully(file, buffers, at);
        for (const buffer of buffers) at += buffer.length;
      };
      await write(append, async (bytes) => writeFully(file, [bytes], 0));
      await file.sync();
    } finally {
      await file.close();
    }
    await storage[place](name, target);
  } catch (error) {
    await storage.unlink(name).catch(() => undefined);
    throw error;
  }
  await storage.syncDirectory(target);
}
