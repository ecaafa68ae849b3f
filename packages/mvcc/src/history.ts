/**
 * One backend's history in memory: the index over it, the records read lately, and how far it may be read.
 *
 * HST1  `compacted <= visible <= finished`, apart from the moment of a compaction (0: none). Writers work at `finished`,
 *     everybody else reads at or below `visible` (law 1).
 * HST2  An indexed revision has its record, which fits its place; anything else is `MVCC_CORRUPT`, never a shorter answer.
 * HST3  A history that is not `open` any more answers `MVCC_CLOSED`: the store was closed, or works on another backend.
 *
 * etcd: the fields of server/storage/mvcc/kvstore.go (spec section 6).
 */
import { compareBytes } from '@varve/base/order';
import type { Clock } from '@varve/base/clock';
import { RowSearch, type Backend, type ReadTx } from '@varve/backend';
import type { IndexEntry, MutableIndexEntry, RevisionList, RevisionSet, TreeIndex } from '@varve/index';
import type { AppliedIndex } from './applied-index.ts';
import type { SavedIndex } from './checkpoint/saved-index.ts';
import { keyBucket } from './buckets.ts';
import { MvccError } from './errors.ts';
import { HashStorage } from './hash-storage.ts';
import { keyOnly } from './key-only.ts';
import { decodeKeyValue, fitsRevision, NO_BYTES, RecordReader } from './key-value.ts';
import type { RecordCache } from './record-cache.ts';
import { RecordSlab, type Slab } from './record-slab.ts';
import { REVISION_LENGTH, writePutRevision, writeRevision } from './revision-bytes.ts';
import { LeaseAttachments } from './lease-attachments.ts';
import { name, printKey } from './record-order.ts';
import { RowsReader } from './rows.ts';
import type { Scheduler } from './scheduler.ts';
import type { KeyValue, Opened } from './store.ts';

/** Where a range finds the records of the revisions that the index named. */
export interface RecordSource {
  /** Adds the records of these revisions, in that order. */
  addRecords(revisions: RevisionList, into: KeyValue[]): void;
}

/** Stands for a record until it is read. */
const MISSING: KeyValue = Object.freeze({
  key: NO_BYTES,
  value: NO_BYTES,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  lease: 0n,
});

export interface HistoryParts {
  readonly clock: Clock;
  readonly backend: Backend;
  readonly index: TreeIndex;
  readonly cache: RecordCache;
  readonly scheduler: Scheduler;
  readonly damaged: RevisionSet;
  readonly leaseAttachments: LeaseAttachments;
  readonly revision: number;
  readonly compacted: number;
  readonly compactionFinished: number;
  readonly applied: AppliedIndex;
  readonly opened: Opened;
  readonly leased: boolean;
  readonly sparse: boolean;
  readonly savedIndex: SavedIndex | undefined;
}

export class History implements RecordSource {
  readonly clock: Clock;
  readonly backend: Backend;
  readonly index: TreeIndex;
  readonly cache: RecordCache;
  /** Scratch of one call: what the index says of the key. */
  readonly entry: MutableIndexEntry = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };
  /** Where what is written is encoded. */
  readonly slab: RecordSlab;
  readonly scheduler: Scheduler;
  readonly hashes: HashStorage = new HashStorage();
  readonly rows: RowsReader;
  /** Until somebody else keeps them. */
  leaseAttachments: LeaseAttachments;
  /** Revisions whose records contradict their place; only answers from the index alone need to ask (R45). */
  readonly damaged: RevisionSet;
  readonly opened: Opened;
  /** Whether a key had a lease when it was opened. */
  readonly leased: boolean;
  /** Whether revisions may be missing (RO3). */
  readonly sparse: boolean;
  /** Absent where the engine has no place for it. */
  readonly savedIndex: SavedIndex | undefined;
  /** The newest finished revision. */
  finished: number;
  /** The newest revision that readers see. */
  visible: number;
  /** Reads below it answer `MVCC_COMPACTED`. */
  compacted: number;
  /** The newest compaction that was accepted, ahead of `compacted` until that is durable. */
  scheduled: number;
  /** The newest compaction that has removed everything it had to. */
  compactionFinished: number;
  /** As of `finished` and as of `visible`. */
  applied: AppliedIndex;
  visibleApplied: AppliedIndex;
  open = true;
  /** Records that came from the backend so far, and not out of the cache. */
  reads = 0;

  readonly #reader = new RecordReader();
  readonly #revision = new Uint8Array(REVISION_LENGTH);
  /** Scratch of one call: what the cache does not have, as places in the list of revisions, and where it was found. */
  readonly #missing: number[] = [];
  readonly #search = new RowSearch();
  readonly #findRows = (tx: ReadTx): void => tx.find(keyBucket, this.#search);
  readonly #readRow = (tx: ReadTx): Uint8Array | undefined => tx.get(keyBucket, this.#revision);

  constructor(parts: HistoryParts) {
    this.clock = parts.clock;
    this.backend = parts.backend;
    this.index = parts.index;
    this.cache = parts.cache;
    this.slab = new RecordSlab(parts.backend.room, () => this.#spareSlab());
    this.scheduler = parts.scheduler;
    this.damaged = parts.damaged;
    this.leaseAttachments = parts.leaseAttachments;
    this.opened = parts.opened;
    this.leased = parts.leased;
    this.sparse = parts.sparse;
    this.savedIndex = parts.savedIndex;
    this.rows = new RowsReader(parts.backend, () => {
      this.checkOpen();
    });
    this.finished = parts.revision;
    this.visible = parts.revision;
    this.compacted = parts.compacted;
    this.scheduled = parts.compacted;
    this.compactionFinished = parts.compactionFinished;
    this.applied = parts.applied;
    this.visibleApplied = parts.applied;
  }

  /** Gives them to the caller, who keeps them from here on. */
  takeLeaseAttachments(): LeaseAttachments {
    const found = this.leaseAttachments;
    this.leaseAttachments = new LeaseAttachments(new Map());
    return found;
  }

  checkOpen(): void {
    if (!this.open) throw closedError();
  }

  /**
   * The revision to read at, out of what was asked for (spec 7.2): `current` for 0, below, or nothing.
   * @throws MvccError `MVCC_FUTURE_REVISION`, `MVCC_COMPACTED`; RangeError for anything but an integer
   */
  revisionFor(asked: number | undefined, current: number): number {
    if (asked === undefined) return current;
    if (!Number.isInteger(asked)) throw new RangeError('revision must be an integer');
    if (asked > current) {
      throw new MvccError(
        'MVCC_FUTURE_REVISION',
        `revision ${asked} does not exist yet; ask for ${current} or earlier`,
        {
          currentRevision: current,
        },
      );
    }
    if (asked <= 0) return current;
    if (asked < this.compacted) this.#throwCompacted(asked);
    return asked;
  }

  /** Whether a read at `revision` that began earlier may go on. */
  checkReadable(revision: number): void {
    this.checkOpen();
    if (revision < this.compacted) this.#throwCompacted(revision);
  }

  get(key: Uint8Array, revision: number): KeyValue | undefined {
    const entry = this.index.get(key, revision, this.entry);
    if (entry === undefined) return undefined;
    return this.cache.get(entry.main, entry.sub) ?? this.load(key, entry, undefined);
  }

  /** As `get`, from the index alone. */
  getKey(key: Uint8Array, revision: number): KeyValue | undefined {
    const entry = this.index.get(key, revision, this.entry);
    return entry && keyOnly(this.damaged, key, entry);
  }

  record(main: number, sub: number): KeyValue {
    return this.cache.get(main, sub) ?? this.#read(main, sub, undefined);
  }

  addRecords(revisions: RevisionList, into: KeyValue[]): void {
    this.addRecordsIn(undefined, revisions, 0, revisions.length, into);
  }

  /** As `addRecords` of the revisions `from` up to `to`, in a section where there is one. What the cache does not have is read at once. */
  addRecordsIn(tx: ReadTx | undefined, revisions: RevisionList, from: number, to: number, into: KeyValue[]): void {
    const { mains } = revisions;
    const { readsTogether } = this.backend;
    const missing = this.#missing;
    const search = this.#search;
    for (let i = from; i < to; i++) {
      const main = mains[i]!;
      const sub = revisions.subAt(i);
      let kv = this.cache.get(main, sub);
      // Keeping account of them is dear where the engine asks for them one by one anyhow.
      if (kv === undefined && !readsTogether) kv = this.#read(main, sub, tx);
      if (kv === undefined) {
        missing.push(i);
        const at = search.add(REVISION_LENGTH);
        writePutRevision(search.keys, at, main, sub);
      }
      into.push(kv ?? MISSING);
    }
    if (missing.length === 0) return;
    try {
      if (tx === undefined) this.backend.readTx(this.#findRows);
      else tx.find(keyBucket, search);
      this.#takeAll(revisions, into, into.length - to);
    } finally {
      missing.length = 0;
      search.clear();
    }
  }

  /** A slab of which nobody can have a view: not here, not of a transaction that is not visible yet, not below (RS3). */
  #spareSlab(): Slab | undefined {
    const slab = this.cache.takeSpare();
    if (slab === undefined || slab.lastMain > this.visible) return undefined;
    return this.backend.holds(slab.bytes) ? undefined : slab;
  }

  /** The record of a key's entry, checked against both. */
  load(key: Uint8Array, entry: IndexEntry, tx: ReadTx | undefined): KeyValue {
    const kv = this.#read(entry.main, entry.sub, tx);
    if (kv.version !== entry.version || kv.createRevision !== entry.createdMain || compareBytes(kv.key, key) !== 0) {
      throw new MvccError('MVCC_CORRUPT', `the record of revision ${name(entry.main, entry.sub)} is another key's`);
    }
    return kv;
  }

  #read(main: number, sub: number, tx: ReadTx | undefined): KeyValue {
    writeRevision(this.#revision, main, sub);
    const row = tx === undefined ? this.backend.readTx(this.#readRow) : tx.get(keyBucket, this.#revision);
    if (row === undefined) throw missingError(main, sub);
    this.#check(row, 0, row.length, main, sub);
    return this.cache.addRow(main, sub, row, 0, row.length, this.#reader);
  }

  /** The rows that were found, as the records that they must be, which the cache has from now on. */
  #takeAll(revisions: RevisionList, into: KeyValue[], base: number): void {
    const missing = this.#missing;
    const search = this.#search;
    const { cache } = this;
    const reader = this.#reader;
    for (let n = 0; n < missing.length;) {
      const block = search.blocks[n];
      let end = n;
      let bytes = 0;
      for (; end < missing.length && search.blocks[end] === block; end++) bytes += search.end(end) - search.start(end);
      const isTaken = block !== undefined && cache.take(block, end - n, bytes);
      for (; n < end; n++) {
        const i = missing[n]!;
        const main = revisions.mains[i]!;
        const sub = revisions.subAt(i);
        if (block === undefined) throw missingError(main, sub);
        const [from, to] = [search.start(n), search.end(n)];
        this.#check(block, from, to, main, sub);
        into[base + i] = isTaken
          ? cache.addTaken(main, sub, block, from, to, reader)
          : cache.addRow(main, sub, block, from, to, reader);
      }
    }
  }

  /** Reads a row as the record that it must be. @throws MvccError `MVCC_CORRUPT` */
  #check(block: Uint8Array, from: number, to: number, main: number, sub: number): void {
    const reader = this.#reader;
    readRecord(reader, block, from, to, main, sub);
    if (!fitsRevision(reader, main)) {
      throw new MvccError('MVCC_CORRUPT', fitsMessage(main, sub, block.subarray(reader.keyAt, reader.keyEnd)));
    }
    this.reads++;
  }

  #throwCompacted(revision: number): never {
    throw new MvccError(
      'MVCC_COMPACTED',
      `revision ${revision} is compacted; read at revision ${this.compacted} or later`,
      {
        compactRevision: this.compacted,
      },
    );
  }
}

export function closedError(): MvccError {
  return new MvccError('MVCC_CLOSED', 'the store is closed');
}

export function fitsMessage(main: number, sub: number, key: Uint8Array): string {
  return `the record of revision ${name(main, sub)}, key ${printKey(key)}, does not fit its place`;
}

function missingError(main: number, sub: number): MvccError {
  return new MvccError('MVCC_CORRUPT', `the record of revision ${name(main, sub)} is missing`);
}

/** `reader.read`, which names the revision of a damaged record. */
function readRecord(
  reader: RecordReader,
  block: Uint8Array,
  from: number,
  to: number,
  main: number,
  sub: number,
): void {
  try {
    reader.read(block, from, to);
  } catch (cause) {
    throw notDecoded(main, sub, cause);
  }
}

export function notDecoded(main: number, sub: number, cause: unknown): MvccError {
  return new MvccError('MVCC_CORRUPT', `the record of revision ${name(main, sub)} cannot be decoded`, { cause });
}

/** Decodes a record, which may lie within a larger array, and names its revision when it is damaged. */
export function decodeRecord(
  row: Uint8Array,
  main: number,
  sub: number,
  start: number = 0,
  end: number = row.length,
): KeyValue {
  try {
    return decodeKeyValue(row, start, end);
  } catch (cause) {
    throw notDecoded(main, sub, cause);
  }
}
