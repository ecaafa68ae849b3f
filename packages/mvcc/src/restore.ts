/**
 * Rebuilds a history from the records of a backend.
 *
 * RE1  Records are read once, in order, in chunks; between two of them others run (law 10).
 * RE2  Above the compacted revision nothing may be missing, doubled or out of order, and behind the last record there is no
 *      other, however it is asked for: that is `MVCC_CORRUPT` (R46).
 * RE3  A record that contradicts its place is remembered and answered with `MVCC_CORRUPT` when its key is read; the
 *      other keys stay readable (R45). One that cannot be decoded names no key, so nothing can be opened.
 * RE4  A backend that is open for reading only is read as it is: what is missing there reads as empty.
 * RE5  The revision goes on after everything that was ever promised: records, compacted and scheduled revision.
 * RE6  Where the index was saved, and that fits, only records behind it are read (`checkpoint/read-checkpoint.ts`).
 *
 * That the newest record is below the compacted revision is no damage: etcd up to 3.4.33 and 3.5.15 removed deletions at
 * the compacted revision itself, and M71 and M72 ask for such stores to open.
 * etcd: server/storage/mvcc/kvstore.go, restore (spec section 11).
 */
import { hexOf } from '@varve/base/hex';
import { loadLate } from '@varve/base/late';
import type { Clock } from '@varve/base/clock';
import { byteKey } from '@varve/base/order';
import type { Backend, ConcurrentReadTx, Entry, ReadTx } from '@varve/backend';
import { createTreeIndex, RevisionSet, type TreeIndex } from '@varve/index';
import { readAppliedIndex } from './applied-index.ts';
import { finishedCompactKey, keyBucket, metaBucket, scheduledCompactKey } from './buckets.ts';
import type { LoadedCheckpoint } from './checkpoint/read-checkpoint.ts';
import type { SavedIndex } from './checkpoint/saved-index.ts';
import { traced } from './diagnostics.ts';
import { MvccError } from './errors.ts';
import { History } from './history.ts';
import { fitsRevision, RecordReader } from './key-value.ts';
import { LeaseAttachments } from './lease-attachments.ts';
import { RecordCache } from './record-cache.ts';
import { ANY_REVISION, name, RecordOrder } from './record-order.ts';
import { checkRevisionBytes, isTombstone, readMain, readSub, revisionBytes } from './revision-bytes.ts';
import { Scheduler } from './scheduler.ts';
import type { RestoreProgress } from './store.ts';

/** Rows taken in one turn, whatever the size of a chunk. */
const SLICE_ROWS = 1000;

export interface RestoreSettings {
  readonly clock: Clock;
  readonly chunkLimit: number;
  readonly cacheBytes: number;
  /** Read every record. */
  readonly verify: boolean;
  /** Revisions may be missing. */
  readonly sparse: boolean;
  readonly onProgress: ((progress: RestoreProgress) => void) | undefined;
}

/**
 * Creates the store's buckets where they are missing and can be made, and reads everything.
 * @param check called after every turn in which others ran; what it throws ends the work
 */
export function restoreHistory(backend: Backend, settings: RestoreSettings, check?: () => void): Promise<History> {
  return traced('restore', {}, () => restore(backend, settings, check));
}

async function restore(backend: Backend, settings: RestoreSettings, check?: () => void): Promise<History> {
  if (!backend.readOnly) {
    backend.batchTx((tx) => {
      tx.createBucket(keyBucket);
      tx.createBucket(metaBucket);
    });
  }
  await backend.forceCommit();
  const marks = backend.readTx((tx) => ({
    finished: readMark(tx, finishedCompactKey),
    scheduled: readMark(tx, scheduledCompactKey),
    applied: readAppliedIndex(tx),
  }));
  const compacted = Math.max(marks.finished, marks.scheduled);
  const savedIndex = await loadSavedIndex(backend);
  const saved = await readSaved(savedIndex, backend, settings, compacted, check);
  const loaded = typeof saved === 'string' ? undefined : saved;
  const rebuild = new Rebuild(settings.sparse ? ANY_REVISION : compacted, loaded);
  const tx = backend.concurrentReadTx();
  try {
    await scan(tx, rebuild, settings, check);
  } finally {
    tx[Symbol.dispose]();
  }
  return new History({
    clock: settings.clock,
    backend,
    index: rebuild.index,
    cache: new RecordCache(settings.cacheBytes),
    scheduler: new Scheduler(),
    damaged: rebuild.damaged,
    leaseAttachments: new LeaseAttachments(rebuild.leases),
    revision: Math.max(1, rebuild.order.main, compacted),
    compacted,
    compactionFinished: marks.finished,
    applied: marks.applied,
    leased: rebuild.leases.size > 0,
    sparse: settings.sparse,
    savedIndex,
    opened: {
      records: rebuild.records,
      checkpoint: loaded?.revision,
      reason: typeof saved === 'string' ? saved : undefined,
    },
  });
}

/** What saves and loads an index: not even loaded where there is no place beside the records. */
async function loadSavedIndex({ aside }: Backend): Promise<SavedIndex | undefined> {
  return aside === undefined ? undefined : (await loadLate(() => import('./checkpoint/saved-index.ts'))).savedIndex;
}

/** The saved index, or why it is not used. */
async function readSaved(
  savedIndex: SavedIndex | undefined,
  backend: Backend,
  { clock, verify }: RestoreSettings,
  compacted: number,
  check: (() => void) | undefined,
): Promise<LoadedCheckpoint | string> {
  if (verify) return 'not asked';
  if (savedIndex === undefined) return 'the engine keeps none';
  return await savedIndex.read(backend, clock, compacted, check);
}

function readMark(tx: ReadTx, key: Uint8Array): number {
  const row = tx.get(metaBucket, key);
  if (row === undefined) return 0;
  checkRevisionBytes(row);
  return readMain(row);
}

async function scan(
  tx: ConcurrentReadTx,
  rebuild: Rebuild,
  settings: RestoreSettings,
  check: (() => void) | undefined,
): Promise<void> {
  const { chunkLimit, onProgress } = settings;
  let reported = 0;
  const report = (): void => {
    reported = rebuild.records;
    onProgress?.({ records: rebuild.records, revision: rebuild.order.main });
  };
  const { start } = rebuild;
  for await (const entries of tx.scan(keyBucket, { start, chunkSize: Math.min(chunkLimit, SLICE_ROWS), lent: true })) {
    for (const entry of entries) rebuild.add(entry);
    if (rebuild.records - reported >= chunkLimit) report();
    await settings.clock.turn();
    check?.();
  }
  if (rebuild.records > reported) report();
  const { main, sub } = rebuild.order;
  // An engine whose pages are not of one commit may end too early: asked for what follows, it finds it.
  const behind = rebuild.records === 0 && start !== undefined ? start : revisionBytes(main, sub + 1);
  for await (const [entry] of tx.scan(keyBucket, { start: behind, chunkSize: 1 })) {
    const found = hexOf(entry!.key.subarray(0, 32));
    throw new MvccError(
      'MVCC_CORRUPT',
      `behind revision ${name(main, sub)}, the last that was read, there is ${found}`,
    );
  }
}

/** What the records say, taken one after another. */
class Rebuild {
  readonly index: TreeIndex;
  readonly damaged: RevisionSet = new RevisionSet();
  /** By key, as latin1. */
  readonly leases: Map<string, bigint>;
  readonly order: RecordOrder;
  /** The first key to read; absent: all are. */
  readonly start: Uint8Array | undefined;
  records = 0;
  readonly #record = new RecordReader();
  readonly #start = { tombstone: false, createdMain: 0, version: 0 };

  /**
   * @param complete records may be missing up to it
   * @param loaded what the records up to its revision say
   */
  constructor(complete: number, loaded: LoadedCheckpoint | undefined) {
    this.order = new RecordOrder(complete);
    this.index = loaded?.index ?? createTreeIndex();
    this.leases = loaded?.leases ?? new Map<string, bigint>();
    if (loaded === undefined) return;
    this.order.main = loaded.revision;
    this.start = revisionBytes(loaded.revision + 1, 0);
  }

  add({ key, value }: Entry): void {
    checkRevisionBytes(key);
    const main = readMain(key);
    const sub = readSub(key);
    this.order.add(main, sub);
    this.records++;
    // `etcdutl snapshot restore --bump-revision` raises the revision by a record of no bytes: it has no key.
    if (value.length === 0) return;
    this.#index(key, value, main, sub);
  }

  #index(key: Uint8Array, value: Uint8Array, main: number, sub: number): void {
    const record = this.#record;
    const start = this.#start;
    try {
      record.read(value);
    } catch (cause) {
      throw new MvccError('MVCC_CORRUPT', `the record of revision ${name(main, sub)} cannot be decoded`, { cause });
    }
    start.tombstone = isTombstone(key);
    start.createdMain = record.createRevision;
    start.version = record.version;
    if (!start.tombstone && !fitsRevision(record, main)) {
      this.damaged.add(main, sub);
      start.createdMain = main;
      start.version = 1;
    }
    // The constructor takes half the time of `subarray`.
    const userKey = new Uint8Array(value.buffer, value.byteOffset + record.keyAt, record.keyEnd - record.keyAt);
    try {
      this.index.restore(userKey, main, sub, start);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new MvccError('MVCC_CORRUPT', `revision ${name(main, sub)} does not fit the index: ${why}`, { cause });
    }
    if (record.lease !== 0n || this.leases.size > 0) this.#attach(userKey, start.tombstone ? 0n : record.lease);
  }

  #attach(key: Uint8Array, lease: bigint): void {
    const text = byteKey(key);
    if (lease === 0n) this.leases.delete(text);
    else this.leases.set(text, lease);
  }
}
