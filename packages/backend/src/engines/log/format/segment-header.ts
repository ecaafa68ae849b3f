/**
 * The first 64 bytes of a file that holds rows.
 *
 *    0  8  "VARVELOG"
 *    8  4  format, 1
 *   12  4  kind: 1 a segment of the log, 2 rows rewritten out of older files
 *   16  8  number, as in its name
 *   24  8  store's id
 *   32  4  salt, drawn by chance: every checksum of the file begins with it
 *   36  4  0
 *   40  8  number of the first commit in it (kind 2: 0)
 *   48  8  where the frames of the segment before end (0: there is none; kind 2: 0)
 *   56  4  0
 *   60  4  CRC-32C of the 60 bytes before
 */
import { crc32cOf } from '@varve/base/crc32c';
import type { FileKind } from '../names.ts';
import { getWide, setWide, viewOf } from './seed.ts';

export const HEADER_BYTES = 64;
const MAGIC = Buffer.from('VARVELOG', 'latin1');
const FORMAT = 1;
const KINDS: readonly FileKind[] = ['log', 'dat'];

export interface SegmentHeader {
  readonly kind: FileKind;
  readonly number: number;
  /** 16 hexadecimal digits. */
  readonly storeId: string;
  readonly salt: number;
  readonly firstCommit: number;
  readonly endBefore: number;
}

export function writeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC);
  view.setUint32(8, FORMAT, true);
  view.setUint32(12, KINDS.indexOf(header.kind) + 1, true);
  setWide(view, 16, header.number);
  bytes.set(Buffer.from(header.storeId, 'hex'), 24);
  view.setUint32(32, header.salt, true);
  setWide(view, 40, header.firstCommit);
  setWide(view, 48, header.endBefore);
  view.setUint32(60, crc32cOf(bytes, 0, 60), true);
  return bytes;
}

/** `undefined` where the bytes are no header of this format; nobody writes half of one, for it lies within one sector. */
export function readHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (!MAGIC.every((byte, i) => bytes[i] === byte) || view.getUint32(8, true) !== FORMAT) return undefined;
  if (view.getUint32(60, true) !== crc32cOf(bytes, 0, 60)) return undefined;
  const kind = KINDS[view.getUint32(12, true) - 1];
  if (kind === undefined) return undefined;
  return {
    kind,
    number: getWide(view, 16),
    storeId: Buffer.from(bytes.subarray(24, 32)).toString('hex'),
    salt: view.getUint32(32, true),
    firstCommit: getWide(view, 40),
    endBefore: getWide(view, 48),
  };
}
