/**
 * The hash of the history up to a revision.
 *
 * HR1  Everything is taken at one moment: compacted revision, current revision, the view of the bucket. What the index
 *      keeps is found in slices after that; a compaction beyond the revision ends the work (law 5).
 *
 * etcd: server/storage/mvcc/hash.go, kvstore.go HashByRev (spec section 12.2). Departs: 0 and below mean the current
 * revision and are never answered from the stored hashes (D5).
 */
import { Slice, STEP_MS } from '@varve/base/pace';
import type { ConcurrentReadTx } from '@varve/backend';
import { checkOptional, isSignal } from '@varve/base/options';
import { keyBucket } from './buckets.ts';
import { HistoryHash } from './history-hash.ts';
import type { History } from './history.ts';
import { checkRevisionBytes, readMain, readSub, revisionBytes } from './revision-bytes.ts';
import type { HashResult, SliceOptions } from './store.ts';

/** Bytes hashed in one turn: some two milliseconds. */
export const SLICE_BYTES: number = 2 * 1024 * 1024;
const SLICE_ROWS = 1000;

/** The hash up to `revision`, from the stored ones where it is there. */
export async function hashByRevision(history: History, revision: number, options: SliceOptions): Promise<HashResult> {
  checkOptional(options.signal, 'signal', isSignal);
  options.signal?.throwIfAborted();
  const stored = revision > 0 ? history.hashes.get(revision) : undefined;
  if (stored !== undefined) return { ...stored, currentRevision: history.visible };
  return await computeHash(history, revision, options);
}

/** As `hashByRevision`, always from the records. */
export async function computeHash(history: History, asked: number, options: SliceOptions): Promise<HashResult> {
  const currentRevision = history.visible;
  const revision = history.revisionFor(asked, currentRevision);
  const compactRevision = history.compacted;
  const tx = history.backend.concurrentReadTx();
  try {
    const keep =
      compactRevision === 0
        ? undefined
        : await new Slice(history.clock, {
            lengthMs: STEP_MS,
            signal: options.signal,
            check: () => history.checkReadable(revision),
          }).runLong(history.index.keep(revision));
    const hash = await hashRecords(history, tx, new HistoryHash(compactRevision, keep), revision, options.signal);
    return { hash, compactRevision, revision, currentRevision };
  } finally {
    tx[Symbol.dispose]();
  }
}

async function hashRecords(
  history: History,
  tx: ConcurrentReadTx,
  hash: HistoryHash,
  revision: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const end = revisionBytes(revision + 1, 0);
  const scan = tx.scan(keyBucket, { end, chunkSize: SLICE_ROWS, signal, lent: true, sums: true });
  let bytes = 0;
  for await (const entries of scan) {
    for (const entry of entries) {
      const { key } = entry;
      checkRevisionBytes(key);
      hash.add(entry, readMain(key), readSub(key));
      bytes += entry.bytes ?? entry.value.length;
      if (bytes < SLICE_BYTES) continue;
      bytes = 0;
      await history.clock.turn();
    }
    await history.clock.turn();
    signal?.throwIfAborted();
    history.checkOpen();
  }
  return hash.end(revision);
}
