/**
 * From revisions to dates and back, with the errors of every read: below the compacted revision `MVCC_COMPACTED`, above the present one
 * `MVCC_FUTURE_REVISION`.
 */
import { KvError } from '@varve/api';
import { checkRevision, invalidType, outOfRange } from '@varve/api/implement';
import type { Core } from '../core.ts';
import { checkNotFuture } from '../readable.ts';
import type { RevisionTimes } from './revision-times.ts';

export function timeOfRevision(core: Core, revision: number): Promise<Date | undefined> {
  return core.call(() => {
    checkRevision(revision, 'revision');
    const times = timesOf(core);
    checkReadable(core, revision);
    const time = times.timeOf(revision);
    return time === undefined ? undefined : new Date(time);
  });
}

export function revisionAtDate(core: Core, date: Date | number): Promise<number | undefined> {
  return core.call(async () => {
    const unixMs = checkedDate(date);
    const times = timesOf(core);
    const revision = await times.revisionAt(unixMs);
    const compacted = core.store.firstRev();
    if (revision >= Math.max(compacted, 1)) return revision;
    // Of what is compacted nothing is known but that it was before the oldest that is left.
    if (revision > 0 || (compacted > 0 && times.timeOf(compacted) !== undefined)) throw compactedError(compacted);
    return undefined;
  });
}

function timesOf(core: Core): RevisionTimes {
  if (core.times === undefined)
    throw invalidType('nobody notes when revisions are written here; open the store with times: true');
  return core.times;
}

function checkReadable(core: Core, revision: number): void {
  const compacted = core.store.firstRev();
  if (revision < compacted) throw compactedError(compacted);
  checkNotFuture(core, revision);
}

function compactedError(compactRevision: number): KvError {
  const message = `what was then is compacted; the oldest revision that can be read is ${compactRevision}`;
  return new KvError('MVCC_COMPACTED', message, { compactRevision });
}

function checkedDate(date: Date | number): number {
  const unixMs: unknown = Object.prototype.toString.call(date) === '[object Date]' ? date.valueOf() : date;
  if (typeof unixMs !== 'number') throw invalidType('the date must be a Date, or milliseconds since 1970');
  if (!Number.isFinite(unixMs)) throw outOfRange('the date must be a valid one');
  return unixMs;
}
