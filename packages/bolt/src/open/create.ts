/**
 * A new file: four pages, under a temporary name until they are durable; or in a file that is there and empty.
 *
 * CRA1  The name appears with a whole file behind it, or not at all (R24); leftovers carry a name that says so and are
 *     removed by the next opening for writing. What cannot be removed is a warning.
 * CRA2  A file that somebody else made, and left empty, stays that very file, with its owner, its names and what is mounted
 *     there. Until both meta pages are in it, it begins with a text that says it is not finished; the next opening for
 *     writing begins anew then.
 * CRA3  A temporary name is no longer than a file's name may be, whatever it is for.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { writeFully, type OpenFile } from '@varve/base/files';
import type { World } from '@varve/base/world';
import type { Problem } from '../bolt.ts';
import { viewOf } from '../format/bytes.ts';
import { chooseMeta } from './choose-meta.ts';
import { BoltError } from '../errors.ts';
import { encodeFreelist } from '../format/freelist-page.ts';
import { encodeMeta, NO_SEALS, olderRecord } from '../format/meta.ts';
import type { Meta } from '../format/meta.ts';
import { LEAF_FLAG } from '../format/page.ts';
import { seal, stampOf } from '../format/seal.ts';

/** bbolt takes nothing shorter for a file of its own. */
const SHORTEST_FILE = 4096;

/** The four pages of a new file. `unique`: one text for each file. */
export function emptyFile(pageSize: number, pageChecksums: boolean, unique: string): Buffer {
  const bytes = Buffer.alloc(Math.max(4 * pageSize, SHORTEST_FILE));
  const page = (id: number): Buffer => bytes.subarray(id * pageSize, (id + 1) * pageSize);
  const stamp = stampOf(unique, 1);
  const seals = { sealedSince: 1, sealedUpTo: 1, rootStamp: stamp, listStamp: stamp };
  const meta: Meta = {
    pageSize,
    root: 3,
    sequence: 0n,
    freelist: 2,
    highWater: 4,
    txid: 1,
    ...(pageChecksums ? seals : NO_SEALS),
  };
  encodeMeta(page(0), 0, olderRecord(meta));
  encodeMeta(page(1), 1, meta);
  encodeFreelist(page(2), 2, 1, new Float64Array(0));
  page(3).writeUInt32LE(3, 0);
  page(3).writeUInt16LE(LEAF_FLAG, 8);
  if (pageChecksums) for (const id of [2, 3]) seal(page(id), viewOf(page(id)), 1, stamp);
  return bytes;
}

/** One sector. */
const UNFINISHED = Buffer.from('This file is being made by varve and is not finished.\n'.padEnd(512, '\n'));

/** No medium writes less at once. */
const SMALLEST_PIECE = 8;

/** Makes the empty (or unfinished) file a whole one, where it is. After each step a power cut leaves one or the other. */
export async function fillInPlace(file: OpenFile, bytes: Buffer, pageSize: number): Promise<void> {
  await writeDurably(file, UNFINISHED, 0);
  await writeDurably(file, bytes.subarray(2 * pageSize), 2 * pageSize);
  await writeDurably(file, bytes.subarray(pageSize, 2 * pageSize), pageSize);
  await writeDurably(file, bytes.subarray(0, pageSize), 0);
}

async function writeDurably(file: OpenFile, bytes: Buffer, position: number): Promise<void> {
  await writeFully(file, [bytes], position);
  await file.sync();
}

/** True if the file is empty, or was being made in its place and nobody was ever told of contents. */
export function isUnfinished(file: OpenFile, name: string): boolean {
  const size = file.size();
  if (size === 0) return true;
  const start = Buffer.alloc(Math.min(size, UNFINISHED.length));
  if (file.read(start, 0, start.length, 0) < start.length) return false;
  if (start.equals(UNFINISHED)) return !isWritten(file, name);
  return size <= UNFINISHED.length && isTorn(start);
}

/** Pieces of the first write, and nothing else. */
function isTorn(bytes: Buffer): boolean {
  let kept = 0;
  for (const [at, byte] of bytes.entries()) {
    if (byte === UNFINISHED[at]) kept++;
    else if (byte !== 0) return false;
  }
  return kept >= SMALLEST_PIECE;
}

/** Whether the other meta page knows of a commit. */
function isWritten(file: OpenFile, name: string): boolean {
  try {
    return chooseMeta(file, name).active.txid > 1;
  } catch {
    return false;
  }
}

/** What common file systems allow for a name, in bytes. */
const LONGEST_NAME = 255;
const LONGEST_STEM = LONGEST_NAME - '.varve-00000000-0000-0000-0000-000000000000.tmp'.length;

/** What all temporary names for this file begin with: its name, or what fits of it and a digest of all. */
function stemOf(base: string): string {
  if (Buffer.byteLength(base) <= LONGEST_STEM) return `${base}.varve-`;
  const digest = createHash('sha256').update(base).digest('hex').slice(0, 16);
  const kept = Array.from(base);
  while (Buffer.byteLength(kept.join('')) + 1 + digest.length > LONGEST_STEM) kept.pop();
  return `${kept.join('')}-${digest}.varve-`;
}

/** A name beside `target` for what is not finished. */
export function temporaryName(world: World, target: string): string {
  return beside(target, `${stemOf(path.basename(target))}${world.random.unique()}.tmp`);
}

/** Not shortened: `..` behind a link is the kernel's. */
function beside(target: string, name: string): string {
  return target.slice(0, target.length - path.basename(target).length) + name;
}

/** Removes what interrupted work for this file left behind; what kept it from that. Links are removed, not followed. */
export async function removeLeftovers(world: World, target: string): Promise<readonly Problem[]> {
  const stem = stemOf(path.basename(target));
  let names: readonly string[];
  try {
    names = await world.files.siblings(target);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `what interrupted work may have left beside the file was not looked for: ${reason}`;
    return [{ rule: 'folder', page: undefined, message }];
  }
  for (const name of names) {
    if (!name.startsWith(stem) || !name.endsWith('.tmp')) continue;
    await world.files.unlink(beside(target, name)).catch(() => undefined);
  }
  return [];
}

/**
 * Whoever may not read the folder cannot make a new name in it durable: to be known before there is a file.
 * @throws BoltError BOLT_UNREADABLE
 */
export async function requireReadableFolder(world: World, target: string): Promise<void> {
  try {
    await world.files.syncDirectory(target);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') return; // what else is wrong with the folder, the making of the file says
    const message = `${target} is left as it is: its folder cannot be read, and so a new name could not be made durable: ${code}`;
    throw new BoltError('BOLT_UNREADABLE', message, { path: target, cause });
  }
}

/**
 * Writes a file under a temporary name, makes it durable and gives it its name; EEXIST if somebody has that.
 */
export async function createWhole(
  world: World,
  target: string,
  name: string,
  write: (
    append: (buffers: readonly Uint8Array[]) => Promise<void>,
    patch: (bytes: Uint8Array) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const file = await world.files.open(name, 'create');
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
    await world.files.publish(name, target);
  } catch (error) {
    await world.files.unlink(name).catch(() => undefined);
    throw error;
  }
  await world.files.syncDirectory(target);
}
