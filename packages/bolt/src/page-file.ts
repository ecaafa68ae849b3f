/**
 * Pages of one file, through the cache, each checked when it comes from the medium.
 *
 * R1  No page id is believed: it must lie in [2, high-water mark), and so must the run it begins.
 * R2  A run is read as the file has it, never more than the high-water mark allows.
 * R3  Where a seal proves the run, its key order is proven too; else the order is looked at once, when the page is read.
 */
import { viewOf } from './bytes.ts';
import { BoltError, corrupt } from './errors.ts';
import type { Meta } from './meta.ts';
import { Page } from './page.ts';
import { PageCache } from './page-cache.ts';
import { sealRule, verifySeal } from './seal.ts';
import type { StorageFile } from './storage-file.ts';

/** Reads pages of one file. */
export class PageFile {
  readonly file: StorageFile;
  readonly pageSize: number;
  readonly cache: PageCache;

  constructor(file: StorageFile, pageSize: number, cacheBytes: number) {
    this.file = file;
    this.pageSize = pageSize;
    this.cache = new PageCache(cacheBytes);
  }

  /**
   * A branch or leaf page of the state `meta`.
   * @throws BoltError BOLT_CORRUPT naming the page; BOLT_FAILED if it cannot be read
   */
  page(id: number, meta: Meta): Page {
    return this.cache.get(id) ?? this.#load(id, meta);
  }

  #load(id: number, meta: Meta): Page {
    const { page } = this.inspect(id, meta);
    this.cache.set(id, page);
    return page;
  }

  /** Reads and checks a page without keeping it; says whether a seal vouched for it. */
  inspect(id: number, meta: Meta): { readonly page: Page; readonly sealed: boolean } {
    const run = this.run(id, meta);
    const page = new Page(id, run, viewOf(run), 0, run.length, id);
    const sealed = verifySeal(id, run, page.dataEnd, sealRule(meta));
    if (!sealed) page.checkOrder(id);
    return { page, sealed };
  }

  /** The bytes of a page and its continuation, of any type. */
  run(id: number, meta: Meta): Buffer {
    if (!(id >= 2 && id < meta.highWater)) throw corrupt(id, `outside of the ${meta.highWater} pages in use`, 'C3');
    const { pageSize } = this;
    const first = Buffer.allocUnsafeSlow(pageSize);
    this.#read(first, 0, pageSize, id);
    const overflow = first.readUInt32LE(12);
    if (overflow === 0) return first;
    if (overflow >= meta.highWater - id)
      throw corrupt(id, `${overflow} overflow pages end past the high-water mark`, 'C3');
    const whole = Buffer.allocUnsafeSlow((overflow + 1) * pageSize);
    first.copy(whole);
    this.#read(whole, pageSize, overflow * pageSize, id);
    return whole;
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
