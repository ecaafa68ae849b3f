/**
 * The contract of the index: for every key with retained history, the revisions of its changes.
 *
 * TI1  Keys are visited in byte order.
 * TI2  A key's revisions only grow; compaction removes the oldest, `undo` the newest, nothing else removes any.
 * TI3  The index holds revisions, never values; it lives in memory and is rebuilt from the records at open.
 * TI4  Every call is synchronous. What may visit every key (`compact`, `keep`) is a generator that the caller
 *     drives in slices; between two slices anything else may run.
 *
 * etcd: server/storage/mvcc/index.go, key_index.go (spec sections 4 and 5, rows M7 to M28).
 */
import type { Revision } from './revision.ts';
import type { RevisionList } from './revision-list.ts';
import type { RevisionSet } from './revision-set.ts';

/**
 * One key as it was at one revision. Only the numbers: the record is found in the backend under `main.sub`.
 */
export interface IndexEntry {
  /** Transaction of the newest change at or before the revision asked for. */
  readonly main: number;
  /** Its place inside that transaction. */
  readonly sub: number;
  /** Transaction that created the key (the start of its generation). */
  readonly createdMain: number;
  readonly createdSub: number;
  /** Changes since the creation, 1 for the creation itself; compaction does not reduce it. */
  readonly version: number;
}

/** Where an `IndexEntry` may be written, for those who ask often. */
export type MutableIndexEntry = { -readonly [Field in keyof IndexEntry]: IndexEntry[Field] };

/** An `IndexEntry` and the key it belongs to. */
export interface KeyedIndexEntry extends IndexEntry {
  /** The key's bytes: a copy that belongs to the caller. */
  readonly key: Uint8Array;
}

/**
 * The end of a range, next to its `key`:
 * `undefined` means the single key; an empty array means every key from `key` on; anything else is excluded itself.
 * An end at or before the key makes an empty range, which is not an error.
 */
export type RangeEnd = Uint8Array | undefined;

export interface IndexRangeOptions {
  /** At most so many entries; 0 or absent: all. Ignored for a single key. @default 0 */
  readonly limit?: number | undefined;
  /** Go on counting beyond the limit, so that `total` is the full number. @default false */
  readonly withTotal?: boolean | undefined;
  /** From the last key to the first, so that a limit takes the last ones. @default false */
  readonly reverse?: boolean | undefined;
}

export interface IndexRange {
  readonly entries: readonly KeyedIndexEntry[];
  /** Matches found: all of them with `withTotal`, else the number returned. */
  readonly total: number;
}

/** All keys in byte order, each with its generations. Build one with `createTreeIndex()`. */
export interface TreeIndex {
  /** Keys with any retained history, deleted ones included. */
  readonly size: number;
  /** Keys that are live at the newest revision (etcd's live-keys gauge). */
  readonly liveKeys: number;

  /**
   * The key at `atRevision`, in `into` where that is given, or `undefined` where it did not exist (never put, deleted by then, or
   * compacted away). O(log keys); asked for the key of the call before, no search at all.
   */
  get(key: Uint8Array, atRevision: number, into?: MutableIndexEntry): IndexEntry | undefined;

  /** The keys of the range that were live at `atRevision`, in byte order or the reverse. O(log keys + visited). */
  range(key: Uint8Array, end: RangeEnd, atRevision: number, options?: IndexRangeOptions): IndexRange;

  /** As `range`, revisions alone, packed. */
  revisions(
    key: Uint8Array,
    end: RangeEnd,
    atRevision: number,
    options?: IndexRangeOptions,
  ): { readonly revisions: RevisionList; readonly total: number };

  /** How many keys of the range were live at `atRevision`. Counting stops at `most`. @default most no limit */
  countRevisions(key: Uint8Array, end: RangeEnd, atRevision: number, most?: number): number;

  /**
   * Whether a key of the range was put or deleted after `revision`, as far as that is retained. Stops at the first such
   * key; O(log keys + visited) where there is none, and some twenty times as fast as a range.
   */
  changedSince(key: Uint8Array, end: RangeEnd, revision: number): boolean;

  /**
   * As `range`, one entry at a time, for callers that stop between slices. With `after`, starts behind that key.
   * The iterator holds no snapshot: an entry says what the key was at `atRevision`, which no later put can change.
   */
  entries(key: Uint8Array, end: RangeEnd, atRevision: number, after?: Uint8Array): IterableIterator<KeyedIndexEntry>;

  /**
   * The revisions of the key at or after `fromMain`, oldest first, at most `limit`; of each transaction only its last
   * change. @default limit no limit
   * @throws IndexError `INDEX_CORRUPT` for a key with nothing but an empty generation.
   */
  since(key: Uint8Array, fromMain: number, limit?: number): readonly Revision[];

  /**
   * Records a put and returns the key as it is from now on: in `into`, where it is given. Copies the key.
   * @throws IndexError `INDEX_CORRUPT` when the revision is not newer than the key's newest.
   */
  put(key: Uint8Array, main: number, sub: number, into?: MutableIndexEntry): IndexEntry;

  /**
   * Records a deletion. False, and nothing changed, when the key is not live.
   * @throws IndexError `INDEX_CORRUPT` when the revision is not newer than the key's newest.
   */
  tombstone(key: Uint8Array, main: number, sub: number): boolean;

  /**
   * Takes back every change that transaction `main` made to `key`; `main` must be the newest transaction there is.
   * For a write section that has thrown: nothing was restored or compacted since. Unknown keys and transactions are left
   * alone, and a key may be named more than once.
   */
  undo(key: Uint8Array, main: number): void;

  /**
   * Takes in one record while the index is rebuilt; records come in the order of revisions.
   * Where the key is seen for the first time, its generation starts with `createdMain` and `version` of the record, and with
   * `createdSub` 0 unless the record is the creation itself; a tombstone that comes first starts a generation of unknown age.
   * @throws IndexError `INDEX_CORRUPT`, naming both revisions, when the revision is not newer than the key's newest.
   */
  restore(
    key: Uint8Array,
    main: number,
    sub: number,
    record: { readonly tombstone: boolean; readonly createdMain: number; readonly version: number },
  ): void;

  /**
   * Drops what no read at `atMain` or later can need, and returns the revisions at or below `atMain` that were kept.
   * Yields after every `sliceKeys` keys. `atMain` is a finished transaction: what is added meanwhile is newer, and stays.
   * @throws RangeError at the first step when `sliceKeys` is not a positive integer. @default sliceKeys 64
   */
  compact(atMain: number, sliceKeys?: number): Generator<void, RevisionSet, void>;

  /**
   * What `compact(atMain)` would keep, without the tombstones that it keeps for watchers. Changes nothing.
   * Yields after every `sliceKeys` keys.
   */
  keep(atMain: number, sliceKeys?: number): Generator<void, RevisionSet, void>;
}

/** An index that is being loaded, block by block, each a slice. */
export interface TreeIndexLoading {
  /** Keys so far. */
  readonly keys: number;
  /** The next block, which is not kept. @throws IndexError `INDEX_CORRUPT`: give it up */
  add(block: Uint8Array): void;
  /** The index; nothing is to be added any more. */
  end(): TreeIndex;
}
