/**
 * From a file of unknown page size to the one state it holds.
 *
 * CHS1  The page size comes from the first valid record: page 0, else a second page at 512, 1024, 2048 ... that names its
 *     own offset as the page size.
 * CHS2  Nothing that a record names is used before it was found plausible: a good checksum does not make nonsense true, and
 *     nonsense is never a reason to fall back to the older record.
 * CHS3  A record that is not valid is reported, since the newest transaction may have been in it (R56).
 *
 * bbolt: db.go (getPageSize, mmap, meta). Departs: a file below 4096 bytes is good if its pages are that small.
 */
import type { OpenFile } from '@varve/base/files';
import type { Problem } from '../bolt.ts';
import { exactU64, viewOf } from '../format/bytes.ts';
import { BoltError, corrupt } from '../errors.ts';
import type { BoltErrorCode } from '../errors.ts';
import { decodeMeta, hasForeignBytes, HIGH_WATER_AT, META_BYTES, ROOT_AT, TXID_AT } from '../format/meta.ts';
import type { Meta, MetaFault } from '../format/meta.ts';

const LARGEST_SEARCHED = 1024 * 2 ** 14;

/** What the two meta pages say. */
export interface MetaPages {
  readonly active: Meta;
  /** Page of the active record. */
  readonly activePage: 0 | 1;
  /** The other record, if it is valid and of the same page size. */
  readonly other: Meta | undefined;
  readonly records: readonly [Meta | MetaFault, Meta | MetaFault];
  readonly warnings: readonly Problem[];
}

const CODES: Readonly<Record<MetaFault, BoltErrorCode>> = {
  invalid: 'BOLT_INVALID',
  version: 'BOLT_VERSION',
  checksum: 'BOLT_CHECKSUM',
};
const SENTENCES: Readonly<Record<MetaFault, string>> = {
  invalid: 'is no Bolt file: neither of its first two pages is a meta page',
  version: 'has a version of the Bolt format that is not known here',
  checksum: 'is damaged: the checksums of both meta pages are wrong',
};

/**
 * Reads and chooses. The file must not be empty.
 * @throws BoltError BOLT_INVALID, BOLT_VERSION, BOLT_CHECKSUM, BOLT_TOO_SMALL, BOLT_TRUNCATED, BOLT_CORRUPT
 */
export function chooseMeta(file: OpenFile, path: string): MetaPages {
  const length = file.size();
  if (length < META_BYTES) throw new BoltError('BOLT_INVALID', `${path}: ${length} bytes are no Bolt file`, { path });
  const first = decodeMeta(read(file, 0));
  const pageSize = typeof first === 'string' ? findSecond(file, length) : first.pageSize;
  if (pageSize === undefined) {
    const fault = first as MetaFault;
    throw new BoltError(CODES[fault], `${path} ${SENTENCES[fault]}`, { path, page: 0 });
  }
  if (length < 2 * pageSize) {
    throw new BoltError('BOLT_TOO_SMALL', `${path}: ${length} bytes are less than two pages of ${pageSize}`, { path });
  }
  const raw = [read(file, 0), read(file, pageSize)] as const;
  const records = [first, decodeMeta(raw[1])] as const;
  const chosen = choose(records, raw, length, path);
  const { active, activePage, warnings } = chosen;
  if (!hasForeignBytes(raw[activePage], active)) return chosen;
  const message = `what meta page ${activePage} says of checksums is damaged: only the structure of pages is checked`;
  return { ...chosen, warnings: [...warnings, { rule: 'meta', page: activePage, message }] };
}

function choose(
  records: readonly [Meta | MetaFault, Meta | MetaFault],
  raw: readonly [Buffer, Buffer],
  length: number,
  path: string,
): MetaPages {
  const [zero, one] = records;
  const warnings: Problem[] = [];
  for (const page of [0, 1] as const) {
    const record = records[page];
    if (typeof record !== 'string') continue;
    const message = `meta page ${page} is not valid (${record}): the last transaction may be missing`;
    warnings.push({ rule: 'meta', page, message });
  }
  const activePage = typeof zero === 'string' ? 1 : typeof one === 'string' || zero.txid >= one.txid ? 0 : 1;
  const active = records[activePage] as Meta;
  const other = records[1 - activePage] as Meta | MetaFault;
  requirePlausible(active, raw[activePage], activePage, length, path);
  const usable = typeof other !== 'string' && other.pageSize === active.pageSize ? other : undefined;
  return { active, activePage, other: usable, records, warnings };
}

/** @param raw the record's bytes: messages give its numbers exactly */
function requirePlausible(meta: Meta, raw: Buffer, page: number, length: number, path: string): void {
  const { pageSize, highWater, root, txid } = meta;
  const exact = (at: number): bigint => exactU64(viewOf(raw), at);
  if (highWater > length / pageSize) {
    const message = `${path}: ${length} bytes, but ${exact(HIGH_WATER_AT)} pages of ${pageSize} are in use`;
    throw new BoltError('BOLT_TRUNCATED', message, { path, page });
  }
  if (highWater < 4) throw corrupt(page, `a high-water mark of ${highWater}`);
  if (root < 2 || root >= highWater)
    throw corrupt(page, `root page ${exact(ROOT_AT)} outside of the ${highWater} pages in use`);
  if (!Number.isSafeInteger(txid)) throw corrupt(page, `transaction number ${exact(TXID_AT)}`);
}

function findSecond(file: OpenFile, length: number): number | undefined {
  for (let offset = 512; offset <= LARGEST_SEARCHED && offset < length - META_BYTES; offset *= 2) {
    const record = decodeMeta(read(file, offset));
    if (typeof record !== 'string' && record.pageSize === offset) return offset;
  }
  return undefined;
}

function read(file: OpenFile, position: number): Buffer {
  const bytes = Buffer.alloc(META_BYTES);
  try {
    return bytes.subarray(0, file.read(bytes, 0, META_BYTES, position));
  } catch (cause) {
    throw new BoltError('BOLT_FAILED', 'a meta page cannot be read', { cause });
  }
}

/** True if the free list's page can be one. */
export function plausibleFreelist(meta: Meta): boolean {
  return meta.freelist === undefined || (meta.freelist >= 2 && meta.freelist < meta.highWater);
}
