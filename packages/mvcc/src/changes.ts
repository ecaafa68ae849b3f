/**
 * Changes read back from history: of one key through the index, of everything by a scan of the bucket.
 *
 * CH1  A deletion's revision is that of its bucket key; the record does not hold it (spec 8.5).
 * CH2  A revision is never split over two chunks (law 4).
 * CH3  What was written lately lies in memory, in the slabs that live changes are views of, and is read there. Where a
 *      transaction has more changes than one, or has left memory meanwhile, the rest is read from the bucket.
 * CH4  A revision that is missing ends the reading with `MVCC_CORRUPT`, never with a gap (law 4).
 * CH5  Rows that are scanned are lent: a change has a copy of its record, in slabs that changes of one stretch share.
 *
 * etcd: server/storage/mvcc/watchable_store.go, rangeEvents; index.go, since (spec sections 4.8, 8.5).
 */
import type { ConcurrentReadTx, Entry } from '@varve/backend';
import type { Blocks } from '@varve/base/block';
import { check, checkBytes, checkOptional, isInteger, isSignal, type Rule } from '@varve/base/options';
import { keyBucket } from './buckets.ts';
import { MvccError } from './errors.ts';
import { decodeRecord, fitsMessage, notDecoded, type History } from './history.ts';
import { fitsRevision, keyValueOf, NO_BYTES, RecordReader } from './key-value.ts';
import { ANY_REVISION, RecordOrder } from './record-order.ts';
import { recordCopies } from './record-slab.ts';
import { checkRevisionBytes, isTombstone, readMain, readSub, revisionBytes } from './revision-bytes.ts';
import type { Change, HistoryOptions, KeyValue, SliceOptions } from './store.ts';

const DEFAULT_CHUNK = 1000;
const isCount: Rule = isInteger(0);
const isChunkSize: Rule = isInteger(1);
/** Bytes of records that end a chunk, however few they are (law 9). */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Scratch of one call. */
const reader = new RecordReader();

function deletion(key: Uint8Array, modRevision: number): Change {
  const kv: KeyValue = { key, value: NO_BYTES, createRevision: 0, modRevision, version: 0, lease: 0n };
  return Object.freeze<Change>({ type: 'delete', kv });
}

function put(kv: KeyValue): Change {
  return Object.freeze<Change>({ type: 'put', kv });
}

/** The retained changes of a key, one a revision, up to the visible one. @throws MvccError `MVCC_COMPACTED` */
export function keyHistory(history: History, key: Uint8Array, { from = 0, limit }: HistoryOptions): readonly Change[] {
  checkBytes(key, 'key');
  check(from, 'from', isCount);
  checkOptional(limit, 'limit', isCount);
  if (from > 0) history.checkReadable(from);
  const { index, compacted, visible } = history;
  // What compaction drops is gone from the moment it is accepted, not when it gets there.
  const oldest = index.get(key, compacted)?.main ?? compacted;
  const changes: Change[] = [];
  for (const { main, sub } of index.since(key, Math.max(from, oldest), limit === 0 ? undefined : limit)) {
    if (main > visible) break;
    const entry = index.get(key, main);
    if (entry === undefined) changes.push(deletion(new Uint8Array(key), main));
    else changes.push(put(history.cache.get(main, sub) ?? history.load(key, entry, undefined)));
  }
  return changes;
}

/** All retained changes of revisions `from` to before `to`, in chunks of whole revisions. */
export function changesBetween(
  history: History,
  from: number,
  to: number,
  options: SliceOptions & { readonly chunkSize?: number | undefined },
): AsyncIterable<readonly Change[]> {
  check(from, 'from', isCount);
  check(to, 'to', isCount);
  checkOptional(options.chunkSize, 'chunkSize', isChunkSize);
  checkOptional(options.signal, 'signal', isSignal);
  return chunks(history, Math.max(from, 1), to, options.chunkSize ?? DEFAULT_CHUNK, options.signal);
}

async function* chunks(
  history: History,
  from: number,
  to: number,
  chunkSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Change[], void, void> {
  signal?.throwIfAborted();
  history.checkReadable(from);
  const end = Math.min(to, history.visible + 1);
  let next = from;
  const old = Math.min(end, history.cache.oldestRecent);
  if (next < old) {
    yield* scanned(history, next, old, chunkSize, signal);
    next = old;
  }
  while (next < end) {
    const chunk = recentChunk(history, next, end, chunkSize);
    if (chunk.length === 0) break;
    next += chunk.length;
    history.checkReadable(chunk[0]!.kv.modRevision);
    yield chunk;
    await history.clock.turn();
    signal?.throwIfAborted();
  }
  if (next < end) yield* scanned(history, next, end, chunkSize, signal);
}

/** Changes that lie in memory as they were written, from `from` on as long as each is a transaction's only one (CH3). */
function recentChunk(history: History, from: number, end: number, chunkSize: number): Change[] {
  const chunk: Change[] = [];
  let left = CHUNK_BYTES;
  history.cache.eachWholeRecent(from, end, (main, slab, recordAt, recordEnd) => {
    chunk.push(put(decodeRecord(slab, main, 0, recordAt, recordEnd)));
    left -= recordEnd - recordAt;
    return chunk.length < chunkSize && left > 0;
  });
  return chunk;
}

async function* scanned(
  history: History,
  from: number,
  end: number,
  chunkSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Change[], void, void> {
  history.checkReadable(from);
  const tx = history.backend.concurrentReadTx();
  try {
    yield* wholeRevisions(history, tx, from, end, chunkSize, signal);
  } finally {
    tx[Symbol.dispose]();
  }
}

async function* wholeRevisions(
  history: History,
  tx: ConcurrentReadTx,
  from: number,
  end: number,
  chunkSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Change[], void, void> {
  const start = revisionBytes(from, 0);
  const copies = recordCopies();
  const order = new RecordOrder(history.sparse ? ANY_REVISION : Math.max(from - 1, history.compacted));
  let chunk: Change[] = [];
  let bytes = 0;
  // Each record is copied before the next chunk is asked for.
  const rows = { start, end: revisionBytes(end, 0), chunkSize, signal, lent: true };
  for await (const entries of tx.scan(keyBucket, rows)) {
    for (const entry of entries) {
      const change = changeOf(entry, copies, order);
      const newest = chunk[chunk.length - 1];
      const full = chunk.length >= chunkSize || bytes >= CHUNK_BYTES;
      if (full && newest!.kv.modRevision !== change.kv.modRevision) {
        history.checkReadable(chunk[0]!.kv.modRevision);
        yield chunk;
        signal?.throwIfAborted();
        chunk = [];
        bytes = 0;
      }
      chunk.push(change);
      bytes += entry.value.length;
    }
  }
  order.end(end - 1);
  if (chunk.length === 0) return;
  history.checkReadable(chunk[0]!.kv.modRevision);
  yield chunk;
}

/** Read where it was lent, whose end is the record's: in a block what overruns it would be its neighbour's. */
function copyRecord(row: Uint8Array, main: number, sub: number, copies: Blocks): KeyValue {
  try {
    reader.read(row);
  } catch (cause) {
    throw notDecoded(main, sub, cause);
  }
  const start = copies.reserve(row.length);
  copies.block.set(row, start);
  return keyValueOf(reader, copies.block, start);
}

function changeOf(entry: Entry, copies: Blocks, order: RecordOrder): Change {
  checkRevisionBytes(entry.key);
  const main = readMain(entry.key);
  const sub = readSub(entry.key);
  order.add(main, sub);
  const kv = copyRecord(entry.value, main, sub, copies);
  if (isTombstone(entry.key)) return deletion(kv.key, main);
  if (!fitsRevision(kv, main)) throw new MvccError('MVCC_CORRUPT', fitsMessage(main, sub, kv.key));
  return put(kv);
}
