/**
 * The file `VARVE`, which says that a folder is a store of ours before LevelDB, which writes to what it opens, looks at
 * it (R37, R38).
 *
 *   varve level store
 *   format 1
 *   crc 9a0b1c2d         CRC-32C of the lines above
 *   id 0123456789abcdef  drawn by chance; absent in stores of before there were files beside the rows
 *   made 4711-9a0b1c2d   only where the store was made in a folder that was there: see `create-inside.ts`
 *
 * It is written once. Every format to come keeps these lines, so that an old release can tell a newer store from a
 * damaged one.
 */
import { crc32c } from '@varve/base/crc32c';
import { BackendError } from '../../../contract/errors.ts';
import { markerKind } from '../../marker-kind.ts';
import { corruptError, foreignError } from '../failure.ts';
import type { Files } from '../files.ts';
import { MARKER } from '../names.ts';

export const FORMAT = 1;
/** More than any marker has; later formats may say more in it. */
const MARKER_BYTES = 4096;
const TITLE = 'varve level store';

/**
 * @returns the store's id, if it has one
 * @throws BackendError `BACKEND_VERSION`, `BACKEND_CORRUPT`, `BACKEND_FOREIGN` for a store of another engine
 */
export async function checkMarker(files: Files, folder: string): Promise<string | undefined> {
  const path = `${folder}/${MARKER}`;
  const text = await readText(files, path);
  const found = /^(varve level store\nformat (\d+)\n)crc ([0-9a-f]{8})\n(?:id ([0-9a-f]{16})\n)?/.exec(text);
  if (found === null) {
    const other = markerKind(text);
    if (other !== undefined) throw foreignError(folder, `is a store of another kind (${other})`);
    throw corruptError(path, 'it does not say what store this is');
  }
  const [, signed = '', format, crc = '', id] = found;
  if (crc32c(Buffer.from(signed)) !== Number.parseInt(crc, 16)) throw corruptError(path, 'it has a wrong checksum');
  checkFormat(Number(format), folder);
  return id;
}

/** @throws BackendError `BACKEND_VERSION` for a newer format than this release writes */
export function checkFormat(format: number, folder: string): void {
  if (format <= FORMAT) return;
  throw new BackendError(
    'BACKEND_VERSION',
    `${folder} has format ${format}, and this release reads up to ${FORMAT}. Use a newer release of @varve/backend`,
    { path: folder },
  );
}

/** Under which name the store was made, if it says so. */
export async function readPlace(files: Files, folder: string): Promise<string | undefined> {
  const text = await readText(files, `${folder}/${MARKER}`);
  return /\nmade ([-\w]+)\n$/.exec(text)?.[1];
}

/** @param place what `readPlace` is to say */
export async function writeMarker(files: Files, folder: string, place?: string): Promise<void> {
  const signed = `${TITLE}\nformat ${FORMAT}\n`;
  const crc = crc32c(Buffer.from(signed)).toString(16).padStart(8, '0');
  const id = Buffer.from(files.random.bytes(8)).toString('hex');
  const made = place === undefined ? '' : `made ${place}\n`;
  await files.write(`${folder}/${MARKER}`, Buffer.from(`${signed}crc ${crc}\nid ${id}\n${made}`));
}

async function readText(files: Files, path: string): Promise<string> {
  return Buffer.from(await files.readStart(path, MARKER_BYTES)).toString('latin1');
}
