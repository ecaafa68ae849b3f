/**
 * The meta record: which tree, which free list, how many pages; and whether to believe it.
 *
 * MT1  A record is valid by magic, version, checksum (FNV-1a over its first 56 bytes), and a page size that can be one.
 * MT2  The valid record with the higher transaction counts; page 0 on a tie. Parity says where to write, never what is newer.
 * MT3  Bytes 80 to 115 of the page are ours: a tag, since when and up to which transaction runs are sealed, the stamps of the
 *     root's and of the free list's page (see `seal.ts`), a sum that binds them to this record. Every other program writes
 *     zeros there, which reads as "no seals". Earlier releases had another tag and no stamps: they read as `NO_STAMP`.
 * MT4  Bytes there that fit neither are nobody's; the record holds, its pages are judged by their structure, and opening says
 *     so: another program's record, torn over one of ours, looks the same.
 *
 * bbolt: db.go (meta). Departs: a bad page size makes a record invalid, and the second page's must stand where it says.
 */
import { crc32cOf } from '@varve/base/crc32c';
import { getU64, setU64, viewOf } from './bytes.ts';
import { NO_STAMP } from './seal.ts';

/** Bytes at the start of a page before its contents. */
export const PAGE_HEADER = 16;
/** Flag of a meta page. */
const META_FLAG = 0x04;

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const RECORD_SUMMED = 56;
/** Where a meta page has these. */
export const ROOT_AT = 32;
export const HIGH_WATER_AT = 56;
export const TXID_AT = 64;
const EXTENSION = PAGE_HEADER + 64;
const EXTENSION_TAG = 0x64765f76; // "v_vd"
const EXTENSION_SUMMED = EXTENSION + 32;
const EARLIER_TAG = 0x63765f76; // "v_vc"
const EARLIER_SUMMED = EXTENSION + 24;
/** Bytes of a meta page that mean anything. */
export const META_BYTES: number = EXTENSION_SUMMED + 4;

/** One committed state. */
export interface Meta {
  readonly pageSize: number;
  readonly root: number;
  /** The root bucket's sequence; bbolt never uses it. */
  readonly sequence: bigint;
  /** Page of the free list; `undefined`: not persisted. */
  readonly freelist: number | undefined;
  /** First page never allocated. */
  readonly highWater: number;
  readonly txid: number;
  /** Since which transaction page runs are sealed; 0: unknown. */
  readonly sealedSince: number;
  /** The newest transaction that sealed a run of this state. In the older record of a copy that is not its own. */
  readonly sealedUpTo: number;
  /** What the seal of the root's page must bear. */
  readonly rootStamp: number;
  /** What the seal of the free list must bear. */
  readonly listStamp: number;
}

/** Why a record is not valid, tested in this order. */
export type MetaFault = 'invalid' | 'version' | 'checksum';

/** FNV-1a, 64 bits, as [low, high] unsigned halves: a bigint would cost ten times as much. */
export function fnv1a(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (let at = start; at < end; at++) {
    low = (low ^ (bytes[at] as number)) >>> 0;
    const product = low * 0x1b3; // the prime is 2^40 + 0x1b3
    high = (high * 0x1b3 + Math.floor(product / 0x1_0000_0000) + low * 0x100) % 0x1_0000_0000;
    low = product % 0x1_0000_0000;
  }
  return [low, high];
}

/** True for the sizes that a page can have. */
export function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65_536 && Number.isInteger(Math.log2(size));
}

/** Writes a whole meta page; `page` is zeroed memory of one page. */
export function encodeMeta(page: Uint8Array, id: number, meta: Meta): void {
  const view = viewOf(page);
  setU64(view, 0, id);
  view.setUint16(8, META_FLAG, true);
  view.setUint32(16, MAGIC, true);
  view.setUint32(20, VERSION, true);
  view.setUint32(24, meta.pageSize, true);
  setU64(view, ROOT_AT, meta.root);
  view.setBigUint64(40, meta.sequence, true);
  if (meta.freelist === undefined) view.setBigUint64(48, 0xffff_ffff_ffff_ffffn, true);
  else setU64(view, 48, meta.freelist);
  setU64(view, HIGH_WATER_AT, meta.highWater);
  setU64(view, TXID_AT, meta.txid);
  const [low, high] = fnv1a(page, PAGE_HEADER, PAGE_HEADER + RECORD_SUMMED);
  view.setUint32(72, low, true);
  view.setUint32(76, high, true);
  if (meta.sealedSince === 0) return;
  view.setUint32(EXTENSION, EXTENSION_TAG, true);
  setU64(view, EXTENSION + 8, meta.sealedSince);
  setU64(view, EXTENSION + 16, meta.sealedUpTo);
  view.setInt32(EXTENSION + 24, meta.rootStamp, true);
  view.setInt32(EXTENSION + 28, meta.listStamp, true);
  view.setUint32(EXTENSION_SUMMED, extensionSum(page, EXTENSION_SUMMED), true);
}

/** Reads the record of a meta page of which at least 80 bytes are given. */
export function decodeMeta(page: Uint8Array): Meta | MetaFault {
  if (page.length < EXTENSION) return 'invalid';
  const view = viewOf(page);
  if (view.getUint32(16, true) !== MAGIC) return 'invalid';
  if (view.getUint32(20, true) !== VERSION) return 'version';
  const [low, high] = fnv1a(page, PAGE_HEADER, PAGE_HEADER + RECORD_SUMMED);
  if (view.getUint32(72, true) !== low || view.getUint32(76, true) !== high) return 'checksum';
  const pageSize = view.getUint32(24, true);
  if (!isPageSize(pageSize)) return 'invalid';
  const listed = view.getUint32(48, true) !== 0xffffffff || view.getUint32(52, true) !== 0xffffffff;
  return {
    pageSize,
    root: getU64(view, ROOT_AT),
    sequence: view.getBigUint64(40, true),
    freelist: listed ? getU64(view, 48) : undefined,
    highWater: getU64(view, HIGH_WATER_AT),
    txid: getU64(view, TXID_AT),
    ...decodeExtension(page, view),
  };
}

type Extension = Pick<Meta, 'sealedSince' | 'sealedUpTo' | 'rootStamp' | 'listStamp'>;

/** What the record of a program without seals says of them. */
export const NO_SEALS: Extension = { sealedSince: 0, sealedUpTo: 0, rootStamp: NO_STAMP, listStamp: NO_STAMP };

function decodeExtension(page: Uint8Array, view: DataView): Extension {
  if (page.length < META_BYTES) return NO_SEALS;
  const tag = view.getUint32(EXTENSION, true);
  const earlier = tag === EARLIER_TAG;
  if (!earlier && tag !== EXTENSION_TAG) return NO_SEALS;
  const summed = earlier ? EARLIER_SUMMED : EXTENSION_SUMMED;
  if (view.getUint32(summed, true) !== extensionSum(page, summed)) return NO_SEALS;
  return {
    sealedSince: getU64(view, EXTENSION + 8),
    sealedUpTo: getU64(view, EXTENSION + 16),
    rootStamp: earlier ? NO_STAMP : view.getInt32(EXTENSION + 24, true),
    listStamp: earlier ? NO_STAMP : view.getInt32(EXTENSION + 28, true),
  };
}

/** True if something else than zeros stands where a record of ours says what is sealed, and it cannot be read. */
export function hasForeignBytes(page: Uint8Array, meta: Meta): boolean {
  return meta.sealedSince === 0 && page.subarray(EXTENSION, META_BYTES).some((byte) => byte !== 0);
}

/** The older of the two records that a whole file begins with: the same state, one transaction before. */
export function olderRecord(meta: Meta): Meta {
  return { ...meta, txid: meta.txid - 1 };
}

/** Over the record as well: a torn page must not join an old extension to a foreign record. */
function extensionSum(page: Uint8Array, end: number): number {
  return crc32cOf(page, PAGE_HEADER, end);
}
