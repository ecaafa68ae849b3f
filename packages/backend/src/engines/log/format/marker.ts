/**
 * The file `VARVE`, which says what the folder is.
 *
 *   varve log store
 *   format 1
 *   id 0123456789abcdef  drawn by chance when the store was made; in the head of each of its files
 *   crc 9a0b1c2d         CRC-32C of the lines above
 *
 * It is written once, and gets its name last: from then on there is a store. Every format to come keeps its lines, so that an
 * old release can tell a newer store from a damaged one.
 */
import { crc32c } from '@varve/base/crc32c';
import { BackendError } from '../../../contract/errors.ts';
import { markerKind } from '../../marker-kind.ts';
import { corruptError, foreignError } from '../failure.ts';

const FORMAT = 1;
/** More than any marker has; later formats may say more in it. */
export const MARKER_BYTES = 4096;

export function markerText(storeId: string): string {
  const signed = `varve log store\nformat ${FORMAT}\nid ${storeId}\n`;
  return `${signed}crc ${crc32c(Buffer.from(signed)).toString(16).padStart(8, '0')}\n`;
}

/** @returns the store's id @throws BackendError `BACKEND_FOREIGN`, `BACKEND_VERSION`, `BACKEND_CORRUPT` */
export function readMarker(text: string, folder: string): string {
  const path = `${folder}/VARVE`;
  const other = markerKind(text);
  if (other !== undefined && other !== 'log') throw foreignError(folder, `is a store of another kind (${other})`);
  const found = /^(varve log store\nformat (\d{1,9})\n(?:id ([0-9a-f]{16})\n)?)/.exec(text);
  const crc = found === null ? undefined : /^crc ([0-9a-f]{8})\n/.exec(text.slice(found[0].length))?.[1];
  if (found === null || crc === undefined) throw corruptError(path, 'it does not say what store this is');
  const [, signed = '', format, storeId] = found;
  if (crc32c(Buffer.from(signed)) !== Number.parseInt(crc, 16)) throw corruptError(path, 'it has a wrong checksum');
  if (Number(format) > FORMAT) {
    const message = `${folder} has format ${format}, and this release reads up to ${FORMAT}. Use a newer release of @varve/backend`;
    throw new BackendError('BACKEND_VERSION', message, { path: folder });
  }
  if (storeId === undefined) throw corruptError(path, 'it does not say which store this is');
  return storeId;
}
