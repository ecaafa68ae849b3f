/**
 * A backend that begins with the state of one revision of another store: as if that store had been compacted there.
 *
 * FIL1  It is whole, or no store: what is found in between is emptied, and filled anew. Who fills keeps a row of its own in the last commit.
 * FIL2  The records are those of the other store, revisions and versions included; only their order within one revision is not known, and is
 *       that in which they come.
 * FIL3  What was deleted at that revision is not in the state. Deletions that are named stand there at it, as compaction leaves them.
 */
import type { Clock } from '@varve/base/clock';
import { bucketNamed, indexAside, type Backend, type BatchTx, type Bucket } from '@varve/backend';
import { finishedCompactKey, keyBucket, metaBucket, scheduledCompactKey } from './buckets.ts';
import { encodeKeyValue, NO_BYTES } from './key-value.ts';
import { revisionBytes, tombstoneBytes } from './revision-bytes.ts';
import type { KeyValue } from './store.ts';

export interface StoredState {
  readonly revision: number;
  /** The live keys, in the order of their `modRevision`. */
  readonly records: Iterable<KeyValue>;
  /** Keys that this revision deleted. @default none */
  readonly gone?: Iterable<Uint8Array> | undefined;
  /** A row that says that the state is whole. Its bucket is not the store's. */
  readonly row: { readonly bucket: Bucket; readonly key: Uint8Array; readonly value: Uint8Array };
}

/** Rows of one section: a millisecond or two. */
const SECTION_ROWS = 500;

/** Takes everything out of a backend, and the index that was saved beside it. */
export async function emptyBackend(backend: Backend): Promise<void> {
  await backend.aside?.remove(indexAside);
  const names = backend.buckets();
  if (names.length === 0) return;
  backend.batchTx((tx) => {
    for (const name of names) tx.deleteBucket(bucketNamed(name));
  });
  await backend.forceCommit();
}

/** Fills an empty backend. */
export async function fillState(backend: Backend, state: StoredState, clock: Clock): Promise<void> {
  const { revision, row } = state;
  backend.batchTx((tx) => {
    tx.createBucket(keyBucket);
    tx.createBucket(metaBucket);
    tx.createBucket(row.bucket);
  });
  await inSections(backend, clock, rowsOf(state));
  backend.batchTx((tx) => {
    // Revision 1 is that of an empty store: there is nothing before it.
    if (revision > 1) {
      const mark = revisionBytes(revision, 0);
      tx.put(metaBucket, scheduledCompactKey, mark);
      tx.put(metaBucket, finishedCompactKey, mark);
    }
    tx.put(row.bucket, row.key, row.value);
  });
  await backend.forceCommit();
}

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function* rowsOf({ revision, records, gone = [] }: StoredState): Generator<Row, void, void> {
  let main = 0;
  let sub = 0;
  for (const record of records) {
    sub = record.modRevision === main ? sub + 1 : 0;
    main = record.modRevision;
    yield { key: revisionBytes(main, sub), value: encodeKeyValue(record) };
  }
  sub = main === revision ? sub + 1 : 0;
  for (const key of gone) {
    const tombstone = { key, value: NO_BYTES, createRevision: 0, modRevision: 0, version: 0, lease: 0n };
    yield { key: tombstoneBytes(revision, sub++), value: encodeKeyValue(tombstone) };
  }
}

async function inSections(backend: Backend, clock: Clock, rows: Iterator<Row, void, void>): Promise<void> {
  let ended = false;
  const section = (tx: BatchTx): void => {
    for (let i = 0; i < SECTION_ROWS; i++) {
      const next = rows.next();
      if (next.done === true) {
        ended = true;
        return;
      }
      tx.put(keyBucket, next.value.key, next.value.value);
    }
  };
  while (!ended) {
    await backend.admit();
    backend.batchTx(section);
    await clock.turn();
  }
}
