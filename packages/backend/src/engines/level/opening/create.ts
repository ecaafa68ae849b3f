/**
 * Making a store where there is nothing (R24, R70); where there is a folder, `create-inside.ts`.
 *
 * CRE1  It is made under a temporary name beside its own, with one synced commit and the marker in it, and then renamed:
 *     LevelDB itself leaves a folder that never opens when the power fails in its first open. Every open makes the
 *     name durable before it acknowledges anything.
 * CRE2  A folder cannot be renamed over one that holds something. So of several processes that make the same store one wins,
 *     and the others find it.
 */
import { createHash } from 'node:crypto';
import * as nodePath from 'node:path';
import { COMMIT_KEY, writeCommitRow } from '../engine/commit-row.ts';
import type { LevelClass } from '../driver.ts';
import { writeMark } from '../engine/durable-mark.ts';
import { errorCode, type Files } from '../files.ts';
import { FORMAT, writeMarker } from './marker.ts';
import { isLitter } from '../names.ts';
import { SYSTEM, encodeKey, encodeValue } from '../engine/rows.ts';

export const FORMAT_KEY: Uint8Array = Buffer.from('format');
/** What common file systems allow for a name, in bytes. */
const LONGEST_NAME = 255;
/** Of `Random.unique`, with room to spare. */
const LONGEST_UNIQUE = 40;
/** Operations of the first batch: the format row and the commit row. */
const FIRST_SEQUENCE = 2;

function formatRow(): Uint8Array {
  return Buffer.from(`varve ${FORMAT}`);
}

/** The format that a format row tells; `undefined` when it is none. */
export function readFormatRow(row: Uint8Array): number | undefined {
  const found = /^varve (\d+)$/.exec(Buffer.from(row).toString('latin1'));
  return found === null ? undefined : Number(found[1]);
}

/** @param path where there is nothing */
export async function createStore(Level: LevelClass, files: Files, path: string): Promise<void> {
  const parent = nodePath.dirname(path);
  await makeFolders(files, parent);
  const temporary = nodePath.join(parent, temporaryPrefix(path) + files.random.unique());
  try {
    await writeNewStore(Level, files, temporary);
    await files.rename(temporary, path);
  } catch (error) {
    await files.remove(temporary).catch(() => undefined); // the next open tries again
    throw error;
  }
}

/** Makes a folder and a store in it, whole and synced. @param place what its marker says of where it was made */
export async function writeNewStore(Level: LevelClass, files: Files, folder: string, place?: string): Promise<void> {
  await files.makeFolder(folder);
  await writeFirstCommit(Level, folder);
  await writeMark(files, folder, FIRST_SEQUENCE);
  await writeMarker(files, folder, place);
  await files.syncFolder(folder);
}

/** Makes the store's own name durable: whoever made it may have died, or failed, before that. */
export async function syncName(files: Files, path: string): Promise<void> {
  try {
    await files.syncFolder(nodePath.dirname(path));
  } catch (error) {
    // A folder that we may not read, or that cannot be written at all, was not changed by us.
    if (!['EACCES', 'EPERM', 'EROFS', 'EINVAL'].includes(errorCode(error) ?? '')) throw error;
  }
}

/**
 * Removes what creations and openings have left that were cut short. Only for who holds the store's lock.
 * @returns warnings: leftovers are in nobody's way, and the folder above need not be ours to read
 */
export async function removeLeftovers(files: Files, path: string): Promise<string[]> {
  const parent = nodePath.dirname(path);
  const prefix = temporaryPrefix(path);
  const warnings: string[] = [];
  for (const [folder, isLeftover] of [
    [path, isLitter],
    [parent, (name: string) => name.startsWith(prefix)],
  ] as const) {
    try {
      for (const name of await files.names(folder)) {
        if (isLeftover(name)) await files.remove(nodePath.join(folder, name));
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      warnings.push(
        `Whether something was left in ${folder} by an opening that was cut short cannot be seen (${reason})`,
      );
    }
  }
  return warnings;
}

/** Names that are longer than a name may be begin with a digest of the store's name instead. */
function temporaryPrefix(path: string): string {
  const base = nodePath.basename(path);
  const prefix = `.${base}.varve-new-`;
  if (Buffer.byteLength(prefix) + LONGEST_UNIQUE <= LONGEST_NAME) return prefix;
  return `.${createHash('sha256').update(base).digest('hex').slice(0, 32)}.varve-new-`;
}

async function makeFolders(files: Files, path: string): Promise<void> {
  if ((await files.kind(path)) !== undefined) return;
  const parent = nodePath.dirname(path);
  await makeFolders(files, parent);
  try {
    await files.makeFolder(path);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return; // somebody else was faster
    throw error;
  }
  await files.syncFolder(parent);
}

async function writeFirstCommit(Level: LevelClass, folder: string): Promise<void> {
  const level = new Level<Uint8Array, Uint8Array>(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    errorIfExists: true,
  });
  try {
    await level.open();
    const batch = level.batch();
    const put = (key: Uint8Array, value: Uint8Array): void => {
      const encoded = encodeKey(SYSTEM, key);
      batch.put(encoded, encodeValue(SYSTEM, encoded, value));
    };
    put(FORMAT_KEY, formatRow());
    put(COMMIT_KEY, writeCommitRow({ counter: 0, rows: FIRST_SEQUENCE - 1, sequence: FIRST_SEQUENCE }));
    await batch.write({ sync: true });
  } finally {
    await level.close();
  }
}
