/**
 * Opening a store, in an order that never trusts LevelDB first (design decision 15).
 *
 *   what is there -> make it, if nothing -> our claim in this process -> LevelDB's lock, tried -> our scan of the files
 *   -> LevelDB -> format, commit and directory rows
 *
 * O1  Until the scan has passed, nothing in the folder is changed. Nothing is changed by us without the lock being free.
 * O2  Whoever does not get the lock hears of that, not of what the holder's files look like meanwhile.
 *     Where the lock cannot be tried, a whole folder is left to LevelDB, whose own lock decides, and any other refused.
 * O3  Everything that was taken is given back when a later step fails.
 */
import { BackendError } from '../errors.ts';
import { checkFolder, cutManifest, type FolderCheck } from './check-folder.ts';
import { COMMIT_KEY, readCommitRow, type CommitRow } from './commit-row.ts';
import { Committed } from './committed.ts';
import { claim } from './claim.ts';
import { FORMAT_KEY, createStore, readFormatRow, removeLeftovers, syncName } from './create.ts';
import { Directory, directoryRange, readSlot } from './directory.ts';
import type { Level, LevelClass } from './driver.ts';
import { DurableMark, readMark } from './durable-mark.ts';
import { asBackendError, corruptError } from './failure.ts';
import type { Files } from './files.ts';
import { LevelEngine } from './level-engine.ts';
import { locate } from './locate.ts';
import { probeLock, requireUnlocked } from './lock-probe.ts';
import { checkFormat, checkMarker } from './marker.ts';
import type { LongScan } from './row-scan.ts';
import { SLOT_BYTES, SYSTEM, bound, boundAfter, decodeCommit, decodeValue, type Slot } from './rows.ts';
import { findTableDamage } from './table-scan.ts';

export interface LevelSettings {
  readonly createIfMissing: boolean;
  readonly verify: boolean;
  readonly cacheSize: number;
  readonly writeBufferSize: number;
  readonly longScan: LongScan;
}

export async function openLevel(
  Level: LevelClass,
  files: Files,
  asked: string,
  settings: LevelSettings,
): Promise<LevelEngine> {
  try {
    const path = await findOrMake(Level, files, asked, settings.createIfMissing);
    const release = claim(await files.identity(path), path);
    try {
      return await openClaimed(Level, files, path, settings, release);
    } catch (error) {
      release();
      throw error;
    }
  } catch (error) {
    throw asBackendError(error, 'Opening the store', asked);
  }
}

async function findOrMake(Level: LevelClass, files: Files, asked: string, createIfMissing: boolean): Promise<string> {
  const { path, found } = await locate(files, asked);
  if (found === 'store') return path;
  if (!createIfMissing) {
    throw new BackendError('BACKEND_NOT_FOUND', `There is no store at ${path}, and createIfMissing is false`, { path });
  }
  try {
    await createStore(Level, files, path);
  } catch (error) {
    // Somebody else may have made it meanwhile; then it is theirs, and the lock decides.
    if ((await locate(files, asked)).found !== 'store') throw error;
  }
  return path;
}

async function openClaimed(
  Level: LevelClass,
  files: Files,
  path: string,
  settings: LevelSettings,
  release: () => void,
): Promise<LevelEngine> {
  await checkMarker(files, path);
  await files.checkWritable(path);
  await probeLock(Level, files, path);
  await syncName(files, path);
  const check = await checkUnlocked(Level, files, path, settings.verify);
  const level: Level = new Level(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: false,
    compression: false, // records are small and often incompressible; what is compressed cannot be checked cheaply
    cacheSize: settings.cacheSize,
    writeBufferSize: settings.writeBufferSize,
  });
  let mark: DurableMark | undefined;
  try {
    await level.open();
    const { directory, commit } = await readSystemRows(level, path);
    const warnings = [...check.warnings, ...(await checkCommit(files, path, commit, check))];
    await removeLeftovers(files, path);
    mark = await DurableMark.open(files, path);
    const position = { counter: commit.counter, sequence: check.lastSequence };
    const engine = new LevelEngine({
      level,
      files,
      path,
      directory,
      position,
      warnings,
      mark,
      longScan: settings.longScan,
      onClosed: release,
    });
    await engine.start();
    return engine;
  } catch (error) {
    await Promise.allSettled([level.close(), mark?.close()]); // the first error is the one to hear of
    throw error;
  }
}

interface UnlockedCheck extends FolderCheck {
  /** The last operation that is known to have been acknowledged (`durable-mark.ts`, K1). */
  readonly acknowledged: number;
}

async function checkUnlocked(Level: LevelClass, files: Files, path: string, verify: boolean): Promise<UnlockedCheck> {
  // Another process may have opened the store since, and LevelDB replaces files as it opens. Ask again before calling
  // it damage.
  const ask = (why: string): Promise<void> => requireUnlocked(Level, files, path, why);
  let check;
  try {
    check = await checkFolder(files, path, verify);
  } catch (error) {
    await ask(`its files are not whole (${error instanceof Error ? error.message : String(error)})`);
    check = await checkFolder(files, path, verify);
  }
  const warnings = [...check.warnings];
  const acknowledged = await readMark(files, path);
  if (typeof acknowledged === 'string') {
    warnings.push(`${acknowledged}: whether the newest commits are all there cannot be told`);
  } else if (check.lastSequence < acknowledged) {
    const place = `its log and MANIFEST end at operation ${check.lastSequence}, and ${acknowledged} was acknowledged`;
    await ask(place);
    throw corruptError(path, place);
  }
  if (check.tornManifest !== undefined) {
    await ask('its MANIFEST has an incomplete end, as after a crash, which is to be cut off');
    warnings.push(await cutManifest(files, path, check.tornManifest));
  }
  return { ...check, warnings, acknowledged: typeof acknowledged === 'string' ? 0 : acknowledged };
}

async function readSystemRows(
  level: Level,
  path: string,
): Promise<{ readonly directory: Directory; readonly commit: CommitRow }> {
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
async function checkCommit(files: Files, path: string, commit: CommitRow, check: UnlockedCheck): Promise<string[]> {
  const { lastSequence } = check;
  if (commit.sequence === lastSequence) return [];
  const numbers = `the newest commit found ends at ${commit.sequence}, LevelDB's own count at ${lastSequence}`;
  if (commit.sequence > lastSequence) throw corruptError(path, numbers);
  if (commit.sequence < check.acknowledged) {
    throw corruptError(path, `${numbers}, and ${check.acknowledged} was acknowledged`);
  }
  for (const table of check.tables) {
    const isThere = (await files.length(table)) !== undefined; // LevelDB may have merged it by now
    const damage = isThere ? await findTableDamage(files, table, true) : undefined;
    if (damage !== undefined) throw corruptError(table, damage);
  }
  return [`A commit in ${path} failed before it was written and is not there (${numbers})`];
}
