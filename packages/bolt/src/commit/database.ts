/**
 * The one implementation of `Bolt`: a store, a writer queue, and what readers see of them.
 *
 * DA1  Which state a reader gets and that it is held are one step: nothing can happen between them.
 * DA2  Defragmentation swaps the store between two commits; readers of the old file keep it until they end.
 * DA3  After `close` every call answers BOLT_CLOSED, and no timer, descriptor or lock is left.
 * DA4  The name is taken from nobody else: a file that has come into it meanwhile, as a restored backup does, stays.
 *
 * bbolt: db.go.
 */
import { check, checkOptions, isBoolean, isFunction, isPath, isSignal, type Rules } from '@varve/base/options';
import { Slice } from '@varve/base/pace';
import type {
  Bolt,
  BoltImage,
  BoltStats,
  CheckOptions,
  CheckReport,
  CompactOptions,
  CompactReport,
  CopyOptions,
  Problem,
  ReadOptions,
  ReadTransaction,
  SignalOptions,
  WriteTransaction,
} from '../bolt.ts';
import { checkState } from '../tools/check.ts';
import { checkBody, isChunkSize, isFillPercent } from '../option-rules.ts';
import { chooseMeta } from '../open/choose-meta.ts';
import type { MetaPages } from '../open/choose-meta.ts';
import { compactState } from '../tools/compact.ts';
import { StateCopy } from '../tools/copy.ts';
import { removeLeftovers, requireReadableFolder, temporaryName } from '../open/create.ts';
import { BoltError } from '../errors.ts';
import { countListed } from '../pages/freelist-read.ts';
import { PinnedTransaction } from './read-transaction.ts';
import type { PinnedState } from './read-transaction.ts';
import { countState } from '../tools/stats.ts';
import type { Store } from './store.ts';
import { WriterQueue } from './writer-queue.ts';

/** Opens and locks a file that is about to get the name. */
export type OpenStore = (path: string) => Promise<Store>;

const READ: Rules<ReadOptions> = { borrow: isBoolean, once: isBoolean };
const STATS: Rules<SignalOptions> = { signal: isSignal };
const CHECK: Rules<CheckOptions> = { ...STATS, onProgress: isFunction };
const COPY: Rules<CopyOptions> = { ...STATS, chunkBytes: isChunkSize };
const COMPACT: Rules<CompactOptions> = { ...STATS, fillPercent: isFillPercent, onProgress: isFunction };

/** An open file. */
export class Database implements Bolt {
  readonly path: string;
  readonly readOnly: boolean;
  #store: Store;
  readonly #chosen: MetaPages;
  readonly #open: OpenStore;
  readonly #writer: WriterQueue;
  readonly #transactions: Set<PinnedState> = new Set();
  /** Stores of replaced files that still have readers. */
  readonly #retired: Set<Store> = new Set();
  #closing: Promise<void> | undefined;

  constructor(store: Store, readOnly: boolean, chosen: MetaPages, open: OpenStore) {
    this.#store = store;
    this.#chosen = chosen;
    this.#open = open;
    this.path = store.options.path;
    this.readOnly = readOnly;
    this.#writer = new WriterQueue({
      draft: () => this.#store.draft(),
      commit: (draft) => this.#store.commit(draft),
      slices: () => this.#slices({}),
      requireWritable: () => this.#requireWritable(),
    });
  }

  get pageSize(): number {
    return this.#store.meta.pageSize;
  }

  get warnings(): readonly Problem[] {
    return this.#store.warnings;
  }

  get txid(): number {
    return this.#store.meta.txid;
  }

  get sealedSince(): number {
    return this.#store.meta.sealedSince;
  }

  get size(): number {
    return this.#store.size;
  }

  get sizeInUse(): number {
    return this.size - this.#freePages() * this.pageSize;
  }

  get openReads(): number {
    return this.#transactions.size;
  }

  read(options: ReadOptions = {}): ReadTransaction {
    checkOptions(options, READ);
    return new PinnedTransaction(this.#pin(), options);
  }

  write<T>(body: (tx: WriteTransaction) => T): Promise<T> {
    try {
      checkBody(body);
      this.#requireWritable();
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#writer.write(body);
  }

  writeInSteps<T>(body: (tx: WriteTransaction) => Iterator<void, T>): Promise<T> {
    try {
      checkBody(body);
      this.#requireWritable();
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#writer.writeInSteps(body);
  }

  async check(options: CheckOptions = {}): Promise<CheckReport> {
    checkOptions(options, CHECK);
    return this.#held((state) => {
      const chosen = this.readOnly ? this.#chosen : chooseMeta(state.pages.file, this.path);
      return checkState(state.pages, state.meta, chosen, this.#slices(options), options);
    });
  }

  async stats(options: SignalOptions = {}): Promise<BoltStats> {
    checkOptions(options, STATS);
    return this.#held((state) => countState(state.pages, state.meta, this.#freePages(), this.#slices(options)));
  }

  /** Long reading of the newest state; ends with BOLT_CLOSED when the file is closed meanwhile. */
  async #held<T>(work: (state: PinnedState) => Promise<T>): Promise<T> {
    const state = this.#pin();
    try {
      return await work(state);
    } catch (error) {
      throw this.#closing === undefined ? error : this.#closedError();
    } finally {
      state.release();
    }
  }

  copy(options: CopyOptions = {}): BoltImage {
    checkOptions(options, COPY);
    return new StateCopy(this.#pin(), options, this.#store.world);
  }

  async copyTo(target: string, options: CompactOptions = {}): Promise<CompactReport> {
    check(target, 'target', isPath);
    checkOptions(options, COMPACT);
    const place = this.#store.world.files.absolute(target);
    return this.#held((state) => this.#compactTo(place, state, options));
  }

  async #compactTo(target: string, state: PinnedState, options: CompactOptions): Promise<CompactReport> {
    const sizeBefore = state.meta.highWater * state.meta.pageSize;
    const { world } = this.#store;
    try {
      if (world.files.identity(target) !== undefined) throw exists(target);
      await requireReadableFolder(world, target);
      await removeLeftovers(world, target);
      const sizeAfter = await compactState(world, state, target, {
        ...options,
        ...this.#layout(2),
        temporary: temporaryName(world, target),
      });
      return { sizeBefore, sizeAfter };
    } catch (cause) {
      if (cause instanceof BoltError || options.signal?.aborted === true) throw cause;
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw exists(target, cause);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BoltError('BOLT_FAILED', `${target} cannot be written: ${reason}`, { path: target, cause });
    }
  }

  async defrag(options: CompactOptions = {}): Promise<CompactReport> {
    checkOptions(options, COMPACT);
    this.#requireWritable();
    return this.#writer.exclusive(async () => {
      this.#requireWritable();
      const old = this.#store;
      const state = this.#pin();
      const sizeBefore = old.size;
      const compacted = temporaryName(old.world, this.path);
      try {
        this.#requireReplaceable(old);
        const temporary = temporaryName(old.world, this.path);
        const layout = { ...options, ...this.#layout(old.meta.txid), temporary };
        const sizeAfter = await compactState(old.world, state, compacted, layout);
        await this.#replace(old, compacted);
        return { sizeBefore, sizeAfter };
      } catch (cause) {
        await old.world.files.unlink(compacted).catch(() => undefined);
        if (cause instanceof BoltError || options.signal?.aborted === true) throw cause;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new BoltError('BOLT_FAILED', `${this.path}: not defragmented: ${reason}`, { path: this.path, cause });
      } finally {
        state.release();
      }
    });
  }

  /** @throws BoltError BOLT_FAILED, BOLT_NOT_REPLACEABLE if the name must not go to another file (DA4) */
  #requireReplaceable(old: Store): void {
    const { path } = this;
    if (old.world.files.identity(path) !== old.file.identity()) {
      const message = `${path}: another file has this name now, which was left as it is. Close this one and open it anew`;
      throw new BoltError('BOLT_FAILED', message, { path });
    }
    const obstacle = old.world.files.obstacle?.(path);
    if (obstacle === undefined) return;
    throw new BoltError('BOLT_NOT_REPLACEABLE', `${path} cannot be replaced by its compact form: ${obstacle}`, {
      path,
    });
  }

  /** Up to the rename the old file goes on. From then on there is no way back: what fails ends writing. */
  async #replace(old: Store, compacted: string): Promise<void> {
    let fresh: Store | undefined;
    try {
      fresh = await this.#open(compacted);
      this.#requireReplaceable(old);
      await old.world.files.rename(compacted, this.path);
    } catch (error) {
      await fresh?.close().catch(() => undefined);
      throw error;
    }
    try {
      await old.world.files.syncDirectory(this.path);
    } catch (error) {
      await fresh.close().catch(() => undefined);
      throw old.fail(error);
    }
    this.#store = fresh;
    this.#retired.add(old);
    await this.#closeUnread(old);
  }

  /** A store whose file was replaced is closed by its last reader. */
  async #closeUnread(old: Store): Promise<void> {
    if (!this.#retired.has(old) || old.ledger.readerN > 0) return;
    await old.close().catch(() => undefined); // its contents live on in the new file
    this.#retired.delete(old);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#writer.refuseWaiting(this.#closedError());
    await this.#writer.exclusive(() => Promise.resolve());
    for (const state of this.#transactions) state.release();
    for (const old of this.#retired) await old.close().catch(() => undefined);
    await this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pin(): PinnedState {
    if (this.#closing !== undefined) throw this.#closedError();
    const store = this.#store;
    const held = store.pin();
    let released = false;
    const state: PinnedState = {
      pages: held.pages,
      meta: held.meta,
      get released() {
        return released;
      },
      release: () => {
        released = true;
        this.#transactions.delete(state);
        held.release();
        void this.#closeUnread(store);
      },
    };
    this.#transactions.add(state);
    return state;
  }

  #layout(txid: number): { readonly txid: number; readonly pageChecksums: boolean } {
    return { txid, pageChecksums: this.#store.options.pageChecksums };
  }

  #slices(options: SignalOptions): Slice {
    return new Slice(this.#store.world.clock, { signal: options.signal });
  }

  #freePages(): number {
    const { ledger, meta, pages } = this.#store;
    return this.readOnly ? countListed(pages, meta) : ledger.count;
  }

  #requireWritable(): void {
    if (this.#closing !== undefined) throw this.#closedError();
    if (this.readOnly)
      throw new BoltError('BOLT_READ_ONLY', `${this.path} is open for reading only`, { path: this.path });
    if (this.#store.failure !== undefined) throw this.#store.failure;
  }

  #closedError(): BoltError {
    return new BoltError('BOLT_CLOSED', `${this.path} is closed`, { path: this.path });
  }
}

function exists(path: string, cause?: unknown): BoltError {
  return new BoltError('BOLT_EXISTS', `${path} exists`, { path, cause });
}
