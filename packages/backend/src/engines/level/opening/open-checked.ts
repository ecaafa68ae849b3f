/**
 * Gives a folder that was found whole to LevelDB, and takes it back unless LevelDB shows that it has read all of it.
 *
 * OC1  What LevelDB may delete is kept until then (`kept.ts`); on any failure the files are put back as they were. So an
 *     error that goes away (no descriptor left, a read that fails once) loses nothing, and damage is left as it was found.
 * OC2  It has read everything when it began with the tables and ended with the number of operations that our scan found, and
 *     its log of events says nothing else. Of a LevelDB that is not known here only the rows are asked.
 */
import { BackendError } from '../../../contract/errors.ts';
import { readBegun, type FolderCheck } from './check-folder.ts';
import type { Level, LevelClass } from '../driver.ts';
import { asBackendError, systemError } from '../failure.ts';
import { errorCode, type Files } from '../files.ts';
import { infoLogNow, unreadLog } from './info-log.ts';
import { keep, letGo, restore } from './kept.ts';
import { checkCommit, readSystemRows, type AcknowledgedCheck, type SystemRows } from './system-rows.ts';

export interface DriverSettings {
  readonly cacheBytes: number;
  readonly writeBufferBytes: number;
  /** Whether the driver's LevelDB is the one that this folder was written for. @default true */
  readonly isKnown?: boolean | undefined;
}

export interface OpenedFolder extends SystemRows {
  readonly level: Level;
  readonly warnings: readonly string[];
}

/** @throws BackendError as `levelEngine` does; the folder is as it was, or the message says what is kept where */
export async function openChecked(
  Level: LevelClass,
  files: Files,
  path: string,
  settings: DriverSettings,
  check: AcknowledgedCheck,
): Promise<OpenedFolder> {
  const kept = await keep(files, path, check);
  const events = await infoLogNow(files, path);
  const level: Level = new Level(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: false,
    compression: false, // records are small and often incompressible; what is compressed cannot be checked cheaply
    cacheSize: settings.cacheBytes,
    writeBufferSize: settings.writeBufferBytes,
  });
  try {
    await level.open();
    if (settings.isKnown !== false) await requireRead(files, path, check, events);
    const { directory, commit } = await readSystemRows(level, path);
    const warnings = await checkCommit(files, path, commit, check);
    await letGo(files, path, kept);
    return { level, directory, commit, warnings };
  } catch (error) {
    await level.close().catch(() => undefined); // the first error is the one to hear of
    const failure = asBackendError(error, 'Opening the store', path);
    if (failure.code === 'BACKEND_LOCKED') {
      await letGo(files, path, kept).catch(() => undefined); // whoever has the store removes it
      throw failure;
    }
    const isAsBefore = await restore(Level, files, path, kept);
    if (failure instanceof NotRead && !failure.isCertain) throw failure;
    throw await explained(files, path, failure, check, isAsBefore ? undefined : kept);
  }
}

/** @throws NotRead */
async function requireRead(files: Files, path: string, check: FolderCheck, events: string | undefined): Promise<void> {
  const unread = await unreadLog(files, path, check.logs, events);
  if (unread !== undefined) throw new NotRead(path, unread.reason, unread.isSaid);
  const reason = await otherBeginning(files, path, check);
  if (reason !== undefined) throw new NotRead(path, reason, true);
}

/** How the state that LevelDB began with differs from the one that was found. */
async function otherBeginning(files: Files, path: string, check: FolderCheck): Promise<string | undefined> {
  const { tables, lastSequence = 0 } = await readBegun(files, path);
  const isSame =
    tables.size === check.tableLengths.size &&
    [...tables].every(([number, length]) => check.tableLengths.get(number) === length);
  if (!isSame) return 'LevelDB did not find the tables that its MANIFEST names';
  if (lastSequence >= check.lastSequence) return undefined;
  return `LevelDB has read ${lastSequence} operations of ${check.lastSequence}`;
}

/** LevelDB was closed again because it may not have read everything. */
export class NotRead extends BackendError {
  /** It has not. Else it is to be tried again: somebody who has tried to open the store may be the cause. */
  readonly isCertain: boolean;

  constructor(path: string, reason: string, isCertain: boolean) {
    // The words are LevelDB's, so its error is told in its way.
    const cause = systemError(Object.assign(new Error(reason), { code: 'LEVEL_IO_ERROR' }));
    const message = `Opening the store ${path}: ${reason}, although its files are whole. Nothing is lost. Open it again`;
    super('BACKEND_FAILED', message, { path, cause });
    this.isCertain = isCertain;
  }
}

async function explained(
  files: Files,
  path: string,
  failure: BackendError,
  check: FolderCheck,
  kept: string | undefined,
): Promise<BackendError> {
  const more: string[] = [];
  if (['ENOSPC', 'EDQUOT'].includes(errorCode(failure.cause) ?? '')) more.push(await roomNeeded(files, path, check));
  if (kept !== undefined) more.push(`Its files are kept in ${kept}, and the next opening puts them back`);
  if (more.length === 0) return failure;
  const message = [failure.message, ...more].join('. ');
  return new BackendError(failure.code, message, { cause: failure.cause, path });
}

/** An entry of a table takes so much more than an operation of the log at most: its number, its share of index and filter. */
const ENTRY_BYTES = 16;
/** Whatever else LevelDB writes as it opens, and what file systems round up. */
const OTHER_BYTES = 256 * 1024;

async function roomNeeded(files: Files, path: string, { logs, tables }: FolderCheck): Promise<string> {
  const ofLogs = logs.reduce((sum, { length, operations }) => sum + length + operations * ENTRY_BYTES, 0);
  const needed = Math.ceil(ofLogs * 1.02) + tables.length * 128 + OTHER_BYTES;
  const left = await files.room(path).catch(() => undefined);
  const free = left === undefined ? '' : `, and ${left} are free`;
  return `LevelDB needs about ${needed} bytes to open it, because it puts its logs into tables before it removes them${free}`;
}
