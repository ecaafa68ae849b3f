/**
 * Reads a store's files before LevelDB opens them: LevelDB takes what it can read for all there is (R66, R69).
 *
 * CF1  Looking changes nothing. The torn end of a MANIFEST is to be cut off by the caller, when everything else was
 *     found whole: LevelDB would refuse the folder a crash left so.
 * CF2  Torn is only the end of the newest log that holds anything. Anything else that is bad is damage, and so is a
 *     file that is missing, empty or of another length than the MANIFEST says.
 * CF3  Memory is bounded by the largest commit; the event loop runs between reads.
 */
import { BatchSequence } from './check-batch.ts';
import { corruptError, lockedError } from '../failure.ts';
import { errorCode, type Files } from '../files.ts';
import { scanLog } from './check-log.ts';
import { readManifest, type Begun, type Manifest } from './manifest.ts';
import { LITTER } from '../names.ts';
import { findTableDamage } from './check-table.ts';

const TABLES_AT_ONCE = 16;
/** Enough that one is read while another is summed up; each takes a mebibyte. */
const VERIFIED_AT_ONCE = 3;
/** More than any `CURRENT` has. */
const CURRENT_BYTES = 64;

export interface FolderCheck {
  /** Sequence number of the newest operation that LevelDB will find. */
  readonly lastSequence: number;
  /** Name of the newest MANIFEST. */
  readonly manifest: string;
  /** Names of the live tables. */
  readonly tables: readonly string[];
  /** Length of each live table, by file number. */
  readonly tableLengths: ReadonlyMap<number, number>;
  readonly logs: readonly CheckedLog[];
  readonly warnings: readonly string[];
  readonly tornManifest: TornManifest | undefined;
}

/** A live log: LevelDB puts it into tables as it opens. */
export interface CheckedLog {
  readonly name: string;
  readonly number: number;
  readonly length: number;
  /** Operations in it. */
  readonly operations: number;
  readonly isTorn: boolean;
}

/** How closely tables are looked at: every block, the parts that tell of the others, or the length. */
export type Thoroughness = 'blocks' | 'parts' | 'lengths';

/** Names of everything that makes up the state a check has found. */
export function liveNames({ manifest, tables, logs }: FolderCheck): string[] {
  return ['CURRENT', manifest, ...logs.map(({ name }) => name), ...tables];
}

export interface TornManifest {
  readonly path: string;
  /** As it was found. */
  readonly length: number | undefined;
  readonly goodLength: number;
}

/**
 * @param elsewhere where tables may lie that are not in the folder
 * @throws BackendError `BACKEND_CORRUPT` with file and place
 */
export async function checkFolder(
  files: Files,
  folder: string,
  thoroughness: Thoroughness,
  elsewhere?: string,
): Promise<FolderCheck> {
  const path = await manifestPath(files, folder);
  const length = await files.length(path);
  const { manifest, end } = await readManifest(files, path);
  if (end.bad !== undefined && !end.bad.torn) throw corruptError(path, `${end.bad.reason} at ${end.bad.offset}`);
  const { logNumber, lastSequence, nextFile } = manifest;
  if (logNumber === undefined || lastSequence === undefined || nextFile === undefined) {
    throw corruptError(path, 'it is empty or has lost its beginning');
  }
  const names = new Set(await files.names(folder));
  const tables = await checkTables(
    files,
    [folder, ...(elsewhere === undefined ? [] : [elsewhere])],
    manifest,
    thoroughness,
  );
  const { logs, warnings, lastOperation } = await checkLogs(files, folder, names, logNumber, manifest);
  return {
    lastSequence: Math.max(lastSequence, lastOperation),
    manifest: path.slice(folder.length + 1),
    tables,
    tableLengths: manifest.tables,
    logs,
    warnings,
    tornManifest: end.bad === undefined ? undefined : { path, length, goodLength: end.goodLength },
  };
}

/**
 * Cuts the torn end off, for who has asked that nobody has the store open after it was found torn. Whoever opens it
 * since can only have cut it at the same place, and does not write to it: LevelDB begins a MANIFEST under a new name.
 * @returns the warning @throws BackendError `BACKEND_LOCKED` when somebody has had the store open meanwhile
 */
export async function cutManifest(files: Files, folder: string, torn: TornManifest): Promise<string> {
  const { path, length, goodLength } = torn;
  if ((await manifestPath(files, folder)) !== path) throw lockedError(folder);
  const found = await files.length(path);
  if (found !== length && found !== goodLength) throw lockedError(folder);
  try {
    // A file with two names is some copy's as well, and would be cut there too.
    const isShared = ((await files.details(path))?.links ?? 1) > 1;
    const cut = isShared ? `${folder}/${LITTER}${files.random.unique()}` : path;
    if (isShared) await files.copy(path, cut);
    await files.truncate(cut, goodLength);
    if (isShared) await files.rename(cut, path);
  } catch (error) {
    throw errorCode(error) === 'ENOENT' ? lockedError(folder, error) : error;
  }
  return `${path} had an incomplete end at ${goodLength}, as after a crash; it was cut off, nothing is lost`;
}

/** What LevelDB found when it last opened the folder. */
export async function readBegun(files: Files, folder: string): Promise<Begun> {
  return (await readManifest(files, await manifestPath(files, folder))).begun;
}

async function manifestPath(files: Files, folder: string): Promise<string> {
  const current = `${folder}/CURRENT`;
  if ((await files.length(current)) === undefined) throw corruptError(current, 'it is missing');
  const text = Buffer.from(await files.readStart(current, CURRENT_BYTES)).toString('latin1');
  if (!/^MANIFEST-\d+\n$/.test(text)) throw corruptError(current, 'it names no MANIFEST');
  const path = `${folder}/${text.trim()}`;
  if ((await files.length(path)) === undefined) throw corruptError(path, 'it is missing');
  return path;
}

async function checkTables(
  files: Files,
  folders: readonly string[],
  { tables }: Manifest,
  thoroughness: Thoroughness,
): Promise<string[]> {
  const names = await Promise.all(folders.map(async (folder) => new Set(await files.names(folder))));
  const waiting = [...tables];
  const found: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [number, length] = next;
      const base = String(number).padStart(6, '0');
      const endings = ['ldb', 'sst'].map((ending) => `${base}.${ending}`);
      const at = names.findIndex((present) => endings.some((name) => present.has(name)));
      if (at < 0) throw corruptError(`${folders[0]}/${base}.ldb`, 'it is missing');
      const name = endings.find((ending) => names[at]?.has(ending)) as string;
      found.push(name);
      await checkTable(files, `${folders[at]}/${name}`, length, thoroughness);
    }
  };
  const atOnce = thoroughness === 'blocks' ? VERIFIED_AT_ONCE : TABLES_AT_ONCE;
  await Promise.all(Array.from({ length: atOnce }, work));
  return found;
}

async function checkTable(files: Files, path: string, length: number, thoroughness: Thoroughness): Promise<void> {
  const found = await files.length(path);
  if (found !== length) throw corruptError(path, `it has ${found} bytes and should have ${length}`);
  if (thoroughness === 'lengths') return;
  const damage = await findTableDamage(files, path, thoroughness === 'blocks');
  if (damage !== undefined) throw corruptError(path, damage);
}

async function checkLogs(
  files: Files,
  folder: string,
  names: ReadonlySet<string>,
  logNumber: number,
  { previousLog, sequenceBefore }: Manifest,
): Promise<{
  readonly logs: readonly CheckedLog[];
  readonly lastOperation: number;
  readonly warnings: readonly string[];
}> {
  const live = [...names]
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, number: Number.parseInt(name, 10) }))
    .filter(({ number }) => number >= logNumber || (number === previousLog && number !== 0))
    .toSorted((a, b) => a.number - b.number);
  if (!live.some(({ number }) => number === logNumber)) {
    throw corruptError(`${folder}/${String(logNumber).padStart(6, '0')}.log`, 'it is missing');
  }
  const sequence = new BatchSequence(sequenceBefore);
  const logs: CheckedLog[] = [];
  const warnings: string[] = [];
  let torn: { readonly path: string; readonly place: string } | undefined;
  for (const { name, number } of live) {
    const path = `${folder}/${name}`;
    const before = sequence.operations;
    const { bad, batches, length } = await scanLog(files, path, sequence);
    logs.push({ name, number, length, operations: sequence.operations - before, isTorn: bad !== undefined });
    if (torn !== undefined && (batches > 0 || bad !== undefined)) {
      throw corruptError(torn.path, `${torn.place}, and it is not the newest log`);
    }
    if (bad === undefined) continue;
    const place = `${bad.reason} at ${bad.offset}`;
    if (!bad.torn) throw corruptError(path, place);
    torn = { path, place };
    warnings.push(`The last commit in ${path} is incomplete (${place}) and was left out, as after a crash`);
  }
  return { logs, lastOperation: sequence.last, warnings };
}
