/**
 * Making a planned commit durable.
 *
 * C1  Pages, sync, meta, sync; the file's length is part of the first sync. Nothing else is ever written (F42).
 * C2  The file must still be the one that has the name, and as long as it was, before and after (R60): a commit into a file
 *     that was replaced or deleted is not acknowledged.
 * C3  Images are made a piece at a time, in slices, while earlier pieces are being written: pauses are bounded.
 *
 * bbolt: tx.go (Commit, steps 5 to 9).
 */
import { viewOf } from './bytes.ts';
import type { CommitPlan } from './commit-plan.ts';
import { encodeFreelist } from './freelist-page.ts';
import { encodeMeta } from './meta.ts';
import { Page } from './page.ts';
import { writeImage } from './page-image.ts';
import { seal } from './seal.ts';
import { Slices } from './slices.ts';
import { writeFully } from './storage-file.ts';
import type { Storage, StorageFile } from './storage-file.ts';

/** Bytes of neighbouring pages written by one call. */
const LARGEST_WRITE = 1 << 20;
/** Bytes handed to the thread pool before their end is awaited. */
const IN_FLIGHT = 1 << 21;
const MOST_BUFFERS = 1024;

/** What writing needs to know. */
export interface CommitTarget {
  readonly storage: Storage;
  readonly file: StorageFile;
  /** Length of the file when last seen. */
  readonly length: number;
  /** Bytes of written pages worth keeping for the cache. */
  readonly keepBytes: number;
  /** @throws if the file is not the one with the name any more */
  requireInPlace(length: number): void;
}

/** What was written. */
export interface Written {
  readonly length: number;
  /** Images for the cache, as many as were to be kept. */
  readonly kept: readonly Page[];
}

interface Piece {
  readonly buffers: Uint8Array[];
  readonly position: number;
  bytes: number;
}

/** Resolves when the commit would survive a power cut. */
export async function writeCommit(plan: CommitPlan, target: CommitTarget): Promise<Written> {
  const { file } = target;
  const { meta } = plan;
  const { pageSize } = meta;
  target.requireInPlace(target.length);
  const length = grownLength(target.length, meta.highWater * pageSize, pageSize);
  if (length > target.length) await file.truncate(length);
  const kept = await writeRuns(plan, target);
  await file.sync();
  target.requireInPlace(length);
  const metaPage = Buffer.alloc(pageSize);
  const id = meta.txid % 2;
  encodeMeta(metaPage, id, meta);
  await writeFully(file, [metaPage], id * pageSize);
  await file.sync();
  target.requireInPlace(length);
  return { length, kept };
}

/** Small files double, large ones grow by 16 MiB: the length changes rarely. */
function grownLength(length: number, needed: number, pageSize: number): number {
  if (needed <= length) return length;
  const step = 16 * 1024 * 1024;
  if (needed > step) return Math.ceil(needed / step) * step;
  let size = Math.max(32_768, pageSize * 4);
  while (size < needed) size *= 2;
  return size;
}

async function writeRuns(plan: CommitPlan, target: CommitTarget): Promise<Page[]> {
  const kept: Page[] = [];
  const slices = new Slices(target.storage, undefined);
  let flying: Promise<void>[] = [];
  let flyingBytes = 0;
  try {
    for (const piece of pieces(plan, target.keepBytes, kept)) {
      flying.push(writeFully(target.file, piece.buffers, piece.position));
      flyingBytes += piece.bytes;
      if (flyingBytes > IN_FLIGHT) {
        await Promise.all(flying);
        flying = [];
        flyingBytes = 0;
      }
      if (slices.due()) await slices.rest();
    }
    await Promise.all(flying);
  } finally {
    await Promise.allSettled(flying); // nothing may be under way when the failure is told
  }
  return kept;
}

/** Neighbouring runs together, in file order. */
function* pieces(plan: CommitPlan, keepBytes: number, kept: Page[]): IterableIterator<Piece> {
  const { pageSize } = plan.meta;
  let piece: Piece | undefined;
  let keepLeft = keepBytes;
  for (const { id, pages, make } of runs(plan)) {
    const run = make();
    if (run.page !== undefined && keepLeft >= run.bytes.length) {
      keepLeft -= run.bytes.length;
      kept.push(run.page);
    }
    const position = id * pageSize;
    const joins = piece !== undefined && piece.position + piece.bytes === position;
    if (piece !== undefined && (!joins || piece.bytes >= LARGEST_WRITE || piece.buffers.length === MOST_BUFFERS)) {
      yield piece;
      piece = undefined;
    }
    piece ??= { buffers: [], position, bytes: 0 };
    piece.buffers.push(run.bytes);
    piece.bytes += pages * pageSize;
  }
  if (piece !== undefined) yield piece;
}

interface Run {
  readonly id: number;
  readonly pages: number;
  readonly make: () => { readonly bytes: Buffer; readonly page: Page | undefined };
}

function* runs(plan: CommitPlan): IterableIterator<Run> {
  const { meta, list } = plan;
  const { pageSize, txid } = meta;
  const sealed = meta.sealedSince !== 0;
  const listRun: Run | undefined = list && {
    id: list.id,
    pages: list.pages,
    make: () => {
      const bytes = Buffer.alloc(list.pages * pageSize);
      encodeFreelist(bytes, list.id, list.pages, list.ids);
      if (sealed) seal(bytes, viewOf(bytes), txid);
      return { bytes, page: undefined };
    },
  };
  let pendingList = listRun;
  for (const { id, pages, node, from, to } of plan.placed) {
    if (pendingList !== undefined && pendingList.id < id) {
      yield pendingList;
      pendingList = undefined;
    }
    yield {
      id,
      pages,
      make: () => {
        const bytes = Buffer.alloc(pages * pageSize);
        const view = viewOf(bytes);
        writeImage(bytes, view, 0, id, pages, node, from, to);
        if (sealed) seal(bytes, view, txid);
        return { bytes, page: new Page(id, bytes, view, 0, bytes.length, id) };
      },
    };
  }
  if (pendingList !== undefined) yield pendingList;
}
