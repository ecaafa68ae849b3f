/**
 * The checksum at the end of each page run that we write, where bbolt sees unused bytes.
 *
 * S1  The last 8 bytes of a run are: u32 low half of the transaction that wrote it, u32 CRC-32C of all bytes before.
 * S2  The meta page says since which transaction every run written has a seal. 1: every run of the file has one, and a run
 *     without is damaged. 0: nobody knows, nothing is verified. Between: a run whose seal names a transaction from then on
 *     must be right, others are judged by their structure alone.
 * S3  A run sealed by a transaction just after the one that is read is the trace of a lost newer state written over this
 *     one: damage, though every byte of it is as it was written.
 *
 * bbolt: nothing like it (R57).
 */
import { crc32c } from './crc32c.ts';
import { corrupt } from './errors.ts';
import type { Meta } from './meta.ts';

/** Bytes a seal takes at the end of a run. */
export const SEAL_BYTES = 8;

/** How far ahead a lost newer state is looked for. More could not be told from a run untouched for 2^32 transactions. */
const MOST_AHEAD = 64;

/** What a reader knows about the seals of its state. */
export type SealRule = Pick<Meta, 'sealedSince' | 'sealedUpTo'>;

/** Seals a run whose last 8 bytes are unused. */
export function seal(run: Uint8Array, view: DataView, txid: number): void {
  const at = run.length - SEAL_BYTES;
  view.setUint32(at, txid % 0x1_0000_0000, true);
  view.setUint32(at + 4, crc32c(run, 0, at + 4, 0, view), true);
}

/**
 * True if the run has a seal and it is right, false if it has none and needs none.
 * @param dataEnd where the run's own data ends
 * @throws BoltError BOLT_CORRUPT if the seal is wrong or missing
 */
export function verifySeal(page: number, run: Uint8Array, view: DataView, dataEnd: number, rule: SealRule): boolean {
  const { sealedSince: since, sealedUpTo: upTo } = rule;
  if (since === 0) return false;
  const at = run.length - SEAL_BYTES;
  const everyRun = since === 1;
  if (dataEnd > at) {
    if (everyRun) throw corrupt(page, 'no room for its checksum', 'checksum');
    return false;
  }
  const sealedBy = view.getUint32(at, true);
  const age = (upTo - sealedBy) >>> 0; // both modulo 2^32
  const ahead = (sealedBy - upTo) >>> 0;
  const lost = ahead >= 1 && ahead <= MOST_AHEAD;
  const claimed = everyRun || lost || age <= upTo - since;
  if (!claimed) return false;
  if (view.getUint32(at + 4, true) !== crc32c(run, 0, at + 4, 0, view)) {
    if (!everyRun && lost) return false; // chance, in a run of somebody else
    throw corrupt(page, 'checksum does not match', 'checksum');
  }
  if (lost) throw corrupt(page, 'written by a later transaction than the one that is read', 'checksum');
  return true;
}
