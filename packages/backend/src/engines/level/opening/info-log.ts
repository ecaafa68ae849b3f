/**
 * What LevelDB's own log of events says about the opening that has just ended: did it read all of its logs?
 *
 * LevelDB tells nobody else. It goes on after an error in a log as if the log ended there, or as if there was none.
 *
 * IL1  Each live log is named as one that it began to read, and nothing was ignored but the torn end that our own scan has
 *     found. An error of the system never is.
 * IL2  The log of events is a new file, or it speaks of another opening: LevelDB gives the one before another name. It does
 *     so before it asks for its lock, so somebody else who tries to open the store may take the new one away.
 *
 * LevelDB: db/db_impl.cc, SanitizeOptions, RecoverLogFile and MaybeIgnoreError.
 */
import type { CheckedLog } from './check-folder.ts';
import { errorCode, type Files } from '../files.ts';

/** What an opening writes is far less; a long path in each line of it as well. */
const MOST = 1 << 20;

/** Identity of the log of events, to be asked before LevelDB opens the folder. */
export async function infoLogNow(files: Files, path: string, name = 'LOG'): Promise<string | undefined> {
  return (await files.details(`${path}/${name}`))?.identity;
}

export interface Unread {
  readonly reason: string;
  /** LevelDB says so. Else it says nothing, and somebody else who tried to open the store may have taken its words away. */
  readonly isSaid: boolean;
}

/**
 * @param before what `infoLogNow` said
 * @returns why LevelDB may not have read everything; `undefined` when it has
 */
export async function unreadLog(
  files: Files,
  path: string,
  logs: readonly CheckedLog[],
  before: string | undefined,
): Promise<Unread | undefined> {
  const lines = await linesOf(files, path, before);
  const torn = new Set(logs.filter(({ isTorn }) => isTorn).map(({ name }) => name));
  const ignored = lines.find((line) => isIgnored(line, torn));
  if (ignored !== undefined) return { reason: `LevelDB says: ${ignored}`, isSaid: true };
  const missing = logs.find(({ number }) => !lines.includes(`Recovering log #${number}`));
  return missing && { reason: `LevelDB does not say that it has read ${missing.name}`, isSaid: false };
}

async function linesOf(files: Files, path: string, before: string | undefined): Promise<string[]> {
  let text = '';
  for (const name of ['LOG.old', 'LOG']) {
    const now = await infoLogNow(files, path, name);
    if (now === undefined || now === before) continue;
    try {
      text += Buffer.from(await files.readStart(`${path}/${name}`, MOST)).toString('latin1');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error; // somebody else has just taken it away
    }
  }
  return text.split('\n').map((line) => line.replace(/^\S+ [0-9a-f]+ /, ''));
}

function isIgnored(line: string, torn: ReadonlySet<string>): boolean {
  if (line.startsWith('Ignoring error ')) return true;
  if (!line.startsWith('(ignoring error) ')) return false;
  const name = /(?<=\/)\d+\.log(?=: dropping \d+ bytes; Corruption: )/.exec(line)?.[0];
  return name === undefined || !torn.has(name);
}
