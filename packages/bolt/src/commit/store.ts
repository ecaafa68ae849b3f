/**
 * One open file: its newest state, its pages, its readers, and the one commit under way.
 *
 * STO1  The newest state is replaced in one step, after the commit is durable; the cache has the new pages by then.
 * STO2  A failed write or sync ends writing for good (R25): nothing is retried, reading goes on.
 */
import { Slice } from '@varve/base/pace';
import type { OpenFile } from '@varve/base/files';
import type { World } from '@varve/base/world';
import type { Problem } from '../bolt.ts';
import { planCommit } from './commit-plan.ts';
import { writeCommit } from './commit-write.ts';
import { BoltError } from '../errors.ts';
import type { FreePages } from '../pages/free-pages.ts';
import type { Meta } from '../format/meta.ts';
import { PageFile } from '../pages/page-file.ts';
import { PageLedger } from '../pages/page-ledger.ts';
import type { PinnedState } from './read-transaction.ts';
import { STAMP_BYTES, stampOf } from '../format/seal.ts';
import { Draft } from './write-transaction.ts';

/** How a store was opened. */
export interface StoreOptions {
  readonly path: string;
  readonly cacheBytes: number;
  readonly persistFreelist: boolean;
  readonly pageChecksums: boolean;
}

/** An open file. */
export class Store {
  readonly options: StoreOptions;
  readonly world: World;
  readonly file: OpenFile;
  readonly pages: PageFile;
  readonly warnings: readonly Problem[];
  /** Free pages; without meaning on a read-only store, but for its readers. */
  readonly ledger: PageLedger;
  meta: Meta;
  failure: BoltError | undefined;
  #listPages: number;
  #length: number;
  readonly #identity: string;
  /** Makes the stamps of this opening unlike those of any other, also of one that a crash has undone. */
  readonly #unique: string;
  #closed: Promise<void> | undefined;

  constructor(
    world: World,
    file: OpenFile,
    meta: Meta,
    free: FreePages,
    warnings: readonly Problem[],
    options: StoreOptions,
  ) {
    this.world = world;
    this.file = file;
    this.meta = meta;
    this.options = options;
    this.warnings = warnings;
    this.pages = new PageFile(file, meta.pageSize, options.cacheBytes);
    this.ledger = new PageLedger(free.free, free.waiting, meta.txid);
    this.#listPages = free.listPages;
    this.#length = file.size();
    this.#identity = file.identity();
    this.#unique = world.random.unique();
  }

  /** Holds the newest state until `release`. */
  pin(): Omit<PinnedState, 'released'> {
    const { pages, meta, ledger } = this;
    ledger.addReader(meta.txid);
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      ledger.removeReader(meta.txid);
    };
    return { pages, meta, release };
  }

  draft(): Draft {
    return new Draft(this.pages, this.meta, this.options.pageChecksums ? STAMP_BYTES : 0);
  }

  /** Makes a draft the newest state. Rejects with BOLT_CORRUPT (nothing happened) or BOLT_FAILED (writing has ended). */
  async commit(draft: Draft): Promise<void> {
    const { ledger, options, file } = this;
    const stamp = stampOf(this.#unique, draft.meta.txid + 1);
    const steps = planCommit(draft, draft.root, ledger, { ...options, stamp, listPages: this.#listPages });
    const plan = await new Slice(this.world.clock).run(steps);
    try {
      const { length, kept } = await writeCommit(plan, {
        world: this.world,
        file,
        length: this.#length,
        spare: this.pages.cache.spare,
        keepBytes: options.cacheBytes / 4,
        requireInPlace: (expected) => this.#requireInPlace(expected),
      });
      this.#length = length;
      for (const { id } of plan.placed) this.pages.cache.delete(id);
      for (const page of kept) this.pages.cache.set(page.id, page);
      draft.sources.letGo();
    } catch (cause) {
      throw this.fail(cause);
    }
    ledger.publish(plan.meta.txid, plan.freed, allocated(plan.placed, plan.list));
    this.#listPages = plan.list?.pages ?? 0;
    this.meta = plan.meta;
  }

  /** Ends writing. */
  fail(cause: unknown): BoltError {
    const { path } = this.options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.failure ??= new BoltError('BOLT_FAILED', `${path}: writing has ended: ${reason}`, { path, cause });
    return this.failure;
  }

  #requireInPlace(length: number): void {
    const { world, options } = this;
    if (world.files.identity(options.path) !== this.#identity) throw new Error('the file was replaced or deleted');
    if (this.file.size() < length) throw new Error('the file was cut by somebody else');
  }

  get size(): number {
    return this.meta.highWater * this.meta.pageSize;
  }

  close(): Promise<void> {
    this.#closed ??= this.file.close();
    return this.#closed;
  }
}

function* allocated(
  placed: readonly { readonly id: number; readonly pages: number }[],
  list: { readonly id: number; readonly pages: number } | undefined,
): IterableIterator<readonly [id: number, pages: number]> {
  for (const { id, pages } of placed) yield [id, pages];
  if (list !== undefined) yield [list.id, list.pages];
}
