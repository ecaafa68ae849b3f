/**
 * Which members tell how far a stream is only when it is so far.
 *
 * TPR1  Before, a progress answer overtook events that were on their way (etcd #15220): whoever went on behind it had lost them. The bound is
 *      set later than the repair, and what cannot be read counts as before. Later versions than 3.4.23 are not run here; `varve serve` is.
 */

/** From these on, of the release each; later ones all. */
const repaired: readonly (readonly [minor: number, patch: number])[] = [
  [4, 27],
  [5, 10],
];

/** @param version as a member states it, such as `3.5.12` */
export function tellsTrueProgress(version: string): boolean {
  const [, major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (major !== 3) return major > 3;
  const row = repaired.find(([of]) => of === minor);
  return row === undefined ? minor >= 6 : patch >= row[1];
}
