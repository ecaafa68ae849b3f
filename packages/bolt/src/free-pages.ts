/**
 * What may be written over when a file is opened for writing.
 *
 * Y1  A list that anything is wrong with is refused: writing by it would destroy data.
 * Y2  A list whose last writer was another program has no checksum: the trees are walked to see that nothing in use is on
 *     it. Without a list the walk finds the free pages.
 * Y3  Pages that only the older of the two states uses wait (R53).
 *
 * bbolt: db.go (loadFreelist). Departs: Y1 to Y3.
 */
import { viewOf } from './bytes.ts';
import { plausibleFreelist } from './choose-meta.ts';
import { BoltError, corrupt } from './errors.ts';
import { decodeFreelist } from './freelist-page.ts';
import type { FreelistContents } from './freelist-page.ts';
import type { Meta } from './meta.ts';
import type { PageFile } from './page-file.ts';
import { reachablePages } from './reachable.ts';
import { verifySeal } from './seal.ts';
import type { Slices } from './slices.ts';

/** Free pages of the newest state, and which of them the state before still uses. */
export interface FreePages {
  readonly free: Float64Array;
  readonly waiting: Float64Array;
  /** Page run of the list; 0 pages if it is not persisted. */
  readonly listPages: number;
}

/** @throws BoltError BOLT_FREELIST, BOLT_CORRUPT */
export async function findFreePages(
  pages: PageFile,
  meta: Meta,
  other: Meta | undefined,
  slices: Slices,
): Promise<FreePages> {
  const list = meta.freelist === undefined ? undefined : readFreelist(pages, meta);
  const used = list === undefined || meta.sealedSince === 0 ? await reachablePages(pages, meta, slices) : undefined;
  if (list !== undefined && used !== undefined) {
    for (const id of list.ids) if (used[id] === 1) throw corrupt(id, 'is in use and on the list of free pages');
  }
  const ids = list?.ids ?? complement(used as Uint8Array);
  const before = other === undefined ? undefined : await usedBefore(pages, other, used, slices);
  return {
    free: before === undefined ? ids : ids.filter((id) => !before(id)),
    waiting: before === undefined ? new Float64Array(0) : ids.filter(before),
    listPages: list === undefined ? 0 : list.overflow + 1,
  };
}

/** The list of a state. @throws BoltError BOLT_FREELIST if anything is wrong with it */
export function readFreelist(pages: PageFile, meta: Meta): FreelistContents {
  const id = meta.freelist as number;
  const refuse = (message: string, cause?: unknown): BoltError =>
    new BoltError('BOLT_FREELIST', `the list of free pages: ${message}`, { page: id, cause });
  if (!plausibleFreelist(meta)) throw refuse(`page ${id} cannot hold it`);
  let list: FreelistContents;
  try {
    const run = pages.run(id, meta);
    list = decodeFreelist(run, id, meta.highWater);
    const sealed = { id, bytes: run, view: viewOf(run), dataEnd: list.dataEnd, stamps: 0 };
    verifySeal(sealed, meta, meta.listStamp, 0);
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : 'unreadable', cause);
  }
  const [problem] = list.problems;
  if (problem !== undefined) throw refuse(problem.message);
  return list;
}

/** Which pages the state before uses. `undefined` if that cannot be said: then it is no state to go back to either. */
async function usedBefore(
  pages: PageFile,
  before: Meta,
  used: Uint8Array | undefined,
  slices: Slices,
): Promise<((id: number) => boolean) | undefined> {
  try {
    if (before.freelist !== undefined) {
      const free = new Set(readFreelist(pages, before).ids);
      return (id) => id < before.highWater && !free.has(id);
    }
    const seen = await reachablePages(pages, before, slices, used);
    return (id) => seen[id] === 1;
  } catch (error) {
    if (error instanceof BoltError) return undefined;
    throw error;
  }
}

function complement(used: Uint8Array): Float64Array {
  const free: number[] = [];
  for (let id = 2; id < used.length; id++) if (used[id] === 0) free.push(id);
  return Float64Array.from(free);
}
