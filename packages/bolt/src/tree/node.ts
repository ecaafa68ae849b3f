/**
 * A page being rewritten: its entries as five numbers each, its bytes still where they were.
 *
 * NO1  An entry is (source, at, key length, value length or child, stamp). `source` numbers a buffer of the transaction:
 *     an unchanged page, a slab of copied keys and values, or a block that the caller has lent. The value follows its key. The stamp is what the seal of the
 *     child's page, or of a bucket's root page, must bear (see `seal.ts`); 0 makes a leaf's entry a pair.
 * NO2  No object is made per entry: taking a page into memory and moving entries are loops over numbers.
 * NO3  A child is named by the page it was read from, or by a negative number until it has one.
 * NO4  `bytes` is always the size of the page image with its stamps, without a seal.
 *
 * bbolt: node.go.
 */
import { compareRuns } from '@varve/base/order';
import { getU64 } from '../format/bytes.ts';
import { corrupt } from '../errors.ts';
import { PAGE_HEADER } from '../format/meta.ts';
import { ELEMENT } from '../format/page.ts';
import type { Block, Page } from '../format/page.ts';

/** Numbers an entry takes in `slots`. */
export const STRIDE = 5;

/** Buffers that entries point into, numbered. Belongs to one write transaction. */
export class Sources {
  readonly buffers: Buffer[] = [];
  /** Bytes a page takes for each stamp: 0 where none are written. */
  readonly stampBytes: number;
  #slab: Buffer = Buffer.alloc(0);
  #slabNumber = -1;
  #used = 0;
  #nextSlab = 4096;
  readonly #pages: Page[] = [];
  #lent: Uint8Array | undefined;
  #lentNumber = -1;

  constructor(stampBytes: number) {
    this.stampBytes = stampBytes;
  }

  /** A page that entries point into, held until `letGo`. Returns its number. */
  add(page: Page): number {
    this.keep(page);
    return this.buffers.push(page.bytes) - 1;
  }

  /** Holds a page until `letGo`. */
  keep(page: Page): void {
    page.hold();
    this.#pages.push(page);
  }

  /** To be called when nothing of the transaction is needed any more; else its pages are left to the collector. */
  letGo(): void {
    for (const page of this.#pages) page.letGo();
    this.#pages.length = 0;
  }

  /** A block that is lent: entries point into it until the commit is written. Returns its number. */
  lend(block: Uint8Array): number {
    if (block === this.#lent) return this.#lentNumber;
    this.#lent = block;
    this.#lentNumber = this.buffers.push(Buffer.from(block.buffer, block.byteOffset, block.length)) - 1;
    return this.#lentNumber;
  }

  /** Copies key and value one after the other; returns where the key starts. `slab` then names the buffer. */
  store(key: Uint8Array, value: Uint8Array): number {
    const bytes = key.length + value.length;
    if (this.#used + bytes > this.#slab.length) this.#grow(bytes);
    const at = this.#used;
    this.#slab.set(key, at);
    this.#slab.set(value, at + key.length);
    this.#used = at + bytes;
    return at;
  }

  /** Number of the buffer of the last `store`. */
  get slab(): number {
    return this.#slabNumber;
  }

  #grow(bytes: number): void {
    this.#slab = Buffer.allocUnsafeSlow(Math.max(this.#nextSlab, bytes));
    this.#nextSlab = Math.min(this.#nextSlab * 2, 1 << 20);
    this.#slabNumber = this.buffers.push(this.#slab) - 1;
    this.#used = 0;
  }
}

/** What a savepoint keeps of a node. */
export interface NodeCopy {
  readonly node: Node;
  readonly slots: number[];
  readonly bytes: number;
  readonly kids: Node[];
  readonly parent: Node | undefined;
  readonly unbalanced: boolean;
}

/** One node of a tree in memory. */
export class Node implements Block {
  leaf: boolean;
  /** How the parent's entry names this node. */
  ref: number;
  /** Page run it was read from, to be freed when it is placed anew; 0: none. */
  pgid: number;
  pages: number;
  parent: Node | undefined;
  /** Children that are in memory, in no order. */
  kids: Node[] = [];
  slots: number[] = [];
  bytes: number = PAGE_HEADER;
  unbalanced = false;
  /** Merged away or absorbed: no part of the tree any more. */
  gone = false;
  /** Savepoint that has a copy of it. */
  savedAt = 0;
  readonly sources: Sources;

  constructor(sources: Sources, leaf: boolean, ref: number, parent: Node | undefined) {
    this.sources = sources;
    this.leaf = leaf;
    this.ref = ref;
    this.parent = parent;
    this.pgid = 0;
    this.pages = 0;
  }

  /** Takes the entries of a page. */
  static from(sources: Sources, page: Page, ref: number, parent: Node | undefined): Node {
    const node = new Node(sources, page.leaf, ref, parent);
    if (page.id !== 0) {
      node.pgid = page.id;
      node.pages = page.overflow + 1;
    }
    const source = sources.add(page);
    const { stampBytes } = sources;
    const { view, count, leaf } = page;
    const slots = new Array<number>(count * STRIDE); // filled at once: growing by pushes costs more than the reads
    let { bytes } = node;
    let element = page.at + PAGE_HEADER;
    for (let slot = 0; slot < slots.length; slot += STRIDE, element += ELEMENT) {
      const field = leaf ? element + 4 : element;
      const keyLength = view.getUint32(field + 4, true);
      const amount = leaf ? view.getUint32(element + 12, true) : getU64(view, element + 8);
      slots[slot] = source;
      slots[slot + 1] = element + view.getUint32(field, true);
      slots[slot + 2] = keyLength;
      slots[slot + 3] = amount;
      slots[slot + 4] = leaf && view.getUint32(element, true) === 0 ? 0 : page.stamp(slot / STRIDE);
      bytes += ELEMENT + keyLength + (leaf ? amount : 0);
    }
    node.slots = slots;
    node.bytes = bytes + page.stamps * stampBytes;
    return node;
  }

  hold(): void {} // its bytes are the transaction's

  letGo(): void {}

  lend(): void {}

  get count(): number {
    return this.slots.length / STRIDE;
  }

  source(index: number): Buffer {
    return this.sources.buffers[this.slots[index * STRIDE] as number] as Buffer;
  }

  keyAt(index: number): number {
    return this.slots[index * STRIDE + 1] as number;
  }

  keyLength(index: number): number {
    return this.slots[index * STRIDE + 2] as number;
  }

  valueLength(index: number): number {
    return this.slots[index * STRIDE + 3] as number;
  }

  isBucket(index: number): boolean {
    return this.slots[index * STRIDE + 4] !== 0;
  }

  stamp(index: number): number {
    return this.slots[index * STRIDE + 4] as number;
  }

  get id(): number {
    return this.pgid;
  }

  child(index: number): number {
    return this.slots[index * STRIDE + 3] as number;
  }

  compareKey(index: number, source: Uint8Array, at: number, length: number): number {
    return compareRuns(this.source(index), this.keyAt(index), this.keyLength(index), source, at, length);
  }

  lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.count;
    if (high > 0 && this.compareKey(high - 1, key, 0, key.length) < 0) return high; // keys often come in order
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compareKey(middle, key, 0, key.length) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  childIndex(key: Uint8Array): number {
    const index = this.lowerBound(key);
    if (index === 0) return 0;
    return index < this.count && this.compareKey(index, key, 0, key.length) === 0 ? index : index - 1;
  }

  /** Bytes of one entry in the page image, with its stamp. */
  entryBytes(index: number): number {
    const stamped = this.slots[index * STRIDE + 4] !== 0;
    const bytes = ELEMENT + this.keyLength(index) + (this.leaf ? this.valueLength(index) : 0);
    return stamped ? bytes + this.sources.stampBytes : bytes;
  }

  insert(index: number, source: number, at: number, keyLength: number, amount: number, stamp: number): void {
    if (index === this.count) this.slots.push(source, at, keyLength, amount, stamp);
    else this.slots.splice(index * STRIDE, 0, source, at, keyLength, amount, stamp);
    this.bytes += this.entryBytes(index);
  }

  /** Points the entry at other bytes with an equal (leaf) or its new first (branch) key. */
  replace(index: number, source: number, at: number, keyLength: number, amount: number, stamp: number): void {
    this.bytes -= this.entryBytes(index);
    const slot = index * STRIDE;
    this.slots[slot] = source;
    this.slots[slot + 1] = at;
    this.slots[slot + 2] = keyLength;
    this.slots[slot + 3] = amount;
    this.slots[slot + 4] = stamp;
    this.bytes += this.entryBytes(index);
  }

  remove(index: number): void {
    this.bytes -= this.entryBytes(index);
    this.slots.splice(index * STRIDE, STRIDE);
  }

  /** Index of a child's entry. A scan over plain numbers: separators can lag behind the child's first key. */
  indexOfChild(ref: number): number {
    const { slots } = this;
    for (let slot = 3; slot < slots.length; slot += STRIDE) if (slots[slot] === ref) return (slot - 3) / STRIDE;
    throw new Error(`invariant: node ${this.ref} has no child ${ref}`);
  }

  /** Moves all entries of `right` behind its own. */
  append(right: Node): void {
    for (const number of right.slots) this.slots.push(number);
    this.bytes += right.bytes - PAGE_HEADER;
    for (const kid of right.kids) {
      kid.parent = this;
      this.kids.push(kid);
    }
    right.slots = [];
    right.kids = [];
    right.bytes = PAGE_HEADER;
    right.gone = true;
  }

  /** Cuts the entries from `index` on off and gives them to `right`, an empty node of the same kind. */
  splitAt(index: number, right: Node): void {
    right.slots = this.slots.splice(index * STRIDE);
    let moved = 0;
    for (let i = 0; i < right.count; i++) moved += right.entryBytes(i);
    right.bytes += moved;
    this.bytes -= moved;
    if (this.leaf || this.kids.length === 0) return;
    const refs = new Set<number>();
    for (let slot = 3; slot < right.slots.length; slot += STRIDE) refs.add(right.slots[slot] as number);
    right.kids = this.kids.filter((kid) => refs.has(kid.ref));
    this.kids = this.kids.filter((kid) => !refs.has(kid.ref));
    for (const kid of right.kids) kid.parent = right;
  }

  copy(): NodeCopy {
    const { slots, bytes, kids, parent, unbalanced } = this;
    return { node: this, slots: slots.slice(), bytes, kids: kids.slice(), parent, unbalanced };
  }

  restore(copy: NodeCopy): void {
    this.slots = copy.slots;
    this.bytes = copy.bytes;
    this.kids = copy.kids;
    this.parent = copy.parent;
    this.unbalanced = copy.unbalanced;
  }
}

/**
 * Nothing out of order is written, and so a seal proves order: entries that come to lie side by side must ascend. Nothing
 * to compare where one of them does not exist.
 * @throws BoltError BOLT_CORRUPT: the pages they were read from overlap
 */
export function requireOrder(left: Node, last: number, right: Node, first: number): void {
  if (last < 0 || first >= right.count) return;
  if (left.compareKey(last, right.source(first), right.keyAt(first), right.keyLength(first)) < 0) return;
  throw corrupt(left.pgid, 'keys of this page and of the one after it are not in order', 'C8');
}
