/**
 * Opening a store, in an order that never trusts LevelDB first (decisions/0009).
 *
 *   what is there -> make it, if nothing -> held by us (`hold.ts`) -> every name looked at -> LevelDB's lock, tried
 *   -> our scan of the files -> LevelDB, which must have read what we have (`open-checked.ts`)
 *
 * OL1  Until the scan has passed nothing in the folder is changed, save that an opening or a making which was cut short is
 *     brought to its end. Nothing is changed by us without the lock being free.
 * OL2  Whoever does not get the lock hears of that, not of what the holder's files look like meanwhile.
 *     Where the lock cannot be tried, a whole folder is left to LevelDB, whose own lock decides, and any other refused.
 * OL3  Everything that was taken is given back when a later step fails.
 */
import { BackendError } from '../../../contract/errors.ts';
import { checkFolder, cutManifest, liveNames, type FolderCheck } from './check-folder.ts';
import { checkNames } from './check-names.ts';
import { createStore, removeLeftovers, syncName } from './create.ts';
import { createInside, finishInside } from './create-inside.ts';
import type { LevelClass } from '../driver.ts';
import { DurableMark, readMark } from '../engine/durable-mark.ts';
import { asBackendError, corruptError } from '../failure.ts';
import { errorCode, type Details, type Files } from '../files.ts';
import { hold, type Hold } from './hold.ts';
import { removeKept, restoreKept } from './kept.ts';
import { LevelEngine } from '../engine/level-engine.ts';
import { locate } from './locate.ts';
import { holdLock, probeLock, requireUnlocked } from './lock-probe.ts';
import { checkMarker } from './marker.ts';
import { isNumbered } from '../names.ts';
import { NotRead, openChecked, type DriverSettings, type OpenedFolder } from './open-checked.ts';
import type { LongScan } from '../engine/read-rows.ts';
import type { AcknowledgedCheck } from './system-rows.ts';

export interface LevelSettings extends DriverSettings {
  readonly create: boolean;
  readonly verify: boolean;
  readonly longScan: LongScan;
  /** What MANIFEST and log of events may grow by before LevelDB is made to begin new ones, in bytes. @default 1 MiB */
  readonly eventBytes?: number | undefined;
}

export async function openLevel(
  Level: LevelClass,
  files: Files,
  asked: string,
  settings: LevelSettings,
): Promise<LevelEngine> {
  try {
    const path = await findOrMake(Level, files, asked, settings.create);
    const held = await hold(files, path);
    try {
      return await openClaimed(Level, files, path, settings, held);
    } catch (error) {
      held.release();
      throw error;
    }
  } catch (error) {
    throw asBackendError(error, 'Opening the store', asked);
  }
}

async function findOrMake(Level: LevelClass, files: Files, asked: string, create: boolean): Promise<string> {
  const { path, found } = await locate(files, asked);
  if (found === 'store') return path;
  if (!create) {
    throw new BackendError('BACKEND_NOT_FOUND', `There is no store at ${path}, and create is false`, { path });
  }
  try {
    if (found === 'nothing') await createStore(Level, files, path);
    else await createInside(Level, files, path);
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
  { identity, release }: Hold,
): Promise<LevelEngine> {
  const names = await checkNames(files, path);
  const storeId = await checkMarker(files, path);
  await files.checkWritable(path);
  await finishInside(files, path);
  await probeLock(Level, files, path);
  const { opened, check, warnings } = await openUnlocked(Level, files, path, settings, names);
  let mark: DurableMark | undefined;
  try {
    await removeKept(files, path);
    const leftovers = await removeLeftovers(files, path);
    mark = await DurableMark.open(files, path, opened.commit.sequence);
    const engine = new LevelEngine({
      Level,
      settings,
      level: opened.level,
      files,
      path,
      identity,
      storeId,
      directory: opened.directory,
      position: { counter: opened.commit.counter, sequence: check.lastSequence },
      warnings: [...warnings, ...opened.warnings, ...leftovers],
      mark,
      longScan: settings.isKnown === false ? NO_LONG_SCAN : settings.longScan,
      onClosed: release,
    });
    await engine.start();
    return engine;
  } catch (error) {
    await Promise.allSettled([opened.level.close(), mark?.close()]); // the first error is the one to hear of
    throw error;
  }
}

/** So many others may come in between. */
const TURNS = 8;
const NO_LONG_SCAN: LongScan = { rows: Infinity, bytes: Infinity, bytesToWrite: Infinity };

interface Opening {
  readonly opened: OpenedFolder;
  readonly check: FolderCheck;
  readonly warnings: readonly string[];
}

async function openUnlocked(
  Level: LevelClass,
  files: Files,
  path: string,
  settings: LevelSettings,
  names: ReadonlyMap<string, Details>,
): Promise<Opening> {
  // Another process may open the store at any moment, and LevelDB replaces files as it opens. Ask again before saying
  // what is wrong with them. It may also have tried the lock only, as we did, or be gone again: then it is our turn.
  for (let left = TURNS; ; left--) {
    let isLevel = false;
    try {
      const restored = await restoreKept(Level, files, path);
      await syncName(files, path);
      const check = await checkUnlocked(Level, files, path, settings.verify);
      await dropShared(Level, files, path, check, names);
      isLevel = true;
      const opened = await openChecked(Level, files, path, settings, check);
      return { opened, check, warnings: restored === undefined ? check.warnings : [restored, ...check.warnings] };
    } catch (error) {
      const isRetried = isOthers(error, isLevel);
      if (isRetried || !(error instanceof BackendError)) await probeLock(Level, files, path);
      if (left === 0 || !isRetried) throw error;
    }
  }
}

/** What somebody else may be the cause of who was there for a moment. @param isLevel whether it came up as LevelDB opened */
function isOthers(error: unknown, isLevel: boolean): boolean {
  if (error instanceof NotRead) return !error.isCertain;
  const code = errorCode(error);
  return code === 'ENOENT' || (code === 'BACKEND_LOCKED' && isLevel);
}

async function checkUnlocked(
  Level: LevelClass,
  files: Files,
  path: string,
  verify: boolean,
): Promise<AcknowledgedCheck> {
  const ask = (why: string): Promise<void> => requireUnlocked(Level, files, path, why);
  const thoroughness = verify ? 'blocks' : 'parts';
  let check;
  try {
    check = await checkFolder(files, path, thoroughness);
  } catch (error) {
    await ask(`its files are not whole (${error instanceof Error ? error.message : String(error)})`);
    check = await checkFolder(files, path, thoroughness);
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

/**
 * LevelDB numbers its files on from what the MANIFEST says, and empties a file that has the number already. One that an
 * opening left behind may be emptied; not one that has a second name, outside of the folder.
 */
async function dropShared(
  Level: LevelClass,
  files: Files,
  path: string,
  check: FolderCheck,
  names: ReadonlyMap<string, Details>,
): Promise<void> {
  const live = new Set(liveNames(check));
  const shared = [...names].filter(([name, { links }]) => links > 1 && isNumbered(name) && !live.has(name));
  if (shared.length === 0) return;
  const release = await holdLock(Level, files, path);
  try {
    for (const [name] of shared) await files.remove(`${path}/${name}`);
  } finally {
    await release();
  }
}
