/**
 * The folder in which the holders of a store meet: made when it is missing, removed when it is empty.
 *
 * LF1  What is at its path is looked at without following it, and anything but a folder is left as it is: a link, a pipe, a
 *     device, a file. So is a folder that belongs to somebody who is neither root nor us nor the store's owner: its owner
 *     could take our socket away.
 * LF2  On Linux all goes through our descriptor of it, `/proc/self/fd/N/name`: that is short, however long the path is, and
 *     always the folder that was looked at, whatever has its name by now. A folder that was removed meanwhile takes no
 *     new names (ENOENT). Elsewhere it goes by its path, or, where that is too long, by a short link to it.
 * LF3  Who may read the store may see who holds it, and who may write it may hold it: folder and sockets follow the store's
 *     rights and owner, as far as the system lets us.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { StoreRights } from '../locks.ts';
import { fitsSocket } from './lock-place.ts';

/** Why there is no folder to meet in. */
export type NoFolder =
  /** There is none, or it went away or came this very moment. */
  | { readonly kind: 'absent' }
  /** Something that is not ours is in its place; `reason` is the predicate of a sentence. */
  | { readonly kind: 'foreign'; readonly what: 'file' | 'other'; readonly reason: string }
  /** We are not let in. */
  | { readonly kind: 'hidden'; readonly reason: string }
  /** None can be made. */
  | { readonly kind: 'impossible'; readonly reason: string };

const SHORT_FOLDER = '/tmp';
/** A process that is short of something now says nothing about what can be done here. */
const PASSING: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);
const HIDDEN: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);
/** The longest name that the protocol gives a socket, with room to spare. */
const LONGEST_NAME = 'x'.repeat(60);

export class LockFolder {
  readonly path: string;
  readonly #fd: number;
  readonly #identity: string;
  /** By which it is reached. */
  readonly #route: string;
  /** The short link, in a folder of its own. */
  readonly #shortcut: string | undefined;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#identity = identityOf(fs.fstatSync(fd, { bigint: true }));
    const byDescriptor = `/proc/self/fd/${fd}`;
    if (process.platform === 'linux' && fs.existsSync(byDescriptor)) this.#route = byDescriptor;
    else if (fitsSocket(join(path, LONGEST_NAME))) this.#route = path;
    else {
      this.#shortcut = fs.mkdtempSync(join(SHORT_FOLDER, 'varve-'));
      this.#route = join(this.#shortcut, 'l');
      fs.symlinkSync(path, this.#route);
    }
  }

  /** @param rights makes it when it is missing, with the rights that follow from these */
  static open(path: string, rights: StoreRights | undefined, owners: readonly number[]): LockFolder | NoFolder {
    if (rights !== undefined) {
      const refused = make(path, rights);
      if (refused !== undefined) return refused;
    }
    let fd: number | undefined;
    try {
      const found = fs.lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined) return { kind: 'absent' };
      if (!found.isDirectory()) {
        return {
          kind: 'foreign',
          what: found.isFile() ? 'file' : 'other',
          reason: `is ${kindOf(found)}, not a folder`,
        };
      }
      const uid = process.geteuid?.();
      if (uid !== undefined && ![0, uid, ...owners].includes(found.uid)) {
        return {
          kind: 'foreign',
          what: 'other',
          reason: `belongs to the user ${found.uid}, who is not the store's owner`,
        };
      }
      fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
      return new LockFolder(path, fd);
    } catch (error) {
      if (fd !== undefined) fs.closeSync(fd);
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return { kind: 'absent' }; // exchanged meanwhile
      if (isPassing(error)) throw error;
      if (HIDDEN.has(code)) return { kind: 'hidden', reason: `${path} may not be looked into (${code})` };
      return { kind: 'impossible', reason: `${path} cannot be opened (${code})` };
    }
  }

  list(): string[] {
    return fs.readdirSync(this.#route);
  }

  /** False also for a name that is gone. By `lstat`, because not every runtime has the kind of a name in its lists. */
  isSocket(name: string): boolean {
    return fs.lstatSync(this.pathOf(name), { throwIfNoEntry: false })?.isSocket() === true;
  }

  pathOf(name: string): string {
    return `${this.#route}/${name}`;
  }

  /** Whether it still has its name. */
  isInPlace(): boolean {
    const found = fs.lstatSync(this.path, { bigint: true, throwIfNoEntry: false });
    return found !== undefined && identityOf(found) === this.#identity;
  }

  /** Removes a name of ours, or does nothing. */
  remove(name: string): void {
    try {
      fs.unlinkSync(this.pathOf(name));
    } catch {
      // Somebody else was faster, or we may not: whose socket answers no call is in nobody's way.
    }
  }

  close(): void {
    if (this.#shortcut !== undefined) fs.rmSync(this.#shortcut, { recursive: true, force: true });
    fs.closeSync(this.#fd);
  }

  /** Closes it, and removes it if nobody else is in it. */
  leave(): void {
    this.close();
    try {
      fs.rmdirSync(this.path);
    } catch {
      // Somebody is in it, or was faster.
    }
  }
}

/** Gives a socket the store's rights (LF3): to call one is to write to it. */
export function shareSocket(path: string, rights: StoreRights): void {
  const read = rights.mode & 0o444;
  giveRights(path, rights, 0o600 | read | (read >> 1));
}

function make(path: string, rights: StoreRights): NoFolder | undefined {
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return undefined;
    if (isPassing(error)) throw error;
    return { kind: 'impossible', reason: `${path} cannot be made (${code})` };
  }
  const { mode } = rights;
  const readable = mode & 0o444;
  giveRights(path, rights, 0o700 | readable | (readable >> 2) | (mode & 0o222));
  return undefined;
}

function giveRights(path: string, { uid, gid }: StoreRights, mode: number): void {
  const ways = [() => fs.chmodSync(path, mode), () => fs.chownSync(path, uid, gid), () => fs.chownSync(path, -1, gid)];
  for (const give of ways) {
    try {
      give();
    } catch {
      // Not ours to give, or swept away: who is not let near it takes it for alive.
    }
  }
}

function kindOf(found: fs.Stats): string {
  if (found.isSymbolicLink()) return 'a link';
  if (found.isFile()) return 'a file';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

function identityOf(found: fs.BigIntStats): string {
  return `${found.dev}:${found.ino}`;
}

export function isPassing(error: unknown): boolean {
  return PASSING.has(codeOf(error));
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
