/**
 * What members of older versions do wrong, told by what they say of themselves. What cannot be read counts as old. Later versions than 3.4.23
 * are not run here; `varve serve` is.
 *
 * TPR1  How far a stream is: before it was repaired, a progress answer overtook events that were on their way (etcd #15220), and whoever went on
 *      behind it had lost them. The bound is set later than the repair.
 * TPR2  Deletions of the compacted revision itself: before, compaction dropped them, and refused no watcher there (spec index-and-mvcc 5.1).
 */

/** From these on, of the release each; later ones all. */
type Repaired = readonly (readonly [minor: number, patch: number])[];

const progress: Repaired = [
  [4, 27],
  [5, 10],
];
const deletions: Repaired = [
  [4, 34],
  [5, 16],
];

/** It tells how far a stream is only when it is so far. @param version as a member states it, such as `3.5.12` */
export function tellsTrueProgress(version: string): boolean {
  return isRepaired(version, progress);
}

/** A watcher from the compacted revision on gets the deletions of that revision. */
export function keepsDeletions(version: string): boolean {
  return isRepaired(version, deletions);
}

function isRepaired(version: string, repaired: Repaired): boolean {
  const [, major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (major !== 3) return major > 3;
  const row = repaired.find(([of]) => of === minor);
  return row === undefined ? minor >= 6 : patch >= row[1];
}
