/**
 * Reading a bucket: point lookups, cursors and ranges over any tree, guarded by the life of its transaction.
 *
 * BR1  A bucket's name is not a key: `get` of it is `undefined`, a scan shows it without a value.
 * BR2  An empty value is a value.
 * BR3  Nothing answers after its transaction has ended.
 *
 * bbolt: bucket.go, cursor.go.
 */
import { compareRuns } from '@varve/base/order';
import type { Bytes, Cursor, Entry, RangeOptions } from '../bolt.ts';
import { toBytes } from '../format/bytes.ts';
import type { GiveBytes } from '../format/bytes-out.ts';
import { BoltError, corrupt } from '../errors.ts';
import type { Block } from '../format/page.ts';
import { TreeCursor } from './tree-cursor.ts';
import type { Tree } from './tree-cursor.ts';

const MOST_LEVELS = 48;

/** The life of a transaction. */
export interface Life {
  /** @throws BoltError BOLT_ENDED */
  requireOpen(): void;
}

/** The leaf in which `key` is or would be. */
export function findLeaf(tree: Tree, key: Uint8Array): Block {
  let block = tree.rootBlock();
  for (let level = 0; !block.leaf; level++) {
    if (level === MOST_LEVELS) throw corrupt(tree.rootPage, 'a tree too deep to end: a cycle');
    block = tree.childBlock(block, block.childIndex(key), false);
  }
  return block;
}

/** Index of `key` in the leaf, or -1. */
export function findEntry(leaf: Block, key: Uint8Array): number {
  const index = leaf.lowerBound(key);
  if (index === leaf.count) return -1;
  const order = compareRuns(leaf.source(index), leaf.keyAt(index), leaf.keyLength(index), key, 0, key.length);
  return order === 0 ? index : -1;
}

/** The value of `key`, handed out by `give`. */
export function getValue(tree: Tree, key: Bytes, give: GiveBytes): Uint8Array | undefined {
  const bytes = toBytes(key, 'key');
  const leaf = findLeaf(tree, bytes);
  const index = findEntry(leaf, bytes);
  if (index < 0 || leaf.isBucket(index)) return undefined;
  return give(leaf.source(index), leaf.keyAt(index) + leaf.keyLength(index), leaf.valueLength(index));
}

/** A public cursor. */
export class BucketCursor implements Cursor {
  readonly #cursor: TreeCursor;
  readonly #life: Life;
  readonly #give: GiveBytes;

  constructor(tree: Tree, life: Life, give: GiveBytes) {
    this.#cursor = new TreeCursor(tree);
    this.#life = life;
    this.#give = give;
  }

  first(): boolean {
    this.#life.requireOpen();
    return this.#cursor.first();
  }

  last(): boolean {
    this.#life.requireOpen();
    return this.#cursor.last();
  }

  next(): boolean {
    this.#life.requireOpen();
    return this.#cursor.next();
  }

  prev(): boolean {
    this.#life.requireOpen();
    return this.#cursor.prev();
  }

  seek(key: Bytes): boolean {
    this.#life.requireOpen();
    return this.#cursor.seek(toBytes(key, 'key'));
  }

  get key(): Uint8Array {
    const at = this.#placed();
    return this.#give(at.source, at.keyAt, at.keyLength);
  }

  get value(): Uint8Array | undefined {
    const at = this.#placed();
    return at.isBucket ? undefined : this.#give(at.source, at.keyAt + at.keyLength, at.valueLength);
  }

  get isBucket(): boolean {
    return this.#placed().isBucket;
  }

  get valueLength(): number {
    const at = this.#placed();
    return at.isBucket ? 0 : at.valueLength;
  }

  #placed(): TreeCursor {
    this.#life.requireOpen();
    if (!this.#cursor.placed) throw new BoltError('BOLT_ENDED', 'the cursor is at no entry');
    return this.#cursor;
  }
}

/** Entries of a range, through a cursor of its own. */
export function* rangeEntries(cursor: Cursor, options: RangeOptions): IterableIterator<Entry> {
  const end = options.end === undefined ? undefined : toBytes(options.end, 'end');
  let found = options.start === undefined ? cursor.first() : cursor.seek(options.start);
  while (found) {
    const { key } = cursor;
    if (end !== undefined && compareRuns(key, 0, key.length, end, 0, end.length) >= 0) return;
    yield { key, value: cursor.value };
    found = cursor.next();
  }
}
