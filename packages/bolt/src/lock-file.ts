/**
 * The lock that stands in for flock(2): a file beside the file, which says who holds it.
 *
 *   PATH.lock     process id, start time of the process, a random name: `4711 80815 6f1c…`
 *
 * L1  It appears with all of its text, by a link, and belongs to who made it for as long as that process lives.
 * L2  Who takes over from a dead holder first takes such a lock on that very holding, named by its text, and exchanges
 *     the file in one step if it still says the same. No text comes again, so who looked long ago takes nothing from
 *     a successor.
 * L3  Without hard links there is a moment in which the file is there and its text is not; two that meet in it may both
 *     go on. What a death leaves besides `PATH.lock` has the name of a leftover, and is removed as one.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { FileLock } from './file-lock.ts';

/** How often the lock may be let go and taken by others while we look. */
const MOST_ATTEMPTS = 10;
/** What file systems without hard links say. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * The lock of the file `target`; `undefined` while somebody else has it. Same tick.
 * @param unique gives a name that nothing else in the world has
 */
export function takeLockFile(target: string, unique: () => string): FileLock | undefined {
  return take(target, `${target}.lock`, unique);
}

/** Whether somebody has the lock of the file `target`; for who does not take it. Changes nothing. */
export function isLockFileHeld(target: string): boolean {
  const found = textOf(`${target}.lock`);
  return found !== undefined && holderLives(found);
}

function take(target: string, name: string, unique: () => string): FileLock | undefined {
  const draft = `${target}.varve-${unique()}.tmp`;
  const mine = `${process.pid} ${startOf(process.pid) ?? ''} ${unique()}\n`;
  fs.writeFileSync(draft, mine, { flag: 'wx', mode: 0o600 });
  try {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      if (publish(draft, name) || takeOver(target, draft, name, unique)) {
        return { byName: true, release: () => fs.rmSync(name, { force: true }) };
      }
      const found = textOf(name);
      if (found !== undefined && holderLives(found)) return undefined;
    }
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !fs.existsSync(draft)) return undefined; // the holder has tidied up
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Gives the draft its name; false if the name is taken. */
function publish(draft: string, name: string): boolean {
  try {
    fs.linkSync(draft, name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!NO_LINKS.has(codeOf(error))) throw error;
  }
  try {
    fs.copyFileSync(draft, name, fs.constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Puts the draft in the place of a dead holder's file; false if there is none, or somebody else is at it. */
function takeOver(target: string, draft: string, name: string, unique: () => string): boolean {
  const found = textOf(name);
  if (found === undefined || holderLives(found)) return false;
  const digest = createHash('sha256').update(found).digest('hex').slice(0, 32);
  const claim = take(target, `${target}.varve-${digest}.tmp`, unique);
  if (claim === undefined) return false;
  try {
    if (textOf(name) !== found) return false;
    fs.renameSync(draft, name);
    return true;
  } finally {
    claim.release();
  }
}

function textOf(name: string): string | undefined {
  try {
    return fs.readFileSync(name, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function holderLives(text: string): boolean {
  const [pid = '', start = ''] = text.trim().split(' ');
  const holder = Number(pid);
  if (!Number.isInteger(holder) || holder <= 0) return false;
  try {
    process.kill(holder, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
  return start === '' || start === startOf(holder);
}

/** When the process began, in the kernel's own unit: a process id is used again, the pair is not. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
