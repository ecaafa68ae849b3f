/**
 * Reads a store's files before LevelDB opens them: LevelDB takes what it can read for all there is (R66, R69).
 *
 * F1  Looking changes nothing. The torn end of a MANIFEST is to be cut off by the caller, when everything else was
 *     found whole: LevelDB would refuse the folder a crash left so.
 * F2  Torn is only the end of the newest log that holds anything. Anything else that is bad is damage, and so is a
 *     file that is missing, empty or of another length than the MANIFEST says.
 * F3  Memory is bounded by the largest commit; the event loop runs between reads.
 */
import { BatchSequence } from './batch-scan.ts';
import { corruptError, lockedError } from './failure.ts';
import { errorCode, type Files } from './files.ts';
import { scanLog } from './log-scan.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { findTableDamage } from './table-scan.ts';

const TABLES_AT_ONCE = 16;
/** Enough that one is read while another is summed up; each takes a mebibyte. */
const VERIFIED_AT_ONCE = 3;

export interface FolderCheck {
  /** Sequence number of the newest operation that LevelDB will find. */
  readonly lastSequence: number;
  /** Paths of the live tables. */
  readonly tables: readonly string[];
  readonly warnings: readonly string[];
  readonly tornManifest: TornManifest | undefined;
}

export interface TornManifest {
  readonly path: string;
  /** As it was found. */
  readonly length: number | undefined;
  readonly goodLength: number;
}

/** @throws BackendError `BACKEND_CORRUPT` with file and place */
export async function checkFolder(files: Files, folder: string, verify: boolean): Promise<FolderCheck> {
  const path = await manifestPath(files, folder);
  const length = await files.length(path);
  const { manifest, end } = await readManifest(files, path);
  if (end.bad !== undefined && !end.bad.torn) throw corruptError(path, `${end.bad.reason} at ${end.bad.offset}`);
  const { logNumber, lastSequence, nextFile } = manifest;
  if (logNumber === undefined || lastSequence === undefined || nextFile === undefined) {
    throw corruptError(path, 'it is empty or has lost its beginning');
  }
  const names = new Set(await files.names(folder));
  const tables = await checkTables(files, folder, names, manifest, verify);
  const logs = await checkLogs(files, folder, names, logNumber, manifest);
  const tornManifest = end.bad === undefined ? undefined : { path, length, goodLength: end.goodLength };
  return { lastSequence: Math.max(lastSequence, logs.lastSequence), tables, warnings: logs.warnings, tornManifest };
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
    await files.truncate(path, goodLength);
  } catch (error) {
    throw errorCode(error) === 'ENOENT' ? lockedError(folder, error) : error;
  }
  return `${path} had an incomplete end at ${goodLength}, as after a crash; it was cut off, nothing is lost`;
}

async function manifestPath(files: Files, folder: string): Promise<string> {
  const current = `${folder}/CURRENT`;
  if ((await files.length(current)) === undefined) throw corruptError(current, 'it is missing');
  const text = Buffer.from(await files.readAll(current)).toString('latin1');
  if (!/^MANIFEST-\d+\n$/.test(text)) throw corruptError(current, 'it names no MANIFEST');
  const path = `${folder}/${text.trim()}`;
  if ((await files.length(path)) === undefined) throw corruptError(path, 'it is missing');
  return path;
}

async function checkTables(
  files: Files,
  folder: string,
  names: ReadonlySet<string>,
  { tables }: Manifest,
  verify: boolean,
): Promise<string[]> {
  const waiting = [...tables];
  const paths: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [number, length] = next;
      const base = String(number).padStart(6, '0');
      const name = names.has(`${base}.ldb`) || !names.has(`${base}.sst`) ? `${base}.ldb` : `${base}.sst`;
      const path = `${folder}/${name}`;
      paths.push(path);
      if (!names.has(name)) throw corruptError(path, 'it is missing');
      const found = await files.length(path);
      if (found !== length) throw corruptError(path, `it has ${found} bytes and should have ${length}`);
      const damage = await findTableDamage(files, path, verify);
      if (damage !== undefined) throw corruptError(path, damage);
    }
  };
  await Promise.all(Array.from({ length: verify ? VERIFIED_AT_ONCE : TABLES_AT_ONCE }, work));
  return paths;
}

async function checkLogs(
  files: Files,
  folder: string,
  names: ReadonlySet<string>,
  logNumber: number,
  { previousLog, sequenceBefore }: Manifest,
): Promise<{ readonly lastSequence: number; readonly warnings: readonly string[] }> {
  const logs = [...names]
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, number: Number.parseInt(name, 10) }))
    .filter(({ number }) => number >= logNumber || (number === previousLog && number !== 0))
    .toSorted((a, b) => a.number - b.number);
  if (!logs.some(({ number }) => number === logNumber)) {
    throw corruptError(`${folder}/${String(logNumber).padStart(6, '0')}.log`, 'it is missing');
  }
  const sequence = new BatchSequence(sequenceBefore);
  const warnings: string[] = [];
  let torn: { readonly path: string; readonly place: string } | undefined;
  for (const { name } of logs) {
    const path = `${folder}/${name}`;
    const { bad, batches } = await scanLog(files, path, sequence);
    if (torn !== undefined && (batches > 0 || bad !== undefined)) {
      throw corruptError(torn.path, `${torn.place}, and it is not the newest log`);
    }
    if (bad === undefined) continue;
    const place = `${bad.reason} at ${bad.offset}`;
    if (!bad.torn) throw corruptError(path, place);
    torn = { path, place };
    warnings.push(`The last commit in ${path} is incomplete (${place}) and was left out, as after a crash`);
  }
  return { lastSequence: sequence.last, warnings };
}
