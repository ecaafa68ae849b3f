/**
 * How the tests write and print histories: `2`, `15.1`, `6t` for a tombstone, in the notation of the spec.
 */
import { countOf, createdSubOf, mainAt, subAt } from '../src/generation.ts';
import { KeyIndex, type Found } from '../src/key-index.ts';
import type { RevisionList } from '../src/revision-list.ts';
import { RevisionSet } from '../src/revision-set.ts';
import { compareRevisions, formatRevision, type Revision } from '../src/revision.ts';
import type { IndexEntry, TreeIndex } from '../src/tree-index.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (key: Uint8Array): string => new TextDecoder().decode(key);

/** The blocks of a saved index, without the steps that filled none. */
export const blocksOf = (saved: Iterable<Uint8Array | undefined>): Uint8Array[] =>
  [...saved].filter((block) => block !== undefined);

export interface Step extends Revision {
  readonly tombstone: boolean;
}

export function steps(history: string): Step[] {
  return history.split(' ').map((word) => {
    const [main = '', sub = '0'] = word.replace('t', '').split('.');
    return { main: Number(main), sub: Number(sub), tombstone: word.endsWith('t') };
  });
}

export function keyIndexOf(history: string): KeyIndex {
  const index = new KeyIndex();
  for (const { main, sub, tombstone } of steps(history)) {
    if (tombstone) index.tombstone(main, sub);
    else index.put(main, sub);
  }
  return index;
}

export function apply(tree: TreeIndex, key: string, history: string): void {
  for (const { main, sub, tombstone } of steps(history)) {
    if (tombstone) tree.tombstone(bytes(key), main, sub);
    else tree.put(bytes(key), main, sub);
  }
}

/** `created/version [revisions]` for each generation, the last one too when it is empty. */
export function generations(index: KeyIndex): string[] {
  return Array.from({ length: index.generationCount }, (_, i) => {
    const generation = index.generation(i);
    const revisions = Array.from({ length: countOf(generation) }, (__, n) => {
      const isTombstone = generation !== index && n === countOf(generation) - 1;
      const revision = { main: mainAt(generation, n), sub: subAt(generation, n) };
      return formatRevision(revision) + (isTombstone ? 't' : '');
    });
    if (revisions.length === 0) return '[]';
    const created = formatRevision({ main: generation.createdMain, sub: createdSubOf(generation) });
    return `${created}/${generation.version} [${revisions.join(',')}]`;
  });
}

export function find(index: KeyIndex, atMain: number): string {
  const found: Found = { main: -1, sub: -1, createdMain: -1, createdSub: -1, version: -1 };
  return index.find(atMain, found) ? print(found) : 'none';
}

/** `modified created version`. */
export function print(entry: IndexEntry | undefined): string {
  if (entry === undefined) return 'none';
  const created = formatRevision({ main: entry.createdMain, sub: entry.createdSub });
  return `${formatRevision(entry)} ${created} ${entry.version}`;
}

export function unpacked(revisions: RevisionList): Revision[] {
  return revisions.mains.map((main, index) => ({ main, sub: revisions.subAt(index) }));
}

export function list(revisions: Iterable<Revision>): string[] {
  return [...revisions].toSorted(compareRevisions).map(formatRevision);
}

export function compacted(index: KeyIndex, atMain: number): string[] {
  const kept = new RevisionSet();
  index.compact(atMain, kept);
  return list(kept);
}

export function keptBy(index: KeyIndex, atMain: number): string[] {
  const kept = new RevisionSet();
  index.keep(atMain, kept);
  return list(kept);
}

/** Runs a walk to its end, with `between` after every slice. */
export function drive(walk: Generator<void, RevisionSet, void>, between: () => void = () => undefined): RevisionSet {
  for (;;) {
    const step = walk.next();
    if (step.done === true) return step.value;
    between();
  }
}
