/**
 * The public contract of a BoltDB file: what the handle, its transactions, buckets and cursors promise. Types only.
 *
 * BL1  A read transaction sees exactly one committed state, until it is disposed, whatever is written meanwhile.
 * BL2  There is one writer; its body is one synchronous section; a body that throws leaves no trace.
 * BL3  A write is acknowledged only when it would survive a power cut.
 * BL4  Bytes given are copied; bytes returned belong to the caller, unless the transaction was asked to `borrow`.
 *
 * bbolt: db.go, tx.go, bucket.go, cursor.go. Departs: reads are synchronous and never wait for the writer, writes are
 * grouped by themselves, cursors answer with a boolean and hold their place through changes.
 */
import type { World } from '@varve/base/world';

/** Bytes, or text that stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string;

/** How to open a file. */
export interface OpenOptions {
  /**
   * Open without the right to change anything. The file must exist and not be empty.
   * @default false
   */
  readonly readOnly?: boolean | undefined;
  /**
   * Make the file when it does not exist (or is empty).
   * @default true
   */
  readonly create?: boolean | undefined;
  /**
   * Page size of a new file in bytes, a power of two from 512 to 65536. An existing file keeps its own.
   * @default 4096
   */
  readonly pageSize?: number | undefined;
  /**
   * `'persisted'` writes the list of free pages with each commit; `'scanned'` does not, as etcd: commits are smaller and
   * opening for writing walks the whole tree. A file of the other kind is converted: one without a list when it is opened,
   * or, with `'deferred'`, by the first commit, so that opening changes nothing.
   * @default 'persisted'
   */
  readonly freelist?: 'persisted' | 'deferred' | 'scanned' | undefined;
  /**
   * Seal each page run that is written with a CRC-32C and a stamp in its last 12 bytes, and note in each page the stamps of
   * the pages that it points to, in 4 bytes per page. bbolt ignores all of it.
   * @default true
   */
  readonly pageChecksums?: boolean | undefined;
  /**
   * Upper bound of the page cache in bytes, including the objects that describe its pages. 0 is allowed. Borrowed views
   * are not counted, nor is the last page run that was larger than half of the bound.
   * @default 67108864
   */
  readonly cacheBytes?: number | undefined;
  /**
   * How long to wait for a lock that somebody else holds, in milliseconds. 0: one attempt.
   * @default 0
   */
  readonly lockTimeoutMs?: number | undefined;
  /** Ends the waiting for the lock; rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** For tests with a disk that fails, and a clock of theirs: `@varve/base/world`. @default Node's */
  readonly world?: World | undefined;
}

/** An open BoltDB file. */
export interface Bolt extends AsyncDisposable {
  /** The file's own absolute name: links were followed when it was opened. */
  readonly path: string;
  /** Whether it was opened for reading only. */
  readonly readOnly: boolean;
  /** Bytes per page. */
  readonly pageSize: number;
  /**
   * What opening noticed and worked around, such as a damaged newest meta page, or a file that existed and was empty.
   * None for a good file.
   */
  readonly warnings: readonly Problem[];
  /** Number of the newest committed transaction. */
  readonly txid: number;
  /** Since this transaction every page run has ended in a checksum. 0 if another program wrote last, or `pageChecksums` is false. */
  readonly sealedSince: number;
  /** Bytes below the high-water mark. Never shrinks, except by `defrag`. */
  readonly size: number;
  /** `size` without free pages; pages that wait for readers count as free. A read-only handle reads the list when it is asked. */
  readonly sizeInUse: number;
  /** Read transactions (and copies) that are open. */
  readonly openReads: number;
  /**
   * Pins the newest committed state of this moment. Free of I/O.
   * @throws BoltError BOLT_CLOSED
   */
  read(options?: ReadOptions): ReadTransaction;
  /**
   * Runs `body` as (part of) one write transaction; resolves with its result once it is durable. Runs at once if no commit
   * is under way, else after it; bodies that wait for the same commit share the next one. If `body` throws, the promise
   * rejects with that error and nothing of it remains. `body` must not return a promise and not call `write`.
   * Rejects with BOLT_READ_ONLY, BOLT_CLOSED, BOLT_NESTED, BOLT_CORRUPT (nothing was changed), or BOLT_FAILED: a write or
   * sync failed, whether the transaction survives is open until the file is opened again, and no further write is taken.
   */
  write<T>(body: (tx: WriteTransaction) => T): Promise<T>;
  /**
   * As `write`, for a body that may take long: it yields where it can be interrupted, and every few milliseconds the event
   * loop turns there. It is one transaction in a commit of its own: nobody sees a part of it, and if it throws, nothing of it
   * remains. Calls of `write`, `defrag` and `close` that come meanwhile wait for it. Between two steps the transaction
   * cannot be used (BOLT_ENDED).
   */
  writeInSteps<T>(body: (tx: WriteTransaction) => Iterator<void, T>): Promise<T>;
  /** Every rule of the format over the newest state. Reads only; in slices. */
  check(options?: CheckOptions): Promise<CheckReport>;
  /** Counts over the newest state. Reads every page of the tree; in slices. */
  stats(options?: SignalOptions): Promise<BoltStats>;
  /**
   * A consistent copy of this moment's state, as a valid file. Pins the state until it was read to its end or disposed. Every
   * page in use is checked on the way: on a damaged file the stream ends with BOLT_CORRUPT before its last chunk.
   */
  copy(options?: CopyOptions): BoltImage;
  /**
   * Writes the newest state, densely packed, to a new file that only its owner may read (mode 0600). The file appears under
   * its name whole or not at all. Rejects with BOLT_EXISTS, BOLT_UNREADABLE where its folder may not be read, or BOLT_FAILED where it cannot be made.
   */
  copyTo(target: string, options?: CompactOptions): Promise<CompactReport>;
  /**
   * Replaces the file by its compact form. Writers wait, readers do not; those that are open keep the old file until they
   * end. Owner, group and mode stay; access control lists and extended attributes do not. Rejects with BOLT_NOT_REPLACEABLE
   * before any work where replacing is impossible (several hard links, a mounted file), and with BOLT_FAILED if the new file
   * could not be put in place, or another file has the name now. Nothing has changed then.
   */
  defrag(options?: CompactOptions): Promise<CompactReport>;
  /** Waits for the running commit; waiting writes reject with BOLT_CLOSED; open read transactions end. Idempotent. */
  close(): Promise<void>;
}

/** How a read transaction hands out bytes. */
export interface ReadOptions {
  /**
   * Return views of cached pages instead of copies. They never change, but must not be written to, and each keeps its
   * page in memory.
   * @default false
   */
  readonly borrow?: boolean | undefined;
  /**
   * For reading everything once, from a file that may come from a stranger: a page that a cursor of this transaction meets a
   * second time is damage (BOLT_CORRUPT), so that a small file cannot be read for ever. Use one cursor per bucket, from its
   * first entry forward; `get` and `bucket` are not counted.
   * @default false
   */
  readonly once?: boolean | undefined;
}

/** One committed state. End or dispose it: until then the pages of that state are not used again, and the file grows. */
export interface ReadTransaction extends Disposable {
  /** Number of the transaction that made this state. */
  readonly txid: number;
  /** Bytes below the high-water mark of this state. */
  readonly size: number;
  /** The bucket that holds the top-level buckets. */
  readonly root: ReadBucket;
  /** The top-level bucket of that name. Short for `root.bucket(name)`. */
  bucket(name: Bytes): ReadBucket | undefined;
  /** Ends the transaction. Idempotent; later calls on it or on anything it returned throw BOLT_ENDED. */
  end(): void;
}

/** The state being written. It ends when the body returns: later calls throw BOLT_ENDED. */
export interface WriteTransaction {
  /** Its number. */
  readonly txid: number;
  /** The bucket that holds the top-level buckets, and no pairs. */
  readonly root: WriteBucket;
  /** The top-level bucket of that name; `undefined` where there is none. */
  bucket(name: Bytes): WriteBucket | undefined;
  /** Makes a top-level bucket. @throws BoltError BOLT_BUCKET_EXISTS */
  createBucket(name: Bytes): WriteBucket;
  /** The top-level bucket of that name, made where there is none. */
  createBucketIfMissing(name: Bytes): WriteBucket;
  /** False if there was none. Deletes everything inside. */
  deleteBucket(name: Bytes): boolean;
}

/** A sorted map from keys to values and nested buckets; keys are in unsigned byte order. */
export interface ReadBucket {
  /** The bucket's own counter, all 64 bits. */
  readonly sequence: bigint;
  /** The value, which may be empty; `undefined` when there is none, or when the name is that of a bucket. */
  get(key: Bytes): Uint8Array | undefined;
  /** The bucket of that name in this one; `undefined` where there is none, or a pair. */
  bucket(name: Bytes): ReadBucket | undefined;
  /** A cursor that has no place yet. */
  cursor(): Cursor;
  /** Entries from `start` (included) to `end` (excluded), ascending. */
  entries(options?: RangeOptions): IterableIterator<Entry>;
}

/** A bucket of the state being written. */
export interface WriteBucket extends ReadBucket {
  /**
   * How full pages are made when this transaction splits them in this bucket, from 0.1 to 1. Not stored.
   * @default 0.5
   */
  fillPercent: number;
  /**
   * Stores a pair, replacing what was there.
   * @throws RangeError on a key of 0 or more than 32768 bytes; BoltError BOLT_INCOMPATIBLE if the name is a bucket's, or
   * in the root bucket
   */
  put(key: Bytes, value: Bytes): void;
  /**
   * As `put`, and copies nothing: the key is `block` from `start` to `keyEnd`, the value goes on from there to `end`. Nobody may
   * change these bytes before the write has settled.
   * @throws as `put`; RangeError for a place outside of the block
   */
  putLent(block: Uint8Array, start: number, keyEnd: number, end: number): void;
  /** False if there was none. @throws BoltError BOLT_INCOMPATIBLE if the name is a bucket's */
  delete(key: Bytes): boolean;
  /** The bucket of that name in this one; `undefined` where there is none, or a pair. */
  bucket(name: Bytes): WriteBucket | undefined;
  /** Makes a bucket in this one. @throws BoltError BOLT_BUCKET_EXISTS, BOLT_INCOMPATIBLE if the name is a pair's */
  createBucket(name: Bytes): WriteBucket;
  /** The bucket of that name in this one, made where there is none. @throws BoltError BOLT_INCOMPATIBLE if the name is a pair's */
  createBucketIfMissing(name: Bytes): WriteBucket;
  /** False if there was none. Deletes everything inside. @throws BoltError BOLT_INCOMPATIBLE if the name is a pair's */
  deleteBucket(name: Bytes): boolean;
  /** Adds one, modulo 2^64, and returns the new value. */
  nextSequence(): bigint;
  /** Sets the bucket's own counter, all 64 bits. */
  setSequence(value: bigint): void;
}

/** A place in a bucket. Each move says whether there is an entry there. */
export interface Cursor {
  /** The first entry. */
  first(): boolean;
  /** The last entry. */
  last(): boolean;
  /** After the last entry it stays there. On a new cursor: as `first`. */
  next(): boolean;
  /** Before the first entry: false, and a following `next` gives the second. On a new cursor: as `last`. */
  prev(): boolean;
  /** The smallest key that is not below `key`. */
  seek(key: Bytes): boolean;
  /** Key at the place. @throws BoltError BOLT_ENDED without one */
  readonly key: Uint8Array;
  /** Value at the place; `undefined` for a bucket. */
  readonly value: Uint8Array | undefined;
  /** Whether the entry is a bucket. */
  readonly isBucket: boolean;
  /**
   * Bytes of the value at the place, without copying them. 0 for a bucket.
   */
  readonly valueLength: number;
}

/** A pair, or a nested bucket (`value` is undefined). */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** A part of a bucket. */
export interface RangeOptions {
  /** First key that may come. @default the first */
  readonly start?: Bytes | undefined;
  /** First key that may not come any more. @default none: to the last */
  readonly end?: Bytes | undefined;
}

/** An operation that can be given up between slices; rejects with the signal's reason. */
export interface SignalOptions {
  /** Aborting rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How to copy. */
export interface CopyOptions extends SignalOptions {
  /** Bytes of a chunk of the stream, at the most. @default 262144 */
  readonly chunkBytes?: number | undefined;
}

/** How to compact. */
export interface CompactOptions extends SignalOptions {
  /** How full pages are made, from 0.1 to 1. @default 0.9 */
  readonly fillPercent?: number | undefined;
  /** Called between slices with the bytes written so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Bytes before and after. */
export interface CompactReport {
  readonly sizeBefore: number;
  readonly sizeAfter: number;
}

/** A whole file as a stream whose length is known before it starts. Single consumer, pulled. */
export interface BoltImage extends AsyncIterable<Uint8Array>, AsyncDisposable {
  /** Bytes in all. */
  readonly size: number;
  /** Number of the transaction whose state it is. */
  readonly txid: number;
  /** Gives it up, read to its end or not. Idempotent. */
  close(): Promise<void>;
}

/** One finding of `check` or of opening. */
export interface Problem {
  /**
   * Rule of the format ([`C1` to `C15`](https://github.com/varve/varve/tree/main/packages/bolt#rules-of-the-format)),
   * `checksum`, `stale` (an older copy of a page), `meta`, or `folder` for what is beside the file.
   */
  readonly rule: string;
  readonly page: number | undefined;
  readonly message: string;
}

/** How to check. */
export interface CheckOptions extends SignalOptions {
  /** Called between slices with the pages visited so far. */
  readonly onProgress?: ((pages: number) => void) | undefined;
}

/** The findings. */
export interface CheckReport {
  /** Empty on a good file. Each is listed once, and of each rule the first 1000. */
  readonly problems: readonly Problem[];
  /** How many more problems there are. Where that is not known exactly, a listed one says what was not checked. */
  readonly unlisted: number;
  /** Remarks that cast no doubt on the data: a bad older meta page, missing page checksums. */
  readonly remarks: readonly Problem[];
  /** Page runs with a CRC-32C that is right, and page runs without one. */
  readonly sealedRuns: number;
  readonly unsealedRuns: number;
}

/** Counts over one state. */
export interface BoltStats {
  readonly pageSize: number;
  readonly txid: number;
  readonly size: number;
  readonly sizeInUse: number;
  readonly freePages: number;
  readonly branchPages: number;
  readonly branchOverflowPages: number;
  readonly branchBytesUsed: number;
  readonly leafPages: number;
  readonly leafOverflowPages: number;
  readonly leafBytesUsed: number;
  readonly keys: number;
  readonly buckets: number;
  readonly inlineBuckets: number;
  readonly inlineBytesUsed: number;
  /** Levels of the deepest tree, the leaf counted. */
  readonly depth: number;
}

/** One pair for `buildBolt`. */
export interface BuildRow {
  /** Top-level bucket. Rows come grouped by it, names ascending in byte order. */
  readonly bucket: Bytes;
  /** Ascending within the bucket. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What the first pass of `buildBolt` needs of a row. */
export interface BuildRowLengths {
  readonly bucket: Bytes;
  readonly keyLength: number;
  readonly valueLength: number;
}

/** Rows in chunks, synchronous or not. */
export type RowChunks<T> = Iterable<readonly T[]> | AsyncIterable<readonly T[]>;

/** What to build a file from. */
export interface BuildSource {
  /** Called once, for the second pass (and for the first, if there is no `lengths`). Must give the same rows each time. */
  rows(): RowChunks<BuildRow>;
  /** The same rows, lengths only: called once, for the first pass. */
  lengths?: (() => RowChunks<BuildRowLengths>) | undefined;
  /** Buckets that exist even without rows. */
  readonly buckets?: readonly Bytes[] | undefined;
}

/** How to build a file. */
export interface BuildOptions extends SignalOptions {
  /** Bytes per page. @default 4096 */
  readonly pageSize?: number | undefined;
  /** How full pages are made, from 0.1 to 1. @default 0.9 */
  readonly fillPercent?: number | undefined;
  /** Transaction number of the file, at least 1. @default 2 */
  readonly txid?: number | undefined;
  /** Sequence of the root bucket, which no tool uses. @default 0n */
  readonly sequence?: bigint | undefined;
  /** End each page run in a checksum, which bbolt ignores. @default true */
  readonly pageChecksums?: boolean | undefined;
  /** Bytes of a chunk of the stream, at the most. @default 262144 */
  readonly chunkBytes?: number | undefined;
  /** Clock and randomness, for tests. @default Node's */
  readonly world?: World | undefined;
}
