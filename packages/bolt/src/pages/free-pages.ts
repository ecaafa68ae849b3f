/**
 * What may be written over when a file is opened for writing.
 *
 * FRP1  A list that anything is wrong with is refused: writing by it would destroy data.
 * FRP2  A list whose last writer was another program has no checksum: the trees are walked to see that nothing in use is on
 *     it. Without a list the walk finds the free pages.
 * FRP3  Pages that only the older of the two states uses wait (R53).
 * FRP4  All of it is done in steps: a list can have millions of ids (law 10).
 *
 * bbolt: db.go (loadFreelist). Departs: FRP1 to FRP3.
 */
import type { Slice } from '@varve/base/pace';
import { plausibleFreelist } from '../open/choose-meta.ts';
import { BoltError, corrupt } from '../errors.ts';
import type { FreelistContents } from '../format/freelist-page.ts';
import { readListInSteps } from './freelist-read.ts';
import type { Meta } from '../format/meta.ts';
import type { PageFile } from './page-file.ts';
import type { PageSet } from './page-set.ts';
import { reachablePages } from './reachable.ts';

/** Free pages of the newest state, and which of them the state before still uses. */
export interface FreePages {
  readonly free: Float64Array;
  readonly waiting: Float64Array;
  /** Page run of the list; 0 pages if it is not persisted. */
  readonly listPages: number;
}

/** Ids a step. */
const STEP = 32_768;
/** Free pages that a walk may find: 32 GiB of the usual size. More would take seconds of every opening and every commit. */
const MOST_FOUND: number = 2 ** 23;

type Used = (id: number) => boolean;

/** @throws BoltError BOLT_FREELIST, BOLT_CORRUPT */
export function findFreePages(pages: PageFile, meta: Meta, other: Meta | undefined, slice: Slice): Promise<FreePages> {
  return slice.run(findInSteps(pages, meta, other));
}

function* findInSteps(pages: PageFile, meta: Meta, other: Meta | undefined): Generator<void, FreePages> {
  const list = meta.freelist === undefined ? undefined : yield* readFreelist(pages, meta);
  const used = list === undefined || meta.sealedSince === 0 ? yield* reachablePages(pages, meta) : undefined;
  if (list !== undefined && used !== undefined) yield* refuseUsed(list.ids, used);
  const ids = list?.ids ?? (yield* complement(used as PageSet, meta));
  const before = other === undefined ? undefined : yield* usedBefore(pages, other, meta, used);
  const listPages = list === undefined ? 0 : list.overflow + 1;
  if (before === undefined) return { free: ids, waiting: new Float64Array(0), listPages };
  return { ...(yield* parted(ids, before)), listPages };
}

/** The list of a state. @throws BoltError BOLT_FREELIST if anything is wrong with it */
export function* readFreelist(pages: PageFile, meta: Meta): Generator<void, FreelistContents> {
  const id = meta.freelist as number;
  const page = Number.isSafeInteger(id) ? id : undefined;
  const refuse = (message: string, cause?: unknown): BoltError =>
    new BoltError('BOLT_FREELIST', `the list of free pages: ${message}`, { page, cause });
  if (!plausibleFreelist(meta)) throw refuse(`its page is not among the ${meta.highWater} pages in use`);
  let list: FreelistContents;
  try {
    list = yield* readListInSteps(pages, meta, 1);
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : 'unreadable', cause);
  }
  const [problem] = list.problems;
  if (problem !== undefined) throw refuse(problem.message);
  return list;
}

function* refuseUsed(ids: Float64Array, used: PageSet): Generator<void> {
  for (let i = 0; i < ids.length; i++) {
    if (i % STEP === STEP - 1) yield;
    if (used.has(ids[i] as number)) throw corrupt(ids[i] as number, 'is in use and on the list of free pages');
  }
}

/** Which pages the state before uses. `undefined` if that cannot be said: then it is no state to go back to either. */
function* usedBefore(
  pages: PageFile,
  before: Meta,
  now: Meta,
  used: PageSet | undefined,
): Generator<void, Used | undefined> {
  // A file never gets fewer pages: a record that says so is nonsense with a good checksum.
  if (before.highWater > now.highWater || !(before.root >= 2 && before.root < before.highWater)) return undefined;
  try {
    if (before.freelist !== undefined) {
      const { ids } = yield* readFreelist(pages, before);
      return ascendingly(ids, (free, id) => id < before.highWater && !free);
    }
    const seen = yield* reachablePages(pages, before, used);
    return (id) => seen.has(id);
  } catch (error) {
    if (error instanceof BoltError) return undefined;
    throw error;
  }
}

/** To be asked with ascending ids: whether each is among `ids` is found in passing. */
function ascendingly(ids: Float64Array, answer: (there: boolean, id: number) => boolean): Used {
  let at = 0;
  return (id) => {
    while (at < ids.length && (ids[at] as number) < id) at++;
    return answer(ids[at] === id, id);
  };
}

function* parted(ids: Float64Array, waits: Used): Generator<void, Omit<FreePages, 'listPages'>> {
  const free = new Float64Array(ids.length);
  const waiting: number[] = [];
  let freeN = 0;
  for (let i = 0; i < ids.length; i++) {
    if (i % STEP === STEP - 1) yield;
    const id = ids[i] as number;
    if (waits(id)) waiting.push(id);
    else free[freeN++] = id;
  }
  return { free: free.slice(0, freeN), waiting: Float64Array.from(waiting) };
}

function* complement(used: PageSet, { highWater }: Meta): Generator<void, Float64Array> {
  let count = 0;
  for (const [first, after] of used.gaps(2, highWater)) count += after - first;
  if (count > MOST_FOUND) {
    const advice = 'Open it for reading, and write a small copy of it with `copyTo`';
    throw new BoltError(
      'BOLT_FREELIST',
      `${count} pages are free, and no list says so: more than can be managed. ${advice}`,
    );
  }
  const free = new Float64Array(count);
  let at = 0;
  for (const [first, after] of used.gaps(2, highWater)) {
    for (let id = first; id < after; id++) {
      free[at++] = id;
      if (at % STEP === 0) yield;
    }
  }
  return free;
}
