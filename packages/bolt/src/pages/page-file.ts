/**
 * Pages of one file, through the cache, each checked when it comes from the medium.
 *
 * PF1  No page id is believed: it must lie in [2, high-water mark), and so must the run it begins.
 * PF2  A run is read as the file has it, never more than the high-water mark allows, and never more than its elements fill:
 *     memory is asked for after that was found (see `page-run.ts`).
 * PF3  A page is read into the memory of one that was forgotten; runs of several pages have memory of their own.
 * PF4  A page is the one that whoever points to it means, or it is damage (see `seal.ts`). That is looked at when it comes
 *     from the medium: a page in the cache is the only one of its id that any state can still mean.
 * PF5  Where a seal proves the run, its key order is proven too; else the order is looked at once, when the page is read.
 * PF6  Reading for a lookup is one step; who reads everything does it in steps: a run can have hundreds of megabytes.
 * PF7  The run that was read last is kept besides the cache if that is too small for it: who looks up many entries of a large
 *     run reads it once. It belongs to the state for which it was read, and no other one is given it.
 */
import type { OpenFile } from '@varve/base/files';
import { viewOf } from '../format/bytes.ts';
import { BoltError, corrupt } from '../errors.ts';
import type { Meta } from '../format/meta.ts';
import { Page } from '../format/page.ts';
import { PageCache } from './page-cache.ts';
import { checkOrderInSteps, readRun, readRunInSteps, sumInSteps } from './page-run.ts';
import { verifySeal } from '../format/seal.ts';

/** A page, and whether a seal proved it. */
export interface Inspected {
  readonly page: Page;
  readonly sealed: boolean;
}

/** Reads pages of one file. */
export class PageFile {
  readonly file: OpenFile;
  readonly pageSize: number;
  readonly cache: PageCache;
  #large: { readonly page: Page; readonly txid: number } | undefined;

  constructor(file: OpenFile, pageSize: number, cacheBytes: number) {
    this.file = file;
    this.pageSize = pageSize;
    this.cache = new PageCache(cacheBytes, pageSize);
  }

  /**
   * A branch or leaf page of the state `meta`.
   * @param stamp what its seal must bear, says the page `from`, or the meta page if that is 0
   * @throws BoltError BOLT_CORRUPT naming the page; BOLT_FAILED if it cannot be read
   */
  page(id: number, meta: Meta, stamp: number, from: number): Page {
    const cached = this.#kept(id, meta);
    if (cached !== undefined) return cached;
    const page = this.#load(id, meta, stamp, from);
    this.cache.set(id, page);
    return page;
  }

  /** The same for who will not come back to it soon: what is not in the cache does not get there. */
  passingPage(id: number, meta: Meta, stamp: number, from: number): Page {
    return this.#kept(id, meta) ?? this.#load(id, meta, stamp, from);
  }

  #kept(id: number, meta: Meta): Page | undefined {
    const large = this.#large;
    return large !== undefined && large.page.id === id && large.txid === meta.txid ? large.page : this.cache.get(id);
  }

  #load(id: number, meta: Meta, stamp: number, from: number): Page {
    this.requireInUse(id, meta);
    const { spare } = this.cache;
    let page = spare.take();
    this.read(page.bytes, 0, this.pageSize, id);
    const run = readRun(this, page.bytes, id, meta);
    if (run !== page.bytes) {
      spare.give(page);
      page = new Page(run, 0, viewOf(run));
    }
    const kind = verifySeal(page.parse(id, run.length, id), meta, stamp, from);
    if (kind === 'none') page.checkOrder(id);
    if (kind === 'stamped') page.trustStamps();
    if (page.overflow > 0 && !this.cache.takes(page)) this.#large = { page, txid: meta.txid };
    return page;
  }

  /** Reads and checks a page without keeping it; says whether a seal vouched for it. */
  *inspectInSteps(id: number, meta: Meta, stamp: number, from: number): Generator<undefined, Inspected> {
    this.requireInUse(id, meta);
    const first = Buffer.allocUnsafeSlow(this.pageSize);
    this.read(first, 0, this.pageSize, id);
    const run = yield* readRunInSteps(this, first, id, meta);
    const page = new Page(run, 0, viewOf(run)).parse(id, run.length, id);
    const sum = meta.sealedSince === 0 ? undefined : yield* sumInSteps(run);
    const kind = verifySeal(page, meta, stamp, from, sum);
    if (kind === 'none') yield* checkOrderInSteps(page, id);
    if (kind === 'stamped') page.trustStamps();
    return { page, sealed: kind !== 'none' };
  }

  /** @throws BoltError BOLT_CORRUPT for an id that no page in use has */
  requireInUse(id: number, meta: Meta): void {
    if (!(id >= 2 && id < meta.highWater)) throw corrupt(id, `outside of the ${meta.highWater} pages in use`, 'C3');
  }

  /** Reads `length` bytes at `offset` of page `id` to the same place of `target`. @throws BoltError BOLT_FAILED, BOLT_CORRUPT */
  read(target: Buffer, offset: number, length: number, id: number): void {
    let read: number;
    try {
      read = this.file.read(target, offset, length, id * this.pageSize + offset);
    } catch (cause) {
      throw new BoltError('BOLT_FAILED', `page ${id} cannot be read`, { page: id, cause });
    }
    if (read < length) throw corrupt(id, 'the file ends inside of it', 'C3');
  }
}
