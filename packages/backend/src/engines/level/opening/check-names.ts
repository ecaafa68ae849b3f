/**
 * Looks at every name of a store's folder before anything in it is opened.
 *
 * A folder may come out of an archive that a stranger made. LevelDB opens and overwrites names that it has not used yet, and
 * would follow a link out of the folder, wait for a FIFO, or read a device for ever.
 *
 * CHC1  Whatever LevelDB or this engine may open, now or later, is a regular file; a folder of ours holds nothing else.
 * CHC2  Nothing else in the folder is looked at, or touched.
 */
import { corruptError } from '../failure.ts';
import type { Details, Files, Kind } from '../files.ts';
import { isOfStore, isTemporary } from '../names.ts';

const AT_ONCE = 16;

/**
 * @returns what each name of the store is
 * @throws BackendError `BACKEND_CORRUPT`, which names the file
 */
export async function checkNames(files: Files, folder: string): Promise<ReadonlyMap<string, Details>> {
  const found = new Map<string, Details>();
  await inTurns(await files.names(folder), async (name) => {
    const path = `${folder}/${name}`;
    if (isTemporary(name)) {
      const details = await demand(files, path, ['folder', 'file']);
      if (details?.kind !== 'folder') return;
      await inTurns(await namesIn(files, path), (inner) => demand(files, `${path}/${inner}`, ['file']));
    } else if (isOfStore(name)) {
      const details = await demand(files, path, ['file']);
      if (details !== undefined) found.set(name, details);
    }
  });
  return found;
}

/** Runs `work` on every item, some at once. */
export async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.toReversed();
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function namesIn(files: Files, folder: string): Promise<string[]> {
  try {
    return await files.names(folder);
  } catch (error) {
    if ((await files.kind(folder)) === undefined) return []; // another opening has removed it since
    throw error;
  }
}

async function demand(files: Files, path: string, kinds: readonly Kind[]): Promise<Details | undefined> {
  const found = await files.details(path);
  if (found === undefined || kinds.includes(found.kind)) return found;
  throw corruptError(path, `it is ${WORDS[found.kind]}, and a store has only files of its own`);
}

const WORDS: { readonly [kind in Kind]: string } = {
  file: 'a file',
  folder: 'a folder',
  link: 'a symbolic link',
  special: 'neither a file nor a folder',
};
