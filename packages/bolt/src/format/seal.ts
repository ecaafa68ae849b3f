/**
 * What stands at the end of each page run that we write, where bbolt sees unused bytes: a checksum, and which writing of
 * this page is meant by it and by the pages it names.
 *
 * SE1  The last 12 bytes of a run are: i32 stamp of the commit that wrote it, u32 low half of that transaction's number,
 *     u32 CRC-32C of all bytes before, xor a constant. Earlier releases wrote the last 8 only, without the constant.
 * SE2  The meta page says since which transaction every run written has a seal. 1: every run of the file has one, and a run
 *     without is damaged. 0: nobody knows, nothing is verified. Between: a run whose seal names a transaction from then on
 *     must be right, others are judged by their structure alone.
 * SE3  A run sealed by a transaction just after the one that is read is the trace of a lost newer state written over this
 *     one: damage, though every byte of it is as it was written.
 * SE4  Before the 12 bytes stand stamps, one for each child of a branch, one for each bucket of a leaf: a parent vouches
 *     for its children, whose seal must bear that stamp. As children are rewritten, so are their parents: an older copy of
 *     a page, right in itself, is damage. The meta page vouches for the root and the list of free pages.
 * SE5  A stamp stands for one commit of one opening of a file. It is no sum of contents: it is known before a page is made,
 *     so pages are written in file order and a file can be streamed with its meta pages first.
 * SE6  `NO_STAMP` vouches for nothing: a child that another program or an earlier release has written. It becomes a stamp
 *     when the child is written here.
 *
 * bbolt: nothing like it (R57).
 */
import { crc32c, crc32cOf } from '@varve/base/crc32c';
import { keyBytes } from '@varve/base/order';
import { corrupt } from '../errors.ts';
import type { Meta } from './meta.ts';

/** Bytes a seal takes at the end of a run. */
export const SEAL_BYTES = 12;
/** Bytes of one stamp before it. */
export const STAMP_BYTES = 4;
/** What a parent writes that does not vouch. Not 0, which in memory means a pair (see `node.ts`). */
export const NO_STAMP = 1;

const EARLIER_SEAL_BYTES = 8;
/** Tells a run with stamps from one of an earlier release. */
const STAMPED = 0x7374616d;

/** How far ahead a lost newer state is looked for. More could not be told from a run untouched for 2^32 transactions. */
const MOST_AHEAD = 64;

/** What a reader knows about the seals of its state. */
export type SealRule = Pick<Meta, 'sealedSince' | 'sealedUpTo'>;

/** What was found at the end of a run: nothing, a seal of an earlier release, a seal with stamps before it. */
export type SealKind = 'none' | 'plain' | 'stamped';

/** A run, as far as its seal is concerned. */
export interface SealedRun {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where its own data ends. */
  readonly dataEnd: number;
  /** How many stamps it has if it has any. */
  readonly stamps: number;
}

/** The stamp of a commit: `unique` is one text for each opening of a file. */
export function stampOf(unique: string, txid: number): number {
  const text = keyBytes(`${unique} ${txid}`);
  const stamp = crc32c(text) | 0; // small integers of either sign cost no object
  return stamp === 0 || stamp === NO_STAMP ? 2 : stamp;
}

/** Seals a run whose last 12 bytes are unused. Its stamps are in place. */
export function seal(run: Uint8Array, view: DataView, txid: number, stamp: number): void {
  const at = run.length - SEAL_BYTES;
  view.setInt32(at, stamp, true);
  view.setUint32(at + 4, txid % 0x1_0000_0000, true);
  view.setUint32(at + 8, (crc32cOf(run, 0, at + 8, 0, view) ^ STAMPED) >>> 0, true);
}

/**
 * What kind of seal a run has. `none` only if it needs none.
 * @param stamp what the page `from` vouches for; 0 as `from` is a meta page
 * @param sum the run's checksum, where that was taken already
 * @throws BoltError BOLT_CORRUPT if the seal is wrong, missing, or not the one that is vouched for
 */
export function verifySeal(run: SealedRun, rule: SealRule, stamp: number, from: number, sum?: number): SealKind {
  const { id: page, bytes, view, dataEnd } = run;
  const { sealedSince: since, sealedUpTo: upTo } = rule;
  if (since === 0) return 'none';
  const vouched = stamp !== NO_STAMP;
  const everyRun = since === 1 || vouched;
  const end = bytes.length;
  if (dataEnd > end - EARLIER_SEAL_BYTES) {
    if (everyRun) throw corrupt(page, 'no room for its checksum', 'checksum');
    return 'none';
  }
  const sealedBy = view.getUint32(end - 8, true);
  const age = (upTo - sealedBy) >>> 0; // both modulo 2^32
  const ahead = (sealedBy - upTo) >>> 0;
  const lost = ahead >= 1 && ahead <= MOST_AHEAD;
  const claimed = everyRun || lost || age <= upTo - since;
  if (!claimed) return 'none';
  const kind = kindOf(run, view.getUint32(end - 4, true) ^ (sum ?? crc32cOf(bytes, 0, end - 4, 0, view)));
  if (kind === 'none') {
    if (!everyRun && lost) return 'none'; // chance, in a run of somebody else
    throw corrupt(page, 'checksum does not match', 'checksum');
  }
  if (lost) throw corrupt(page, 'written by a later transaction than the one that is read', 'checksum');
  if (vouched && (kind === 'plain' || view.getInt32(end - SEAL_BYTES, true) !== stamp)) {
    const parent = from === 0 ? 'the meta page points' : `its parent page ${from} points`;
    throw corrupt(page, `written by transaction ${sealedBy}, not the one ${parent} to: an older copy?`, 'stale');
  }
  return kind;
}

function kindOf({ bytes, dataEnd, stamps }: SealedRun, difference: number): SealKind {
  if (difference === 0) return 'plain';
  const fits = dataEnd + stamps * STAMP_BYTES <= bytes.length - SEAL_BYTES;
  return difference === STAMPED && fits ? 'stamped' : 'none';
}
