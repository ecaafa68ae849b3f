/**
 * Pages of one file, through the cache, each checked when it comes from the medium.
 *
 * R1  No page id is believed: it must lie in [2, high-water mark), and so must the run it begins.
 * R2  A run is read as the file has it, never more than the high-water mark allows.
 * R3  A page is read into the memory of one that was forgotten; runs of several pages have memory of their own.
 * R4  A page is the one that whoever points to it means, or it is damage (see `seal.ts`). That is looked at when it comes
 *     from the medium: a page in the cache is the only one of its id that any state can still mean.
 * R5  Where a seal proves the run, its key order is proven too; else the order is looked at once, when the page is read.
 */
import { viewOf } from './bytes.ts';
import { BoltError, corrupt } from './errors.ts';
import type { Meta } from './meta.ts';
import { Page } from './page.ts';
import { PageCache } from './page-cache.ts';
import { verifySeal } from './seal.ts';
import type { StorageFile } from './storage-file.ts';

/** A page, and whether a seal proved it. */
export interface Inspected {
  readonly page: Page;
  readonly sealed: boolean;
}

/** Reads pages of one file. */
export class PageFile {
  readonly file: StorageFile;
  readonly pageSize: number;
  readonly cache: PageCache;

  constructor(file: StorageFile, pageSize: number, cacheBytes: number) {
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
    const cached = this.cache.get(id);
    if (cached !== undefined) return cached;
    const page = this.#load(id, meta, stamp, from);
    this.cache.set(id, page);
    return page;
  }

  /** The same for who will not come back to it soon: what is not in the cache does not get there. */
  passingPage(id: number, meta: Meta, stamp: number, from: number): Page {
    return this.cache.get(id) ?? this.#load(id, meta, stamp, from);
  }

  #load(id: number, meta: Meta, stamp: number, from: number): Page {
    this.#requireInUse(id, meta);
    const { spare } = this.cache;
    let page = spare.take();
    this.#read(page.bytes, 0, this.pageSize, id);
    const run = this.#completed(page.bytes, id, meta);
    if (run !== page.bytes) {
      spare.give(page);
      page = new Page(run, 0, viewOf(run));
    }
    this.#check(page.parse(id, run.length, id), meta, stamp, from);
    return page;
  }

  /** Reads and checks a page without keeping it; says whether a seal vouched for it. */
  inspect(id: number, meta: Meta, stamp: number, from: number): Inspected {
    const run = this.run(id, meta);
    const page = new Page(run, 0, viewOf(run)).parse(id, run.length, id);
    return { page, sealed: this.#check(page, meta, stamp, from) };
  }

  #check(page: Page, meta: Meta, stamp: number, from: number): boolean {
    const kind = verifySeal(page, meta, stamp, from);
    if (kind === 'none') page.checkOrder(page.id);
    if (kind === 'stamped') page.trustStamps();
    return kind !== 'none';
  }

  /** The bytes of a page and its continuation, of any type. */
  run(id: number, meta: Meta): Buffer {
    this.#requireInUse(id, meta);
    const first = Buffer.allocUnsafeSlow(this.pageSize);
    this.#read(first, 0, this.pageSize, id);
    return this.#completed(first, id, meta);
  }

  /** The run that starts with these bytes. */
  #completed(first: Buffer, id: number, meta: Meta): Buffer {
    const overflow = first.readUInt32LE(12);
    if (overflow === 0) return first;
    if (overflow >= meta.highWater - id)
      throw corrupt(id, `${overflow} overflow pages end past the high-water mark`, 'C3');
    const whole = Buffer.allocUnsafeSlow((overflow + 1) * this.pageSize);
    first.copy(whole);
    this.#read(whole, this.pageSize, overflow * this.pageSize, id);
    return whole;
  }

  #requireInUse(id: number, meta: Meta): void {
    if (!(id >= 2 && id < meta.highWater)) throw corrupt(id, `outside of the ${meta.highWater} pages in use`, 'C3');
  }

  #read(target: Buffer, offset: number, length: number, id: number): void {
    let read: number;
    try {
      read = this.file.read(target, offset, length, id * this.pageSize + offset);
    } catch (cause) {
      throw new BoltError('BOLT_FAILED', `page ${id} cannot be read`, { page: id, cause });
    }
    if (read < length) throw corrupt(id, 'the file ends inside of it', 'C3');
  }
}
