/**
 * All keys in byte order, each with its lives: the one `TreeIndex`.
 *
 * CTI1  A key is in the tree exactly while something of its history is retained.
 * CTI2  `liveKeys` counts the keys whose last generation is not empty.
 * CTI3  A range visits the tree in one go. An iterator looks up chunks and finds its place again by key.
 *
 * etcd: server/storage/mvcc/index.go (spec section 5).
 */
import { byteKey, keyBytes, nextByteKey } from '@varve/base/order';
import { compactTree, keepTree } from './compaction.ts';
import { KeyIndex, type Found } from './key-index.ts';
import { RevisionList } from './revision-list.ts';
import type { RevisionSet } from './revision-set.ts';
import type { Revision } from './revision.ts';
import type { SavedKeys } from './saved-keys.ts';
import { SlotTree, STOP } from './slot-tree.ts';
import { Slots, type Slot } from './slot.ts';
import type {
  IndexEntry,
  IndexRange,
  IndexRangeOptions,
  KeyedIndexEntry,
  MutableIndexEntry,
  RangeEnd,
  TreeIndex,
} from './tree-index.ts';

/** Entries looked up at once for an iterator: few at first, for callers that want few. */
const FIRST_CHUNK = 16;
const LARGEST_CHUNK = 256;

/** The one class of it: `empty-index.ts` and `saved-index.ts` make it, which tell of it no more than the contract. */
export class BTreeIndex implements TreeIndex {
  readonly #tree: SlotTree;
  readonly #slots: Slots;
  /** Where every lookup leaves what it found; read at once, never handed out. */
  readonly #found: Found = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };
  #liveKeys: number;

  constructor(tree: SlotTree = new SlotTree(), slots: Slots = new Slots(), liveKeys = 0) {
    this.#tree = tree;
    this.#slots = slots;
    this.#liveKeys = liveKeys;
  }

  get size(): number {
    return this.#tree.size;
  }

  get liveKeys(): number {
    return this.#liveKeys;
  }

  get(key: Uint8Array, atRevision: number, into?: MutableIndexEntry): IndexEntry | undefined {
    checkNumber(atRevision, 'atRevision');
    const text = byteKey(key);
    const slot = this.#tree.lookUp(text, key);
    if (slot === undefined) return undefined;
    if (into !== undefined) return this.#findIn(slot, text, atRevision, into) ? into : undefined;
    if (!this.#findIn(slot, text, atRevision, this.#found)) return undefined;
    const { main, sub, createdMain, createdSub, version } = this.#found;
    return { main, sub, createdMain, createdSub, version };
  }

  range(key: Uint8Array, end: RangeEnd, atRevision: number, options?: IndexRangeOptions): IndexRange {
    const entries: KeyedIndexEntry[] = [];
    const onFound = (byteKey: string): void => {
      entries.push(this.#keyedEntry(byteKey));
    };
    const total = this.#collect(key, end, atRevision, options, onFound, { keyed: true });
    return { entries, total };
  }

  revisions(
    key: Uint8Array,
    end: RangeEnd,
    atRevision: number,
    options?: IndexRangeOptions,
  ): { readonly revisions: RevisionList; readonly total: number } {
    const revisions = new RevisionList();
    const onFound = (): void => {
      revisions.push(this.#found.main, this.#found.sub);
    };
    const total = this.#collect(key, end, atRevision, options, onFound, { keyed: false });
    return { revisions, total };
  }

  countRevisions(key: Uint8Array, end: RangeEnd, atRevision: number, most: number = Infinity): number {
    checkNumber(atRevision, 'atRevision');
    checkNumber(most, 'most');
    let count = 0;
    if (most <= 0) return count;
    const onFound = (): typeof STOP | undefined => (++count >= most ? STOP : undefined);
    this.#tree.visit(
      byteKey(key),
      end,
      (_, slot) => (this.#slots.find(slot, atRevision, this.#found) ? onFound() : undefined),
      (saved, low, high) => (saved.visit(low, high, atRevision, this.#found, onFound) ? STOP : undefined),
    );
    return count;
  }

  changedSince(key: Uint8Array, end: RangeEnd, revision: number): boolean {
    checkNumber(revision, 'revision');
    let changed = false;
    const told = (isChanged: boolean): typeof STOP | undefined => {
      changed = isChanged;
      return isChanged ? STOP : undefined;
    };
    this.#tree.visit(
      byteKey(key),
      end,
      (_, slot) => told(this.#slots.newestMain(slot) > revision),
      (saved, low, high) => told(saved.changedSince(low, high, revision)),
    );
    return changed;
  }

  *entries(
    key: Uint8Array,
    end: RangeEnd,
    atRevision: number,
    after?: Uint8Array,
  ): Generator<KeyedIndexEntry, void, void> {
    checkNumber(atRevision, 'atRevision');
    const first = byteKey(key);
    let from = after === undefined ? first : nextByteKey(byteKey(after));
    if (from < first) from = first;
    if (end === undefined) {
      // A single key is no range: only itself, wherever the walk would have gone on.
      if (from === first) yield* this.range(key, end, atRevision).entries;
      return;
    }
    for (let chunkSize = FIRST_CHUNK; ; chunkSize = Math.min(2 * chunkSize, LARGEST_CHUNK)) {
      const chunk: KeyedIndexEntry[] = [];
      let last = '';
      this.#tree.visit(from, end, (byteKey, slot) => {
        if (!this.#slots.find(slot, atRevision, this.#found)) return undefined;
        last = byteKey;
        return chunk.push(this.#keyedEntry(byteKey)) === chunkSize ? STOP : undefined;
      });
      yield* chunk;
      if (chunk.length < chunkSize) return;
      from = nextByteKey(last);
    }
  }

  since(key: Uint8Array, fromMain: number, limit?: number): readonly Revision[] {
    checkNumber(fromMain, 'fromMain');
    if (limit !== undefined) checkNumber(limit, 'limit');
    const slot = this.#tree.find(key);
    return slot === undefined ? [] : this.#slots.expanded(slot).since(fromMain, limit);
  }

  put(
    key: Uint8Array,
    main: number,
    sub: number,
    into: MutableIndexEntry = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 },
  ): IndexEntry {
    checkRevision(main, sub);
    const slot = this.#tree.find(key);
    if (slot === undefined) {
      this.#tree.add(this.#slots.firstPut(main, sub));
      this.#liveKeys++;
      return fill(into, main, sub, main, sub, 1);
    }
    const wasLive = this.#slots.isLive(slot);
    const after = this.#slots.put(slot, main, sub);
    if (after !== slot) this.#tree.replace(after);
    if (!wasLive) this.#liveKeys++;
    this.#slots.find(after, main, into);
    return into;
  }

  tombstone(key: Uint8Array, main: number, sub: number): boolean {
    checkRevision(main, sub);
    const slot = this.#tree.find(key);
    if (slot === undefined || !this.#slots.isLive(slot)) return false;
    const after = this.#slots.tombstone(slot, main, sub);
    if (after !== slot) this.#tree.replace(after);
    this.#liveKeys--;
    return true;
  }

  undo(key: Uint8Array, main: number): void {
    const slot = this.#tree.find(key);
    if (slot === undefined || this.#slots.newestMain(slot) !== main) return;
    const index = this.#slots.expanded(slot);
    const wasLive = index.isLive;
    index.undo(main);
    this.#liveKeys += Number(index.isLive) - Number(wasLive);
    if (index.isEmpty) {
      this.#tree.remove();
      this.#slots.release(slot);
      return;
    }
    const after = this.#slots.reduced(index);
    if (after === slot) return;
    this.#tree.replace(after);
    this.#slots.release(slot);
  }

  restore(
    key: Uint8Array,
    main: number,
    sub: number,
    record: { readonly tombstone: boolean; readonly createdMain: number; readonly version: number },
  ): void {
    checkRevision(main, sub);
    // Records do not tell the sub of the creation; but the first put of a life is that creation.
    const isCreation = record.version === 1 && record.createdMain === main && !record.tombstone;
    if (isCreation && this.#tree.addNew(key, this.#slots.firstPut(main, sub))) {
      this.#liveKeys++;
      return;
    }
    const slot = this.#tree.find(key);
    if (slot !== undefined) {
      // A tombstone of a key that is deleted already says nothing new (spec 11.2, step 3).
      this.#slots.checkNewer(slot, main, sub);
      if (record.tombstone) this.tombstone(key, main, sub);
      else this.put(key, main, sub, this.#found);
      return;
    }
    const index = new KeyIndex();
    if (record.tombstone) index.restoreTombstone(main, sub);
    else {
      index.restore(record.createdMain, 0, main, sub, record.version);
      this.#liveKeys++;
    }
    this.#tree.add(this.#slots.reduced(index));
  }

  compact(atMain: number, sliceKeys?: number): Generator<void, RevisionSet, void> {
    return compactTree(this.#tree, this.#slots, atMain, sliceKeys);
  }

  keep(atMain: number, sliceKeys?: number): Generator<void, RevisionSet, void> {
    return keepTree(this.#tree, this.#slots, atMain, sliceKeys);
  }

  /** Gives `body` what it is made of. Apart from the contract: saving and checking are not loaded with every index. */
  lend<T>(body: (tree: SlotTree, slots: Slots) => T): T {
    return body(this.#tree, this.#slots);
  }

  /** Calls `onFound` for the matches up to the limit, with the match in `#found`, and its key if asked; returns the total (spec 5.3). */
  #collect(
    key: Uint8Array,
    end: RangeEnd,
    atRevision: number,
    options: IndexRangeOptions | undefined,
    onFound: (byteKey: string) => void,
    { keyed }: { readonly keyed: boolean },
  ): number {
    checkNumber(atRevision, 'atRevision');
    const limit = end === undefined ? 0 : (options?.limit ?? 0);
    checkNumber(limit, 'limit');
    const withTotal = options?.withTotal ?? false;
    let total = 0;
    const count = (found: string): typeof STOP | undefined => {
      total++;
      if (limit <= 0 || total <= limit) onFound(found);
      return total === limit && !withTotal ? STOP : undefined;
    };
    const onKey = (found: string, slot: Slot): typeof STOP | undefined =>
      this.#slots.find(slot, atRevision, this.#found) ? count(found) : undefined;
    const onSaved = (saved: SavedKeys, low?: string, high?: string): typeof STOP | undefined =>
      saved.visit(low, high, atRevision, this.#found, () => count('')) ? STOP : undefined;
    if (options?.reverse === true) this.#tree.visitReversed(byteKey(key), end, onKey);
    else this.#tree.visit(byteKey(key), end, onKey, keyed ? undefined : onSaved);
    return total;
  }

  #findIn(slot: Slot | SavedKeys, key: string, atRevision: number, into: Found): boolean {
    if (typeof slot === 'object' && 'isWorn' in slot) return slot.find(key, atRevision, into);
    return this.#slots.find(slot, atRevision, into);
  }

  #keyedEntry(byteKey: string): KeyedIndexEntry {
    const { main, sub, createdMain, createdSub, version } = this.#found;
    return { key: keyBytes(byteKey), main, sub, createdMain, createdSub, version };
  }
}

/** NaN compares with nothing: it would be answered as if it were the newest revision, or no limit. */
function checkNumber(value: number, field: string): void {
  if (typeof value !== 'number') throw new TypeError(`${field} must be a number`);
  if (Number.isNaN(value)) throw new RangeError(`${field} must be a number, not NaN`);
}

function checkRevision(main: number, sub: number): void {
  if (Number.isSafeInteger(main) && main >= 0 && Number.isSafeInteger(sub) && sub >= 0) return;
  throw new RangeError(`a revision must be two whole numbers: ${String(main)}.${String(sub)} is none`);
}

function fill(
  into: MutableIndexEntry,
  main: number,
  sub: number,
  createdMain: number,
  createdSub: number,
  version: number,
): IndexEntry {
  into.main = main;
  into.sub = sub;
  into.createdMain = createdMain;
  into.createdSub = createdSub;
  into.version = version;
  return into;
}
