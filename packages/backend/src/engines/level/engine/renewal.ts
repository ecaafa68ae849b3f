/**
 * Has LevelDB begin a new MANIFEST and a new log of events, which it does only as it opens a folder.
 *
 * Everything lies in tables and no commit begins meanwhile, so it opens to the very state that it was closed with; it is
 * checked as at any opening (`open-checked.ts`), tables by their length alone.
 */
import { BackendError } from '../../../contract/errors.ts';
import { checkFolder } from '../opening/check-folder.ts';
import type { Level, LevelClass } from '../driver.ts';
import { readMark } from './durable-mark.ts';
import type { Files } from '../files.ts';
import { openChecked, type DriverSettings } from '../opening/open-checked.ts';
import type { CommitPosition } from './write-commit.ts';

export interface Reopening {
  readonly Level: LevelClass;
  readonly files: Files;
  readonly path: string;
  readonly settings: DriverSettings;
  /** Of the newest commit. */
  readonly position: CommitPosition;
}

/** @throws the system's error, or BackendError; the folder is whole then, and LevelDB is closed */
export async function reopen(level: Level, { Level, files, path, settings, position }: Reopening): Promise<Level> {
  await level.close();
  const check = await checkFolder(files, path, 'lengths');
  const told = await readMark(files, path);
  const acknowledged = typeof told === 'number' ? told : 0;
  const opened = await openChecked(Level, files, path, settings, { ...check, acknowledged });
  if (opened.commit.counter === position.counter) return opened.level;
  await opened.level.close();
  throw new BackendError('BACKEND_FAILED', `${path} has changed while LevelDB opened it again`, { path });
}
