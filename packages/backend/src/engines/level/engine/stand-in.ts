/**
 * A second LevelDB that shows the store's newest state while the first one is closed and opened again.
 *
 * SI1  It has second names of the store's files in a folder of its own, so it takes no room and its lock is its own. What it
 *      merges or deletes there stays there.
 * SI2  Nothing is written to it. It goes when nobody reads from it any more, and its folder is litter from the beginning:
 *      the next opening removes what a crash leaves of it.
 */
import { BackendError } from '../../../contract/errors.ts';
import { checkFolder } from '../opening/check-folder.ts';
import type { Level, LevelClass } from '../driver.ts';
import type { Files } from '../files.ts';
import { copyState } from '../opening/kept.ts';
import { LITTER } from '../names.ts';
import type { DriverSettings } from '../opening/open-checked.ts';
import { readSystemRows } from '../opening/system-rows.ts';

const TRIES = 5;

export interface StandIn {
  readonly level: Level;
  readonly path: string;
  close(): Promise<void>;
}

/** @param counter of the newest commit, which it must show; no commit begins meanwhile */
export async function openStandIn(
  Level: LevelClass,
  files: Files,
  path: string,
  settings: DriverSettings,
  counter: number,
): Promise<StandIn> {
  const folder = `${path}/${LITTER}${files.random.unique()}`;
  await copyStill(files, path, folder);
  const level: Level = new Level(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: false,
    compression: false,
    cacheSize: settings.cacheBytes,
    writeBufferSize: settings.writeBufferBytes,
  });
  const close = async (): Promise<void> => {
    try {
      await level.close();
    } finally {
      await files.remove(folder).catch(() => undefined); // litter, for the next open to remove
    }
  };
  try {
    await level.open();
    const { commit } = await readSystemRows(level, folder);
    if (commit.counter === counter) return { level, path: folder, close };
    throw new BackendError('BACKEND_FAILED', `A second opening of ${path} does not show the newest commit`, { path });
  } catch (error) {
    await close().catch(() => undefined); // the first error is the one to hear of
    throw error;
  }
}

/** LevelDB merges tables on its own, and then removes some: what was not there any more is looked up again. */
async function copyStill(files: Files, path: string, folder: string): Promise<void> {
  for (let left = TRIES; ; left--) {
    try {
      return await copyState(files, path, await checkFolder(files, path, 'lengths'), folder);
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
