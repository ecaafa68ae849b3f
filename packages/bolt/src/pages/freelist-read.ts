/**
 * Reading the list of free pages from a file.
 *
 * FRL1  A list can claim millions of ids: it is read in steps, and no further than to the problem that ends the interest in it.
 * FRL2  Its checksum covers the whole run and is looked at last, when every id was found possible.
 *
 * bbolt: freelist.go (read). Departs: FRL1, FRL2.
 */
import { viewOf } from '../format/bytes.ts';
import { plausibleFreelist } from '../open/choose-meta.ts';
import { BoltError, corrupt } from '../errors.ts';
import { decodeListHead, ListReading, unreadable } from '../format/freelist-page.ts';
import type { FreelistContents } from '../format/freelist-page.ts';
import type { Meta } from '../format/meta.ts';
import type { PageFile } from './page-file.ts';
import { allocate, sumInSteps } from './page-run.ts';
import { verifySeal } from '../format/seal.ts';

/** Bytes a step; a multiple of every id's size. */
const STEP = 1 << 16;

/** A list that was read, and whether a seal vouched for it. */
export interface ReadList extends FreelistContents {
  readonly sealed: boolean;
  /** It was read to its end, whatever was found. */
  readonly whole: boolean;
  /** Ids that were not looked at, because too many before them were wrong. */
  readonly unread: number;
}

/**
 * The list of a state, as far as it can be trusted.
 * @param most problems to look for
 * @throws BoltError BOLT_CORRUPT if its run is not in the file or its checksum is wrong; BOLT_FAILED
 */
export function* readListInSteps(pages: PageFile, meta: Meta, most: number): Generator<undefined, ReadList> {
  const id = meta.freelist as number;
  const { pageSize } = pages;
  const first = firstPage(pages, meta);
  const head = decodeListHead(first, id, pageSize);
  if ('rule' in head) return { ...unreadable(head), sealed: false, whole: false, unread: 0 };
  if (head.overflow >= meta.highWater - id)
    throw corrupt(id, `${head.overflow} overflow pages end past the high-water mark`, 'C3');
  const run = head.overflow === 0 ? first : allocate((head.overflow + 1) * pageSize, id, pageSize);
  if (run !== first) first.copy(run);
  const view = viewOf(run);
  const reading = new ListReading(head, id, meta.highWater, most);
  const end = head.start + 8 * head.count;
  let taken = head.start;
  for (let at = 0; at < run.length && !reading.hopeless; at += STEP) {
    const stop = Math.min(at + STEP, run.length);
    const from = Math.max(at, first.length);
    if (stop > from) pages.read(run, from, stop - from, id);
    taken = reading.take(view, taken, Math.min(stop, end));
    yield;
  }
  const contents = yield* reading.contents();
  if (reading.hopeless) return { ...contents, sealed: false, whole: false, unread: (end - taken) / 8 };
  const sum = meta.sealedSince === 0 ? undefined : yield* sumInSteps(run);
  const sealed = { id, bytes: run, view, dataEnd: contents.dataEnd, stamps: 0 };
  const kind = verifySeal(sealed, meta, meta.listStamp, 0, sum);
  return { ...contents, sealed: kind !== 'none', whole: true, unread: 0 };
}

/** How many pages the list says are free, from its head alone: nothing of it is verified. 0 for none, and for a bad one. */
export function countListed(pages: PageFile, meta: Meta): number {
  if (meta.freelist === undefined || !plausibleFreelist(meta)) return 0;
  try {
    const head = decodeListHead(firstPage(pages, meta), meta.freelist, pages.pageSize);
    return 'count' in head ? Math.min(head.count, meta.highWater - 2) : 0;
  } catch (error) {
    if (error instanceof BoltError && error.code === 'BOLT_CORRUPT') return 0;
    throw error;
  }
}

function firstPage(pages: PageFile, meta: Meta): Buffer {
  const id = meta.freelist as number;
  pages.requireInUse(id, meta);
  const first = Buffer.allocUnsafeSlow(pages.pageSize);
  pages.read(first, 0, first.length, id);
  return first;
}
