/**
 * A page and its continuation: how much of it there is to read, and reading it in steps.
 *
 * PGR1  The header's count of continuation pages is believed only as far as the elements fill them, and those lie in the
 *     file: nothing is allocated for what a header claims.
 * PGR2  A run that memory cannot hold is an error that names the page and its place in the file.
 * PGR3  In steps, no more than 64 KiB are read, summed or compared at a time (law 10).
 *
 * bbolt: db.go (page), tx.go (allocate).
 */
import { constants } from 'node:buffer';
import { compareRuns } from '@varve/base/order';
import { crc32cOf } from '@varve/base/crc32c';
import { viewOf } from '../format/bytes.ts';
import { BoltError, corrupt } from '../errors.ts';
import { PAGE_HEADER } from '../format/meta.ts';
import type { Meta } from '../format/meta.ts';
import { BRANCH_FLAG, ELEMENT, LEAF_FLAG, Page } from '../format/page.ts';
import { SEAL_BYTES, STAMP_BYTES } from '../format/seal.ts';

/** Bytes a step: the clock is asked every 16th one. */
const STEP = 1 << 16;
/** bbolt's older releases took a page more than needed, and a seal may need one. */
const SPARE_PAGES = 2;

/** The same on every release of Node: newer ones give out more than the oldest. */
const MOST_BYTES = Math.min(constants.MAX_LENGTH, 2 ** 32);

/** Where runs are read from. */
export interface RunSource {
  readonly pageSize: number;
  /** Reads `length` bytes at `offset` of page `id` to the same place of `target`. */
  read(target: Buffer, offset: number, length: number, id: number): void;
}

/** The run that begins with the page `first`: that buffer itself if it has no continuation. */
export function readRun(source: RunSource, first: Buffer, id: number, meta: Meta): Buffer {
  const whole = roomFor(source, first, id, meta);
  if (whole !== first) source.read(whole, first.length, whole.length - first.length, id);
  return whole;
}

/** The same in steps. */
export function* readRunInSteps(
  source: RunSource,
  first: Buffer,
  id: number,
  meta: Meta,
): Generator<undefined, Buffer> {
  const whole = roomFor(source, first, id, meta);
  for (let at = first.length; at < whole.length; at += STEP) {
    source.read(whole, at, Math.min(STEP, whole.length - at), id);
    yield;
  }
  return whole;
}

/** The sum that a seal holds, over all but the last four bytes. */
export function* sumInSteps(run: Buffer): Generator<undefined, number> {
  const view = viewOf(run);
  const end = run.length - 4;
  let sum = 0;
  for (let at = 0; at < end; at += STEP) {
    if (at > 0) yield;
    sum = crc32cOf(run, at, Math.min(at + STEP, end), sum, view);
  }
  return sum;
}

/** As `Page.checkOrder`, in steps. */
export function* checkOrderInSteps(page: Page, namedPage: number): Generator<undefined, void> {
  if (page.dataEnd <= STEP) {
    page.checkOrder(namedPage);
    return;
  }
  const { bytes } = page;
  for (let i = 1; i < page.count; i++) {
    const [before, at] = [page.keyAt(i - 1), page.keyAt(i)];
    const order = compareRuns(bytes, before, page.keyLength(i - 1), bytes, at, page.keyLength(i));
    if (order >= 0) throw corrupt(namedPage, `keys ${i - 1} and ${i} are not in order`, 'C8');
    if (page.keyLength(i) > 1024 || i % 128 === 0) yield;
  }
}

/** Memory for a run, with its first page in it. @throws BoltError if the run cannot be what it claims */
function roomFor(source: RunSource, first: Buffer, id: number, meta: Meta): Buffer {
  const overflow = first.readUInt32LE(12);
  if (overflow === 0) return first;
  const { pageSize } = source;
  if (overflow >= meta.highWater - id)
    throw corrupt(id, `${overflow} overflow pages end past the high-water mark`, 'C3');
  const filled = Math.ceil(endOf(source, first, id, overflow) / pageSize);
  if (overflow + 1 > filled + SPARE_PAGES)
    throw corrupt(id, `${overflow} overflow pages, but its elements end in the first ${filled} pages`, 'C11');
  const whole = allocate((overflow + 1) * pageSize, id, pageSize);
  first.copy(whole);
  return whole;
}

/** Where the elements end, and a seal with their stamps would, from the element array alone. */
function endOf(source: RunSource, first: Buffer, id: number, overflow: number): number {
  const length = (overflow + 1) * source.pageSize;
  const flags = first.readUInt16LE(8);
  if (flags !== LEAF_FLAG && flags !== BRANCH_FLAG) throw corrupt(id, `type ${flags} is no branch or leaf`, 'C10');
  const arrayEnd = Math.min(PAGE_HEADER + first.readUInt16LE(10) * ELEMENT, length);
  let head = first;
  if (arrayEnd > first.length) {
    head = Buffer.allocUnsafeSlow(arrayEnd);
    first.copy(head);
    source.read(head, first.length, arrayEnd - first.length, id);
  }
  const { dataEnd, stamps } = new Page(head, 0, viewOf(head)).parse(id, length, id);
  return dataEnd + stamps * STAMP_BYTES + SEAL_BYTES;
}

/** @throws BoltError BOLT_FAILED when there is not that much memory */
export function allocate(bytes: number, id: number, pageSize: number): Buffer {
  let cause: unknown;
  if (bytes <= MOST_BYTES) {
    try {
      return Buffer.allocUnsafeSlow(bytes);
    } catch (error) {
      cause = error;
    }
  }
  const message = `page ${id}: its run of ${bytes} bytes from byte ${id * pageSize} on does not fit into memory`;
  throw new BoltError('BOLT_FAILED', message, { page: id, cause });
}
