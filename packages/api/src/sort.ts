/** Sorting of what may be much, with a turn of the event loop after each slice (law 10): merges of runs, each twice as long. */
import type { PullSlice } from './pull.ts';

/** Sorted in one piece, in well below a millisecond. */
const runLength = 512;

export async function sortInSlices<T>(
  slice: PullSlice,
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<readonly T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += runLength) {
    if (slice.over()) await slice.next();
    runs.push(items.slice(from, from + runLength).toSorted(compare));
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(slice, runs[i] ?? [], runs[i + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  slice: PullSlice,
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  for (let done = 0; done < a.length + b.length; done++) {
    if (done % runLength === 0 && slice.over()) await slice.next();
    const [x, y] = [a[i], b[j]];
    if (x !== undefined && (y === undefined || compare(x, y) <= 0)) {
      merged.push(x);
      i++;
    } else if (y !== undefined) {
      merged.push(y);
      j++;
    }
  }
  return merged;
}
