/**
 * The file `ACKED`: how far commits were acknowledged, in two slots, 4 KiB apart, written in turn.
 *
 *    0  8  "VARVEACK"
 *    8  8  store's id
 *   16  8  commit
 *   24  4  0
 *   28  4  CRC-32C of the 28 bytes before
 *
 * LGAC1  A slot lies within one sector, and the other one stays while it is written, so one of them is always whole.
 * LGAC2  It is for telling zeros over the last acknowledged frame from the end of the log. What is lost with it is that, never
 *     data.
 */
import { crc32cOf } from '@varve/base/crc32c';
import { getWide, setWide, viewOf } from './seed.ts';

export const SLOT_BYTES = 32;
export const SLOT_DISTANCE = 4096;
export const ACKED_BYTES: number = SLOT_DISTANCE + SLOT_BYTES;
const MAGIC = Buffer.from('VARVEACK', 'latin1');

export function writeSlot(storeId: string, commit: number): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC);
  bytes.set(Buffer.from(storeId, 'hex'), 8);
  setWide(view, 16, commit);
  view.setUint32(28, crc32cOf(bytes, 0, 28), true);
  return bytes;
}

export interface AckedFile {
  readonly commit: number;
  /** The slot that says so: the other one is written next. */
  readonly slot: 0 | 1;
}

/** The newest whole slot, `undefined` where neither is one of this store. */
export function readAcked(bytes: Uint8Array, storeId: string): AckedFile | undefined {
  const first = readSlot(bytes, 0, storeId);
  const second = readSlot(bytes, SLOT_DISTANCE, storeId);
  if (first === undefined && second === undefined) return undefined;
  return (first ?? -1) >= (second ?? -1) ? { commit: first ?? 0, slot: 0 } : { commit: second ?? 0, slot: 1 };
}

function readSlot(bytes: Uint8Array, at: number, storeId: string): number | undefined {
  if (bytes.length < at + SLOT_BYTES) return undefined;
  const slot = bytes.subarray(at, at + SLOT_BYTES);
  const view = viewOf(slot);
  if (!MAGIC.every((byte, i) => slot[i] === byte) || view.getUint32(28, true) !== crc32cOf(slot, 0, 28))
    return undefined;
  if (Buffer.from(slot.subarray(8, 16)).toString('hex') !== storeId) return undefined;
  return getWide(view, 16);
}
