/**
 * Making a planned commit durable.
 *
 * CW1  Pages, sync, meta, sync; the file's length is part of the first sync. Nothing else is ever written (F42).
 * CW2  The file must still be the one that has the name, and as long as it was, before and after (R60): a commit into a file
 *     that was replaced or deleted is not acknowledged.
 * CW3  Images are made a piece at a time, in slices, while earlier pieces are being written: pauses are bounded.
 *
 * bbolt: tx.go (Commit, steps 5 to 9).
 */
import { Slice } from '@varve/base/pace';
import { writeFully, type OpenFile } from '@varve/base/files';
import type { World } from '@varve/base/world';
import { viewOf } from '../format/bytes.ts';
import type { CommitPlan, PlacedList } from './commit-plan.ts';
import { encodeFreelist } from '../format/freelist-page.ts';
import { encodeMeta } from '../format/meta.ts';
import type { Meta } from '../format/meta.ts';
import { Page } from '../format/page.ts';
import { writeImage, writeStamps } from '../format/page-image.ts';
import { seal, SEAL_BYTES } from '../format/seal.ts';
import type { SparePages } from '../pages/spare-pages.ts';
import type { PlacedPart } from '../tree/spill.ts';

/** Bytes of neighbouring pages written by one call. */
const LARGEST_WRITE = 1 << 20;
/** Bytes handed over before their end is awaited. */
const IN_FLIGHT = 1 << 21;
const MOST_BUFFERS = 1024;

/** What writing needs to know. */
export interface CommitTarget {
  readonly world: World;
  readonly file: OpenFile;
  /** Length of the file when last seen. */
  readonly length: number;
  /** Where page images are made. */
  readonly spare: SparePages;
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
  const { pageSize } = plan.meta;
  const slice = new Slice(target.world.clock);
  const images = new Images(plan, target);
  const flying: Promise<void>[] = [];
  let batchBytes = 0;
  let piece: Uint8Array[] = [];
  let pieceBytes = 0;
  let position = 0;
  const writePiece = (): void => {
    const written = writeFully(target.file, piece, position);
    if (written !== undefined) {
      written.catch(() => undefined); // is told where all are awaited, which may be turns later
      flying.push(written);
    }
    batchBytes += pieceBytes;
    piece = [];
    pieceBytes = 0;
  };
  try {
    for (const part of inFileOrder(plan)) {
      const at = part.id * pageSize;
      const joins = position + pieceBytes === at && pieceBytes < LARGEST_WRITE && piece.length < MOST_BUFFERS;
      if (piece.length > 0 && !joins) writePiece();
      if (batchBytes > IN_FLIGHT) {
        await Promise.all(flying);
        flying.length = 0;
        batchBytes = 0;
        if (piece.length === 0) images.written();
      }
      if (piece.length === 0) position = at;
      const image = images.make(part);
      piece.push(image);
      pieceBytes += image.length;
      if (slice.due()) await slice.turn();
    }
    if (piece.length > 0) writePiece();
    await Promise.all(flying);
  } finally {
    await Promise.allSettled(flying); // nothing may be under way when the failure is told
  }
  images.written();
  return images.kept;
}

/** Everything to be written, ascending. */
function inFileOrder({ placed, list }: CommitPlan): readonly (PlacedPart | PlacedList)[] {
  if (list === undefined) return placed;
  const parts: (PlacedPart | PlacedList)[] = [...placed];
  const after = placed.findIndex(({ id }) => id > list.id);
  parts.splice(after < 0 ? parts.length : after, 0, list);
  return parts;
}

/** Page images, made of pages that were forgotten. */
class Images {
  readonly kept: Page[] = [];
  readonly #meta: Meta;
  readonly #stamp: number;
  readonly #spare: SparePages;
  /** Images that nobody needs once they are written. */
  #passing: Page[] = [];
  #keepLeft: number;

  constructor({ meta, stamp }: CommitPlan, { spare, keepBytes }: CommitTarget) {
    this.#meta = meta;
    this.#stamp = stamp;
    this.#spare = spare;
    this.#keepLeft = keepBytes;
  }

  make(part: PlacedPart | PlacedList): Buffer {
    const { id, pages } = part;
    const page = this.#page(pages);
    const { bytes, view } = page;
    let end: number;
    if ('node' in part) end = writeImage(bytes, view, 0, id, pages, part.node, part.from, part.to);
    else end = encodeFreelist(bytes, id, pages, part.ids);
    bytes.fill(0, end); // nothing of the page that was here before goes to the medium (F73)
    const sealed = this.#meta.sealedSince !== 0;
    if (sealed) {
      if ('node' in part) writeStamps(view, bytes.length - SEAL_BYTES, part.node, part.from, part.to);
      seal(bytes, view, this.#meta.txid, this.#stamp);
    }
    if ('node' in part && this.#keepLeft >= bytes.length) {
      this.#keepLeft -= bytes.length;
      page.parse(id, bytes.length, id);
      if (sealed) page.trustStamps();
      this.kept.push(page);
    } else if (pages === 1) this.#passing.push(page);
    return bytes;
  }

  #page(pages: number): Page {
    if (pages === 1) return this.#spare.take();
    const bytes = Buffer.allocUnsafeSlow(pages * this.#meta.pageSize);
    return new Page(bytes, 0, viewOf(bytes));
  }

  /** The kernel has all images made so far. */
  written(): void {
    for (const page of this.#passing) this.#spare.give(page);
    this.#passing = [];
  }
}
