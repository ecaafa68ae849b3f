/**
 * Turning a range back to what an earlier revision left: what `undo` takes and answers.
 *
 * UDO1  History is not changed: what was is written again, as new revisions, which watchers see like any others.
 * UDO2  Taken back is what was written after `revision` up to the revision that is present at the call. A key that somebody writes after that stays as
 *       they left it, but for one that was not there: put and deleted again meanwhile, it comes back (spec/retention.md).
 */
import type { Selector, SignalOptions } from './kv.ts';

/** One transaction of an `undo`. */
export interface UndoPage {
  /** The revision that it made. */
  readonly revision: number;
  /** Keys that got back what they had. */
  readonly put: number;
  /** Keys that were not there at the revision, and were deleted. */
  readonly deleted: number;
}

export interface UndoOptions extends SignalOptions {
  /** Called after each transaction. What it throws ends the undo; the transactions that were done stay. */
  readonly onPage?: ((page: UndoPage) => void) | undefined;
}

export interface UndoResult {
  /** The revisions that it made, one a transaction; none where all was as it had been. */
  readonly revisions: readonly number[];
  /** The newest revision whose changes were taken back: the present one of the call. */
  readonly until: number;
  /** Keys that got back what they had. */
  readonly put: number;
  /** Keys that were not there at the revision, and were deleted. */
  readonly deleted: number;
  /** Keys that were left alone because somebody has written them after `until`. */
  readonly overtaken: number;
  /** Keys that were left alone because they had a lease at the revision, and that lease is over. */
  readonly leaseless: number;
}

/** The part of a `Kv` that turns a range back. */
export interface Undoing<K> {
  /**
   * Writes back what a key or the keys of a range had at `revision`, as one transaction; over `limits.maxOps` keys, or 1 MiB, as several, each said in
   * the result and to `onPage`. In that 1 MiB count each key three times, and its value then and now. Taken back is what was written up to the present
   * revision of the call: a key that somebody writes meanwhile is left as they wrote it, and counted. Keys that have what they had are not written. A key that had a lease gets it again, or is left alone
   * where that lease is over. What ends it in the middle leaves the transactions before: called again, it goes on, as long as `revision` is not
   * compacted. A store in this process holds `revision` until it is done, for a day and a million revisions more at the most; on a cluster nothing does.
   * @throws KvError `MVCC_COMPACTED`, on a cluster also in the middle; `MVCC_FUTURE_REVISION`
   */
  undo(key: Selector<K>, revision: number, options?: UndoOptions): Promise<UndoResult>;
}
