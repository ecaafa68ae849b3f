/**
 * Which files are worth rewriting: neighbours with little alive.
 *
 * LGCP1  Only neighbours are put together, so that files go on holding ascending ranges of keys.
 */
import type { LiveFile } from '../files/live-file.ts';
import { liveBytesOf, type State } from '../state/state.ts';

export interface Share {
  /** Of closed files, as they lie there. */
  readonly bytes: number;
  /** Of rows that live in them. */
  readonly live: number;
}

/** @param active which is not counted */
export function shareOf(state: State, active: LiveFile | undefined): Share {
  let bytes = 0;
  let live = 0;
  for (const [file, alive] of liveBytesOf(state)) {
    if (file === active) continue;
    bytes += file.bytes;
    live += alive;
  }
  return { bytes, live };
}

/**
 * The files with the least alive, and neighbours of theirs that fit into one file with them; `undefined` if there is none.
 * @param most share alive of what is rewritten
 * @param segmentBytes of live rows that one file is to hold
 */
export function planCleaning(
  state: State,
  active: LiveFile | undefined,
  left: ReadonlySet<LiveFile>,
  most: number,
  segmentBytes: number,
): readonly LiveFile[] | undefined {
  const live = liveBytesOf(state);
  const { files } = state;
  const isFree = (file: LiveFile | undefined): file is LiveFile =>
    file !== undefined && file !== active && !left.has(file);
  const aliveOf = (file: LiveFile): number => live.get(file) ?? 0;
  const isWorthIt = (file: LiveFile | undefined): file is LiveFile =>
    isFree(file) && aliveOf(file) < usefulBytes(file) * most;
  let best: LiveFile | undefined;
  for (const file of files) {
    if (!isWorthIt(file)) continue;
    if (best === undefined || aliveOf(file) * usefulBytes(best) < aliveOf(best) * usefulBytes(file)) best = file;
  }
  if (best === undefined) return undefined;
  let from = files.indexOf(best);
  let to = from + 1;
  let sum = aliveOf(best);
  for (;;) {
    const before = files[from - 1];
    const after = files[to];
    if (isWorthIt(after) && sum + aliveOf(after) <= segmentBytes) {
      sum += aliveOf(after);
      to += 1;
    } else if (isWorthIt(before) && sum + aliveOf(before) <= segmentBytes) {
      sum += aliveOf(before);
      from -= 1;
    } else {
      return files.slice(from, to);
    }
  }
}

/** What rewriting could do without in rows that were rewritten already: only the deleted ones. Heads and footers come again. */
function usefulBytes(file: LiveFile): number {
  return file.kind === 'dat' ? file.rowBytes : file.bytes;
}

/** Neighbours that are small, if they are many: every compaction that closes the newest segment makes one. */
export function planMerge(
  state: State,
  active: LiveFile | undefined,
  left: ReadonlySet<LiveFile>,
  segmentBytes: number,
): readonly LiveFile[] | undefined {
  let group: LiveFile[] = [];
  let sum = 0;
  for (const file of [...state.files, undefined]) {
    const fits = file !== undefined && file !== active && !left.has(file) && file.bytes * 4 < segmentBytes;
    if (file !== undefined && fits && sum + file.bytes <= segmentBytes) {
      group.push(file);
      sum += file.bytes;
      continue;
    }
    if (group.length >= FEWEST) return group;
    group = [];
    sum = 0;
  }
  return undefined;
}

const FEWEST = 8;
