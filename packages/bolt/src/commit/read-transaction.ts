/**
 * One committed state, held until the transaction ends.
 *
 * bbolt: tx.go. Departs: nothing here waits, and no memory map has to stay in place.
 */
import type { Bytes, Cursor, Entry, RangeOptions, ReadBucket, ReadOptions, ReadTransaction } from '../bolt.ts';
import { toBytes } from '../format/bytes.ts';
import { borrowBytes, copyBytes } from '../format/bytes-out.ts';
import type { GiveBytes } from '../format/bytes-out.ts';
import { BucketCursor, getValue, rangeEntries } from '../tree/bucket-reader.ts';
import type { Life } from '../tree/bucket-reader.ts';
import { BoltError } from '../errors.ts';
import type { Meta } from '../format/meta.ts';
import { OnceTree } from '../tree/once-tree.ts';
import { PageSet } from '../pages/page-set.ts';
import { rootTree } from '../tree/page-tree.ts';
import type { PageTree } from '../tree/page-tree.ts';
import type { PageFile } from '../pages/page-file.ts';

class Bucket implements ReadBucket {
  readonly #tree: PageTree;
  readonly #life: Life;
  readonly #give: GiveBytes;
  readonly #seen: PageSet | undefined;

  /** @param seen pages that cursors have read, each of which may be read once */
  constructor(tree: PageTree, life: Life, give: GiveBytes, seen: PageSet | undefined) {
    this.#tree = tree;
    this.#life = life;
    this.#give = give;
    this.#seen = seen;
  }

  get sequence(): bigint {
    this.#life.requireOpen();
    return this.#tree.header.sequence;
  }

  get(key: Bytes): Uint8Array | undefined {
    this.#life.requireOpen();
    return getValue(this.#tree, key, this.#give);
  }

  bucket(name: Bytes): ReadBucket | undefined {
    this.#life.requireOpen();
    const tree = this.#tree.nested(toBytes(name, 'name'));
    return tree === undefined ? undefined : new Bucket(tree, this.#life, this.#give, this.#seen);
  }

  cursor(): Cursor {
    this.#life.requireOpen();
    const tree = this.#seen === undefined ? this.#tree : new OnceTree(this.#tree, this.#seen);
    return new BucketCursor(tree, this.#life, this.#give);
  }

  entries(options: RangeOptions = {}): IterableIterator<Entry> {
    return rangeEntries(this.cursor(), options);
  }
}

/** What a transaction reads from, and whom it tells when it ends. */
export interface PinnedState {
  readonly pages: PageFile;
  readonly meta: Meta;
  /** True once released, by its holder or because the file was closed. */
  readonly released: boolean;
  release(): void;
}

/** The one implementation of `ReadTransaction`. */
export class PinnedTransaction implements ReadTransaction, Life {
  readonly txid: number;
  readonly size: number;
  readonly root: ReadBucket;
  readonly #state: PinnedState;
  #open = true;

  constructor(state: PinnedState, { borrow = false, once = false }: ReadOptions) {
    this.#state = state;
    this.txid = state.meta.txid;
    this.size = state.meta.highWater * state.meta.pageSize;
    const tree = rootTree(state.pages, state.meta, borrow);
    this.root = new Bucket(tree, this, borrow ? borrowBytes : copyBytes, once ? new PageSet() : undefined);
  }

  requireOpen(): void {
    if (!this.#open || this.#state.released) throw new BoltError('BOLT_ENDED', 'the read transaction has ended');
  }

  bucket(name: Bytes): ReadBucket | undefined {
    return this.root.bucket(name);
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#state.release();
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
