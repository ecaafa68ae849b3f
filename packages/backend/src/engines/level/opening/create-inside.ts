/**
 * Making a store in a folder that is there already: an empty one, or a new file system with its `lost+found`. Such a folder
 * may be a mount point, which cannot be replaced, and the one above it need not be ours to write.
 *
 * CRT1  The store is made whole in a folder below. Its marker, which says what that folder is called, then gets its name in
 *     the store's folder, which only one can give; from then on there is a store.
 * CRT2  The other files are moved after it. Whoever opens the store brings that to its end first: each file is moved once,
 *     by whoever comes first.
 * CRT3  The store's folder is left to its owner, as far as we may say so (R126).
 */
import type { LevelClass } from '../driver.ts';
import { writeNewStore } from './create.ts';
import { errorCode, type Files } from '../files.ts';
import { readPlace } from './marker.ts';
import { isOfStore, LITTER, MAKING, MARKER } from '../names.ts';

/** @param path a folder with nothing in it that says what it is for */
export async function createInside(Level: LevelClass, files: Files, path: string): Promise<void> {
  const unique = files.random.unique();
  const litter = `${path}/${LITTER}${unique}`;
  const made = `${path}/${MAKING}${unique}`;
  try {
    await writeNewStore(Level, files, litter, unique);
    await files.rename(litter, made);
    await files.syncFolder(path);
    await publish(files, `${made}/${MARKER}`, `${path}/${MARKER}`);
  } catch (error) {
    await Promise.allSettled([files.remove(litter), files.remove(made)]); // the next open tries again
    if (errorCode(error) === 'EEXIST') return; // somebody else was first, and it is theirs
    throw error;
  }
  await files.setMode(path, 0o700).catch(() => undefined);
  await finishInside(files, path);
}

async function publish(files: Files, from: string, to: string): Promise<void> {
  try {
    await files.hardLink(from, to);
  } catch (error) {
    if (errorCode(error) === 'EEXIST' || (await files.kind(to)) !== undefined) throw error;
    await files.rename(from, to); // a file system without second names: the first does not win, the last does
  }
}

/** Moves what is still to be moved. Any number of callers may do so at once. */
export async function finishInside(files: Files, path: string): Promise<void> {
  const unique = await readPlace(files, path);
  if (unique === undefined) return;
  const made = `${path}/${MAKING}${unique}`;
  if ((await files.kind(made)) === undefined) return;
  for (const name of await namesIn(files, made)) {
    if (isOfStore(name) && name !== MARKER) await move(files, `${made}/${name}`, `${path}/${name}`);
  }
  await files.syncFolder(path);
  await files.remove(made);
}

async function namesIn(files: Files, folder: string): Promise<string[]> {
  return files.names(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
}

async function move(files: Files, from: string, to: string): Promise<void> {
  try {
    await files.rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
