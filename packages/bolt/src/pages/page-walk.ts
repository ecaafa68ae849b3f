/**
 * Every page of a state, depth first, each once.
 *
 * PW1  A page that is met a second time, a run that reaches into another one, an id that no page in use has: damage. So a
 *     walk ends, and costs no more than the pages there are, whatever refers to what.
 * PW2  What is still to be visited is not listed: of each page on the way down, the next entry is remembered.
 * PW3  After damage the walk goes on behind it, for who wants all of it.
 * PW4  It is made of steps, each of which yields a page, damage, or nothing, for a pause in the middle of a large page.
 *
 * bbolt: tx.go (forEachPage), tx_check.go. Departs: PW1 holds for every walk, not only for the check.
 */
import { BoltError, corrupt } from '../errors.ts';
import type { Meta } from '../format/meta.ts';
import { readBucketHeader } from '../format/page.ts';
import type { Page } from '../format/page.ts';
import type { PageFile } from './page-file.ts';
import { PageSet } from './page-set.ts';
import { rootReference } from '../format/page-reference.ts';
import type { PageReference } from '../format/page-reference.ts';

/** No tree with two children a branch has more levels in 2^48 pages. */
export const MOST_LEVELS = 48;

/** Entries a step. */
const STEP = 64;

/** One bucket's tree. */
export interface WalkedTree {
  readonly root: number;
  /** For the walker's owner: where its leaves are, once one was met. */
  leafDepth: number | undefined;
}

/** A page that was met. */
export interface Visit {
  readonly page: Page;
  readonly sealed: boolean;
  readonly tree: WalkedTree;
  /** Levels above it in its tree. */
  readonly depth: number;
  /** The branch that refers to it, and by which entry. Absent for a root. */
  readonly parent: Visit | undefined;
  readonly index: number;
}

/** A page that was not entered, and why. Not an error yet: there can be as many as the file has references. */
export interface Damage {
  readonly damage: string;
  readonly rule: string;
  readonly id: number;
  /** What was thrown, if something was. */
  readonly error: BoltError | undefined;
}

interface Reference extends PageReference {
  readonly tree: WalkedTree;
  readonly depth: number;
  readonly parent: Visit | undefined;
  readonly index: number;
}

interface Open {
  readonly visit: Visit;
  next: number;
}

/**
 * @param seen gets every page of every run that is met; a page that is in it already counts as met
 * @param known pages that are not to be entered
 */
export function* walkPages(
  pages: PageFile,
  meta: Meta,
  seen: PageSet,
  known?: PageSet,
): Generator<Visit | Damage | undefined, void> {
  const open: Open[] = [];
  const reported = new PageSet();
  let next: Reference | undefined = rootOf(rootReference(meta));
  for (;;) {
    if (next !== undefined) {
      const reference: Reference = next;
      next = undefined;
      if (known?.has(reference.id) === true) continue;
      const wrong = wrongReference(reference.id, meta, seen);
      if (wrong !== undefined) {
        // Once each: a page can be referred to by every element of the file.
        if (wrong.rule !== 'C4' || reported.add(reference.id)) yield wrong;
        else yield;
        continue;
      }
      try {
        const visit = yield* enter(pages, meta, seen, reference);
        yield visit;
        open.push({ visit, next: 0 });
      } catch (error) {
        yield damageOf(error, reference.id);
      }
      continue;
    }
    const last = open.at(-1);
    if (last === undefined) return;
    try {
      next = yield* following(last, meta);
      if (next === undefined) open.pop();
    } catch (error) {
      yield damageOf(error, last.visit.page.id);
    }
  }
}

/** The pages alone. @throws BoltError at the first damage */
export function* soundPages(
  pages: PageFile,
  meta: Meta,
  seen: PageSet,
  known?: PageSet,
): Generator<Visit | undefined, void> {
  for (const step of walkPages(pages, meta, seen, known)) {
    if (step !== undefined && 'damage' in step) throw step.error ?? corrupt(step.id, step.damage, step.rule);
    yield step;
  }
}

function* enter(pages: PageFile, meta: Meta, seen: PageSet, reference: Reference): Generator<undefined, Visit> {
  const { id, depth, stamp, from } = reference;
  seen.add(id);
  if (depth === MOST_LEVELS) throw corrupt(id, 'a tree too deep to end', 'C13');
  const { page, sealed } = yield* pages.inspectInSteps(id, meta, stamp, from);
  const met = seen.addRun(id + 1, page.overflow);
  if (met !== undefined) throw corrupt(met, `is part of page ${id}, but used twice`, 'C4');
  return { ...reference, page, sealed };
}

/** What the page refers to next: a child, or the root of a bucket in a leaf. */
function* following(open: Open, meta: Meta): Generator<undefined, Reference | undefined> {
  const { visit } = open;
  const { page } = visit;
  while (open.next < page.count) {
    const index = open.next++;
    if (index % STEP === STEP - 1) yield;
    if (!page.leaf) {
      const child = { id: page.child(index), stamp: page.stamp(index), from: page.id };
      return { ...child, tree: visit.tree, depth: visit.depth + 1, parent: visit, index };
    }
    if (!page.isBucket(index)) continue;
    const at = page.keyAt(index) + page.keyLength(index);
    const length = page.valueLength(index);
    const { root, stamp } = readBucketHeader(page.bytes, at, length, meta.highWater, page.id, page.stamp(index));
    if (root !== 0) return rootOf({ id: root, stamp, from: page.id });
  }
  return undefined;
}

function rootOf(root: PageReference): Reference {
  return { ...root, tree: { root: root.id, leafDepth: undefined }, depth: 0, parent: undefined, index: 0 };
}

/** What is wrong with a reference itself. */
function wrongReference(id: number, meta: Meta, seen: PageSet): Damage | undefined {
  if (!(id >= 2 && id < meta.highWater))
    return { damage: 'is referred to, but no page in use', rule: 'C3', id, error: undefined };
  if (seen.has(id)) return { damage: 'is referred to twice', rule: 'C4', id, error: undefined };
  return undefined;
}

function damageOf(error: unknown, id: number): Damage {
  if (!(error instanceof BoltError)) throw error;
  const damage = error.message.replace(/^page \d+: /, '');
  return { damage, rule: error.rule ?? 'C11', id: error.page ?? id, error };
}
