/** What `open` is told of history: how much of it is kept, and whether it is noted when revisions are written. */
import { checkNames, checkOptionalBoolean, checkOptionalInteger, invalidType } from '@varve/api/implement';

/** How much history a store keeps by itself. At least one of the first two; with both, history ends at whichever comes first. */
export interface RetainOptions {
  /** So many revisions can be read, the present one included. */
  readonly revisions?: number | undefined;
  /**
   * What was present so many milliseconds ago can be read. With `times: true` by the times that revisions have, so also across restarts; without,
   * by what this process has seen, so that after an opening nothing goes by age before that time has passed again.
   */
  readonly ageMs?: number | undefined;
  /** How often is looked at it; until then there may be more. A pass rests as long as it took, if that is longer. @default 10_000 */
  readonly everyMs?: number | undefined;
}

export interface HistoryKeepingOptions {
  /** Give up history, and the space with it, by itself. @default never: `compact` and `defrag` are called by hand */
  readonly retain?: RetainOptions | undefined;
  /**
   * Note when each revision is written, for `timeOf` and `revisionAt`: some bytes a revision, in the commits of the revisions. What
   * is written while it is not given has no times. @default false
   */
  readonly times?: boolean | undefined;
}

/** Checked. */
export interface RetainPlan {
  readonly revisions: number | undefined;
  readonly ageMs: number | undefined;
  readonly everyMs: number;
}

/** The names of `HistoryKeepingOptions`; as an object, so that the compiler sees one that is missing. */
const names: Record<keyof HistoryKeepingOptions, true> = { retain: true, times: true };
export const historyNames: readonly string[] = Object.keys(names);

const retainNames = ['revisions', 'ageMs', 'everyMs'];
const DEFAULT_EVERY_MS = 10_000;
/** What a timer can wait. */
const LONGEST_MS = 0x7fffffff;

/** @throws TypeError, RangeError `KV_INVALID` */
export function planRetain({ retain, times }: HistoryKeepingOptions): RetainPlan | undefined {
  checkOptionalBoolean(times, 'times');
  if (retain === undefined) return undefined;
  checkNames(retain, 'retain', retainNames);
  const { revisions, ageMs, everyMs = DEFAULT_EVERY_MS } = retain;
  checkOptionalInteger(revisions, 'retain.revisions', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(ageMs, 'retain.ageMs', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalInteger(everyMs, 'retain.everyMs', 1, LONGEST_MS);
  if (revisions === undefined && ageMs === undefined)
    throw invalidType('retain must say how much: revisions, ageMs, or both');
  return { revisions, ageMs, everyMs };
}
