/**
 * The file `VARVE`, which says that a folder is a store of ours before LevelDB, which writes to what it opens, looks at
 * it (R37, R38).
 *
 *   varve level store
 *   format 1
 *   crc 9a0b1c2d         CRC-32C of the lines above
 *
 * It is written once. Every format to come keeps these lines, so that an old release can tell a newer store from a
 * damaged one.
 */
import { crc32c } from '../crc32c.ts';
import { BackendError } from '../errors.ts';
import { corruptError } from './failure.ts';
import type { Files } from './files.ts';

export const MARKER = 'VARVE';
export const FORMAT = 1;
const TITLE = 'varve level store';

/** @throws BackendError `BACKEND_VERSION`, `BACKEND_CORRUPT` */
export async function checkMarker(files: Files, folder: string): Promise<void> {
  const path = `${folder}/${MARKER}`;
  const text = Buffer.from(await files.readAll(path)).toString('latin1');
  const found = /^(varve level store\nformat (\d+)\n)crc ([0-9a-f]{8})\n/.exec(text);
  if (found === null) throw corruptError(path, 'it does not say what store this is');
  const [, signed = '', format, crc = ''] = found;
  if (crc32c(Buffer.from(signed)) !== Number.parseInt(crc, 16)) throw corruptError(path, 'it has a wrong checksum');
  checkFormat(Number(format), folder);
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

export async function writeMarker(files: Files, folder: string): Promise<void> {
  const signed = `${TITLE}\nformat ${FORMAT}\n`;
  const crc = crc32c(Buffer.from(signed)).toString(16).padStart(8, '0');
  await files.write(`${folder}/${MARKER}`, Buffer.from(`${signed}crc ${crc}\n`));
}
