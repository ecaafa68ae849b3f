/**
 * What the body of a write sees, and the draft behind it.
 *
 * BWT1  A draft is the newest state plus changes in memory. Dropping it undoes everything.
 * BWT2  Each body gets a view of its own, dead whenever the body does not run; bodies that share a draft see each other's
 *     changes.
 * BWT3  The root bucket takes buckets only: every tool expects that.
 *
 * bbolt: tx.go, bucket.go.
 */
import type { Bytes, Cursor, Entry, RangeOptions, WriteBucket, WriteTransaction } from '../bolt.ts';
import { toBytes } from '../format/bytes.ts';
import { copyBytes } from '../format/bytes-out.ts';
import { BucketCursor, getValue, rangeEntries } from '../tree/bucket-reader.ts';
import type { Life } from '../tree/bucket-reader.ts';
import { BoltError } from '../errors.ts';
import type { Meta } from '../format/meta.ts';
import { Sources } from '../tree/node.ts';
import { LONGEST_KEY, LONGEST_VALUE } from '../format/page.ts';
import type { PageFile } from '../pages/page-file.ts';
import { rootHeader } from '../tree/page-tree.ts';
import { Savepoint } from '../tree/savepoint.ts';
import { WriteTree } from '../tree/write-tree.ts';
import type { WriteContext } from '../tree/write-tree.ts';

/** Changes over one state, not yet a commit. */
export class Draft implements WriteContext {
  readonly pages: PageFile;
  readonly meta: Meta;
  readonly sources: Sources;
  readonly savepoint: Savepoint = new Savepoint();
  readonly root: WriteTree;
  #lastRef = 0;

  /** @param stampBytes bytes that the commit will write for each page it vouches for */
  constructor(pages: PageFile, meta: Meta, stampBytes: number) {
    this.pages = pages;
    this.meta = meta;
    this.sources = new Sources(stampBytes);
    this.root = new WriteTree(this, rootHeader(meta));
  }

  nextRef(): number {
    return --this.#lastRef;
  }

  get touched(): boolean {
    return this.root.touched;
  }
}

class Bucket implements WriteBucket {
  readonly #tree: WriteTree;
  readonly #life: Life;
  readonly #isRoot: boolean;

  constructor(tree: WriteTree, life: Life, isRoot: boolean) {
    this.#tree = tree;
    this.#life = life;
    this.#isRoot = isRoot;
  }

  #live(): WriteTree {
    this.#life.requireOpen();
    if (this.#tree.deleted) throw new BoltError('BOLT_ENDED', 'the bucket was deleted');
    return this.#tree;
  }

  get sequence(): bigint {
    return this.#live().sequence;
  }

  get fillPercent(): number {
    return this.#live().fillPercent;
  }

  set fillPercent(value: number) {
    if (!(value >= 0.1 && value <= 1)) throw new RangeError('fillPercent must be between 0.1 and 1');
    this.#live().fillPercent = value;
  }

  get(key: Bytes): Uint8Array | undefined {
    return getValue(this.#live(), key, copyBytes);
  }

  cursor(): Cursor {
    return new BucketCursor(this.#live(), { requireOpen: () => void this.#live() }, copyBytes);
  }

  entries(options: RangeOptions = {}): IterableIterator<Entry> {
    return rangeEntries(this.cursor(), options);
  }

  put(key: Bytes, value: Bytes): void {
    const tree = this.#live();
    const keyBytes = toBytes(key, 'key');
    const valueBytes = toBytes(value, 'value');
    if (keyBytes.length === 0) throw new RangeError('key must not be empty');
    if (keyBytes.length > LONGEST_KEY) throw new RangeError(`key must have at most ${LONGEST_KEY} bytes`);
    if (valueBytes.length > LONGEST_VALUE) throw new RangeError(`value must have at most ${LONGEST_VALUE} bytes`);
    if (this.#isRoot) throw new BoltError('BOLT_INCOMPATIBLE', 'the root bucket holds buckets only');
    tree.put(keyBytes, valueBytes, 0);
  }

  putLent(block: Uint8Array, start: number, keyEnd: number, end: number): void {
    const tree = this.#live();
    if (!(block instanceof Uint8Array)) throw new TypeError('block must be a Uint8Array');
    // Written so that anything but numbers fails as well.
    if (!(start >= 0 && keyEnd >= start && end >= keyEnd && end <= block.length)) {
      throw new RangeError('key and value must lie in the block');
    }
    if (keyEnd === start) throw new RangeError('key must not be empty');
    if (keyEnd - start > LONGEST_KEY) throw new RangeError(`key must have at most ${LONGEST_KEY} bytes`);
    if (end - keyEnd > LONGEST_VALUE) throw new RangeError(`value must have at most ${LONGEST_VALUE} bytes`);
    if (this.#isRoot) throw new BoltError('BOLT_INCOMPATIBLE', 'the root bucket holds buckets only');
    tree.putLent(block, start, keyEnd, end);
  }

  delete(key: Bytes): boolean {
    return this.#live().delete(toBytes(key, 'key'), 'pair');
  }

  bucket(name: Bytes): WriteBucket | undefined {
    const tree = this.#live().open(toBytes(name, 'name'));
    return tree === undefined ? undefined : new Bucket(tree, this.#life, false);
  }

  createBucket(name: Bytes): WriteBucket {
    const bytes = toBytes(name, 'name');
    if (bytes.length === 0) throw new RangeError('name must not be empty');
    return new Bucket(this.#live().create(bytes), this.#life, false);
  }

  createBucketIfMissing(name: Bytes): WriteBucket {
    return this.bucket(name) ?? this.createBucket(name);
  }

  deleteBucket(name: Bytes): boolean {
    return this.#live().deleteNested(toBytes(name, 'name'));
  }

  nextSequence(): bigint {
    const tree = this.#live();
    tree.setSequence(tree.sequence + 1n);
    return tree.sequence;
  }

  setSequence(value: bigint): void {
    if (typeof value !== 'bigint') throw new TypeError('sequence must be a bigint');
    if (value < 0n || value >= 2n ** 64n) throw new RangeError('sequence must be an unsigned 64-bit number');
    this.#live().setSequence(value);
  }
}

/** One body's view of a draft. */
export class DraftTransaction implements WriteTransaction, Life {
  readonly txid: number;
  readonly root: WriteBucket;
  #open = false;

  constructor(draft: Draft) {
    this.txid = draft.meta.txid + 1;
    this.root = new Bucket(draft.root, this, true);
  }

  requireOpen(): void {
    if (!this.#open) throw new BoltError('BOLT_ENDED', 'the body of the write transaction is not running');
  }

  bucket(name: Bytes): WriteBucket | undefined {
    return this.root.bucket(name);
  }

  createBucket(name: Bytes): WriteBucket {
    return this.root.createBucket(name);
  }

  createBucketIfMissing(name: Bytes): WriteBucket {
    return this.root.createBucketIfMissing(name);
  }

  deleteBucket(name: Bytes): boolean {
    return this.root.deleteBucket(name);
  }

  /** To be called before the body, or a step of it, runs. */
  begin(): void {
    this.#open = true;
  }

  /** To be called after that. */
  end(): void {
    this.#open = false;
  }
}
