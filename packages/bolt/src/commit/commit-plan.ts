/**
 * From a finished draft to the list of what has to be written, in steps. Nothing is written here.
 *
 * COM1  Every page that the new state does not use any more is freed once: replaced pages, trees of deleted buckets, the run
 *     of the old free list. A page freed twice means a damaged file, and the draft is refused.
 * COM2  If anything throws, the ledger is as it was.
 *
 * bbolt: tx.go (Commit, steps 1 to 4).
 */
import { corrupt } from '../errors.ts';
import { freelistBytes } from '../format/freelist-page.ts';
import { NO_SEALS } from '../format/meta.ts';
import type { Meta } from '../format/meta.ts';
import type { PageLedger } from '../pages/page-ledger.ts';
import { PageSet } from '../pages/page-set.ts';
import { childPages } from '../pages/reachable.ts';
import type { PageReference } from '../format/page-reference.ts';
import { rebalance } from '../tree/rebalance.ts';
import { NO_STAMP, SEAL_BYTES } from '../format/seal.ts';
import { spill } from '../tree/spill.ts';
import type { PlacedPart, Space } from '../tree/spill.ts';
import type { WriteContext, WriteTree } from '../tree/write-tree.ts';

/** The run of a free list to be written. */
export interface PlacedList {
  readonly id: number;
  readonly pages: number;
  readonly ids: Float64Array;
}

/** Everything a commit writes. */
export interface CommitPlan {
  readonly meta: Meta;
  /** What the seals of its pages bear. */
  readonly stamp: number;
  /** Ascending by page. */
  readonly placed: readonly PlacedPart[];
  readonly list: PlacedList | undefined;
  /** Ascending. */
  readonly freed: Float64Array;
}

/** How the file is to be written. */
export interface PlanOptions {
  readonly persistFreelist: boolean;
  readonly pageChecksums: boolean;
  /** Of this commit alone. */
  readonly stamp: number;
  /** Pages of the old list's run. */
  readonly listPages: number;
}

/** @throws BoltError BOLT_CORRUPT if the file turns out to be damaged where the draft changes it */
export function* planCommit(
  context: WriteContext,
  root: WriteTree,
  ledger: PageLedger,
  options: PlanOptions,
): Generator<void, CommitPlan> {
  const { meta: before } = context;
  const txid = before.txid + 1;
  if (!Number.isSafeInteger(txid)) throw corrupt(0, `no transaction number is left after ${before.txid}`);
  const { pageSize } = before;
  const stamp = options.pageChecksums ? options.stamp : NO_STAMP;
  let { highWater } = before;
  const freed: number[] = [];
  const space: Space = {
    pageSize,
    stamp,
    sealBytes: options.pageChecksums ? SEAL_BYTES : 0,
    placed: [],
    allocate: (pages) => {
      const id = ledger.take(pages);
      if (id !== 0) return id;
      highWater += pages;
      return highWater - pages;
    },
    free: (id, pages) => {
      if (id === 0) return;
      context.pages.cache.delete(id); // makes room; who still needs it reads it again
      for (let i = 0; i < pages; i++) freed.push(id + i);
    },
  };
  ledger.release(txid);
  try {
    yield* rebalance(root, space);
    const newRoot = yield* spill(root, space);
    yield* freeDeleted(root, space);
    if (before.freelist !== undefined) space.free(before.freelist, options.listPages);
    const freedIds = ascendingOnce(freed);
    const list = options.persistFreelist ? placeList(ledger, freedIds, space) : undefined;
    const seals = options.pageChecksums
      ? {
          sealedSince: before.sealedSince || txid,
          sealedUpTo: Math.max(before.sealedUpTo, txid),
          rootStamp: newRoot.stamp,
          listStamp: list === undefined ? NO_STAMP : stamp,
        }
      : NO_SEALS;
    const state = { pageSize, root: newRoot.id, sequence: root.sequence, freelist: list?.id, highWater, txid };
    const meta = { ...state, ...seals };
    return { meta, stamp, placed: space.placed.toSorted((a, b) => a.id - b.id), list, freed: freedIds };
  } catch (error) {
    ledger.undo();
    throw error;
  }
}

function placeList(ledger: PageLedger, freed: Float64Array, space: Space): PlacedList {
  // Counted before its own run is taken out, so the run may be longer than needed, never shorter.
  const bytes = freelistBytes(ledger.count + freed.length) + space.sealBytes;
  const pages = Math.floor(bytes / space.pageSize) + 1;
  const id = space.allocate(pages);
  return { id, pages, ids: ledger.listed(freed) };
}

/** Frees the trees of the buckets that were deleted from a tree and the nested ones that were opened. */
function* freeDeleted(tree: WriteTree, space: Space): Generator<void> {
  for (const root of tree.deletedRoots) yield* freeTree(tree.context, root, space);
  for (const { tree: nested } of tree.nested.values()) yield* freeDeleted(nested, space);
}

function* freeTree(context: WriteContext, root: PageReference, space: Space): Generator<void> {
  const { pages, meta } = context;
  const waiting = [root];
  const seen = new PageSet();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { id, stamp, from } = next;
    if (!seen.add(id)) throw corrupt(id, 'is referred to twice', 'C4');
    const page = pages.page(id, meta, stamp, from);
    for (const child of childPages(page, meta)) waiting.push(child);
    space.free(id, page.overflow + 1); // last: the memory of a page that is freed serves another one
    yield;
  }
}

function ascendingOnce(freed: readonly number[]): Float64Array {
  const ids = Float64Array.from(freed).sort();
  for (let i = 1; i < ids.length; i++) if (ids[i] === ids[i - 1]) throw corrupt(ids[i] as number, 'used twice');
  return ids;
}
