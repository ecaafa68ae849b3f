/** What a store says of itself, read once LevelDB is open: format, buckets, newest commit. */
import type { FolderCheck } from './check-folder.ts';
import { COMMIT_KEY, readCommitRow, type CommitRow } from '../engine/commit-row.ts';
import { Committed } from '../engine/committed.ts';
import { FORMAT_KEY, readFormatRow } from './create.ts';
import { Directory, directoryRange, readSlot } from '../engine/directory.ts';
import type { Level } from '../driver.ts';
import { corruptError } from '../failure.ts';
import type { Files } from '../files.ts';
import { checkFormat } from './marker.ts';
import { SLOT_BYTES, SYSTEM, bound, boundAfter, decodeCommit, decodeValue, type Slot } from '../engine/rows.ts';
import { findTableDamage } from './check-table.ts';

export interface AcknowledgedCheck extends FolderCheck {
  /** The last operation that is known to have been acknowledged (`durable-mark.ts`, DM1). */
  readonly acknowledged: number;
}

export interface SystemRows {
  readonly directory: Directory;
  readonly commit: CommitRow;
}

/** @throws BackendError `BACKEND_CORRUPT`, `BACKEND_VERSION` */
export async function readSystemRows(level: Level, path: string): Promise<SystemRows> {
  const state = new Committed(level, path, new Directory(new Map()), 0);
  const formatRow = state.getRow(SYSTEM, FORMAT_KEY);
  const format = formatRow === undefined ? undefined : readFormatRow(formatRow);
  if (format === undefined) throw corruptError(path, 'the row that tells its format is missing');
  checkFormat(format, path);
  const commitRow = state.getRow(SYSTEM, COMMIT_KEY);
  const commit = commitRow === undefined ? undefined : readCommitRow(commitRow);
  if (commit === undefined) throw corruptError(path, 'the row of the last commit is missing');

  const slots = new Map<string, Slot>();
  for (const [storedKey, stored] of await level.iterator(directoryRange()).all()) {
    const key = new Uint8Array(storedKey).subarray(SLOT_BYTES);
    const value = decodeValue(SYSTEM, key, 0, stored);
    const slot = value === undefined ? undefined : readSlot(key, value);
    if (slot === undefined) throw state.damaged(SYSTEM, key);
    slots.set(slot.name, slot);
  }
  return { directory: new Directory(slots), commit: await newestCommit(level, state, slots.values(), commit) };
}

/** The newest commit is told by its own row or by the last row of an append-only bucket (`commit-row.ts`, CR1). */
async function newestCommit(
  level: Level,
  state: Committed,
  slots: Iterable<Slot>,
  told: CommitRow,
): Promise<CommitRow> {
  let newest = told;
  for (const slot of slots) {
    const last = { gte: bound(slot, undefined), lt: boundAfter(slot), reverse: true, limit: 1 };
    for (const [storedKey, stored] of await level.iterator(last).all()) {
      if (decodeValue(slot, storedKey, SLOT_BYTES, stored) === undefined) {
        throw state.damaged(slot, storedKey.subarray(SLOT_BYTES)); // it may have told of the newest commit
      }
      const carried = decodeCommit(slot, storedKey, SLOT_BYTES, stored);
      const commit = carried === undefined ? undefined : readCommitRow(carried);
      if (commit !== undefined && commit.counter > newest.counter) newest = commit;
    }
  }
  return newest;
}

/**
 * LevelDB's last operation tells of its commit (R67). When LevelDB counts further than the newest commit that is told
 * of, either the newest row is lost, which is damage in a table, or the last commit failed before it reached the
 * log (a full disk), and only its numbers were used up. The mark tells which where it counts further as well, and
 * checking the tables else.
 */
export async function checkCommit(
  files: Files,
  path: string,
  commit: CommitRow,
  { lastSequence, acknowledged, tables }: AcknowledgedCheck,
): Promise<string[]> {
  if (commit.sequence === lastSequence) return [];
  const numbers = `the newest commit found ends at ${commit.sequence}, LevelDB's own count at ${lastSequence}`;
  if (commit.sequence > lastSequence) throw corruptError(path, numbers);
  if (commit.sequence < acknowledged) {
    throw corruptError(path, `${numbers}, and ${acknowledged} was acknowledged`);
  }
  for (const name of tables) {
    const table = `${path}/${name}`;
    const isThere = (await files.length(table)) !== undefined; // LevelDB may have merged it by now
    const damage = isThere ? await findTableDamage(files, table, true) : undefined;
    if (damage !== undefined) throw corruptError(table, damage);
  }
  return [`A commit in ${path} failed before it was written and is not there (${numbers})`];
}
