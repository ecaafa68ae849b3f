/**
 * One writer a store on one machine, with nothing installed: the holder listens on a socket in a folder beside the store.
 *
 * Who wants the store makes a socket with a name that nobody ever had, and only then looks who else is there. Whoever sees
 * no other living socket holds the store, until it closes its own or dies. Of two that come at the same time each has
 * shown itself before it looks, so at least the later one sees the other: never two holders. Whether a socket lives is
 * asked of the kernel, by calling it: that works for stopped and busy processes, and across PID and network namespaces,
 * because a socket in a folder is found by its inode.
 *
 *   NAME.lock/new-THING-RANDOM-PID-SPACE    being made; nobody calls it
 *   NAME.lock/at-THING-RANDOM-PID-SPACE     a contender or the holder; it listens
 *   NAME.lock/held-THING-RANDOM-PID-SPACE   an empty file: that contender has won
 *
 * All words after the first are hexadecimal or base 36. THING tells apart what may be held side by side under one name: a file
 * and the one that has taken its place. SPACE is the PID namespace in which PID counts.
 *
 * STR1  Shown means listening: a socket is bound and listens under `new-` before it is renamed to `at-`. From then on it
 *     refuses calls only when its process has closed it or is gone.
 * STR2  Shown before looked: the list that lets a contender in is read after its own name stood in the same folder, and the
 *     folder must still have its name then. A folder with a name in it cannot be removed, and a removed one takes none.
 * STR3  No name comes again, so a socket that refused a call will never answer one, and anybody may remove it at any time,
 *     several at once as well. What dies at any point leaves names that stand for nothing.
 * STR4  In doubt it lives: only a refused call or a missing name is taken for dead, never a right that we lack.
 * STR5  `held-` decides nothing. It lets others be told at once instead of waiting for the end of a contest, and it is
 *     removed before its socket closes. A contender that sees others without it stays if its name is the least, else it
 *     withdraws and comes again after a pause: so of those that meet, one is always left, and newcomers wait for it.
 *     A contest in which somebody stands still ends after a while, with nobody let in.
 * STR6  Names under `new-` may be swept by the holder while they are being made: the maker finds its own gone and begins
 *     anew.
 * STR7  The holder is known by what it is, not by its process: a second taker in the same process, or in another thread of
 *     it, is refused like any other.
 * STR8  Nobody holds who would not be seen: the list that lets a contender in must have its own name, too, and a call of its own
 *     socket must be answered. Else this is no place for sockets (a file system, a runtime), and that is said.
 *
 * It does not reach other machines, nor two that see the store under different names in different folders; who needs the
 * lock must know that (`file-lock.ts`).
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import type { Server } from 'node:net';
import type { Busy, Foreign, LockAnswer, LockRequest, StoreLock, StoreRights } from '../locks.ts';
import { nodeClock } from './clock.ts';
import { codeOf, isPassing, LockFolder, shareSocket, type NoFolder } from './lock-folder.ts';
import { takePipe } from './lock-pipe.ts';
import { fitsSocket } from './lock-place.ts';
import { listenAt, signOf } from './lock-socket.ts';
import { pidSpace } from './pid-space.ts';

export { lockFolderBeside } from './lock-place.ts';

/** A contest, and those who wait for one to end, give up after this; nobody is let in then. */
const PATIENCE_MS = 3000;
const PAUSE_MS = 8;
const NAME = /^at-(([0-9a-z]+)-[0-9a-f]{16}-([0-9a-z]+)-([0-9a-z]+))$/;

const { now, pause: wait } = nodeClock;

interface Rival {
  readonly name: string;
  readonly who: string;
  readonly isHolder: boolean;
}

interface Sight {
  readonly rivals: readonly Rival[];
  /** Whether we are there ourselves, alive (STR8). */
  readonly isSeen: boolean;
}

type Attempt = LockAnswer | { readonly kind: 'again'; readonly who: string };

/** Takes the lock, or says who has it. Rejects with the signal's reason, and when there are no descriptors or no memory. */
export async function takeStoreLock(request: LockRequest): Promise<LockAnswer> {
  const { folder, thing, signal } = request;
  if (process.platform === 'win32') {
    const answer = await takePipe(folder, thing.toString(36));
    if (answer === 'busy') return { kind: 'busy', holder: 'another process' };
    return 'reason' in answer ? { kind: 'impossible', ...answer } : { kind: 'held', lock: answer };
  }
  const until = now() + PATIENCE_MS;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await attempt(request, until);
    if (answer.kind !== 'again') return answer;
    if (now() > until) return { kind: 'busy', holder: answer.who };
    await wait(pause());
  }
}

/**
 * Who has it, for who only reads: takes nothing, changes nothing, leaves nothing behind. `undefined`: nobody.
 * On Windows a reader is not told.
 */
export async function findHolder({ folder, thing, rights }: LockRequest): Promise<Busy | Foreign | undefined> {
  if (process.platform === 'win32') return undefined;
  const until = now() + PATIENCE_MS;
  for (;;) {
    const opened = LockFolder.open(folder, undefined, [rights.uid]);
    if (!(opened instanceof LockFolder)) {
      if (opened.kind === 'absent' || opened.kind === 'impossible') return undefined;
      return opened.kind === 'hidden' ? { kind: 'busy', holder: unknown(opened.reason) } : foreign(folder, opened);
    }
    let rivals;
    try {
      ({ rivals } = await look(opened, thing, undefined));
    } finally {
      opened.close();
    }
    const [first] = rivals;
    if (first === undefined) return undefined;
    const holder = rivals.find(({ isHolder }) => isHolder);
    if (holder !== undefined || now() > until) return { kind: 'busy', holder: (holder ?? first).who };
    await wait(pause()); // somebody is about to hold it, or to withdraw
  }
}

async function attempt({ folder: path, thing, rights, signal }: LockRequest, until: number): Promise<Attempt> {
  const folder = LockFolder.open(path, rights, [rights.uid]);
  if (!(folder instanceof LockFolder)) return withoutFolder(path, folder);
  let name: string | undefined;
  let server: Server | undefined;
  let isHeld = false;
  try {
    const before = answerTo((await look(folder, thing, undefined)).rivals);
    if (before !== undefined) return before;
    name = nameOf(thing);
    try {
      server = await show(folder, name, rights);
    } catch (failure) {
      // Our name was swept (STR6), or the folder was removed. Nobody may take that for a place where no socket can be made, and
      // do without. Of a folder that is being removed the kernel shows the name a moment longer than it takes names.
      const error = causeOf(failure, folder.pathOf(`new-${name}`));
      if (codeOf(error) === 'ENOENT' || !folder.isInPlace()) return again();
      if (isPassing(error)) throw error;
      return { kind: 'impossible', reason: `a socket cannot be made in ${path} (${codeOf(error)})` };
    }
    for (;;) {
      const { rivals, isSeen } = await look(folder, thing, name);
      if (rivals.length === 0) {
        if (!folder.isInPlace()) return again();
        if (!isSeen) return { kind: 'impossible', reason: `a socket in ${path} is not seen or does not answer` };
        isHeld = true;
        mark(folder, name);
        return { kind: 'held', lock: new HeldLock(folder, name, server) };
      }
      const answer = answerTo(rivals);
      if (answer?.kind === 'busy') return answer;
      const isFirst = rivals.every((rival) => rival.name > `at-${name}`);
      if (!isFirst || now() > until) return answer ?? again();
      signal?.throwIfAborted();
      await wait(pause());
    }
  } finally {
    if (!isHeld) {
      server?.close();
      if (name !== undefined) for (const word of ['at', 'new']) folder.remove(`${word}-${name}`);
      folder.leave();
    }
  }
}

/** STR1. Rejects with the system's error. */
async function show(folder: LockFolder, name: string, rights: StoreRights): Promise<Server> {
  const hidden = folder.pathOf(`new-${name}`);
  if (!fitsSocket(hidden)) throw Object.assign(new Error('its path is too long'), { code: 'ENAMETOOLONG' });
  const server = await listenAt(hidden);
  try {
    shareSocket(hidden, rights);
    fs.renameSync(hidden, folder.pathOf(`at-${name}`));
    return server;
  } catch (error) {
    server.close();
    throw error;
  }
}

/** The system's own word for why a socket was not made at `path`: libuv says EACCES for ENOENT, too, and the same name for a file tells them apart. */
function causeOf(error: unknown, path: string): unknown {
  if (codeOf(error) !== 'EACCES') return error;
  try {
    fs.closeSync(fs.openSync(path, 'wx', 0o600));
    fs.unlinkSync(path);
    return error;
  } catch (cause) {
    return cause;
  }
}

/** The others that want or have the thing. Who has shown itself removes the names of the dead on the way, others change nothing. */
async function look(folder: LockFolder, thing: bigint, own: string | undefined): Promise<Sight> {
  const rivals: Rival[] = [];
  const names = new Set(folder.list());
  for (const name of names) {
    const [, rest = '', its = '', pid = '', space = ''] = NAME.exec(name) ?? [];
    const isRival = its === thing.toString(36);
    if (rest === '' || rest === own || !(isRival || own !== undefined) || !folder.isSocket(name)) continue;
    const sign = await signOf(folder.pathOf(name));
    if (sign === 'dead' && own !== undefined) for (const word of ['held', 'at']) folder.remove(`${word}-${rest}`);
    if (!isRival || sign === 'dead' || sign === 'gone') continue;
    rivals.push({ name, who: describe(pid, space), isHolder: names.has(`held-${rest}`) });
  }
  const self = `at-${own}`;
  const isSeen = names.has(self) && folder.isSocket(self) && (await signOf(folder.pathOf(self))) === 'alive';
  return { rivals, isSeen };
}

function answerTo(rivals: readonly Rival[]): Busy | { readonly kind: 'again'; readonly who: string } | undefined {
  const holder = rivals.find(({ isHolder }) => isHolder);
  if (holder !== undefined) return { kind: 'busy', holder: holder.who };
  const [first] = rivals;
  return first === undefined ? undefined : { kind: 'again', who: first.who };
}

function again(): { readonly kind: 'again'; readonly who: string } {
  return { kind: 'again', who: 'processes that come and go' };
}

function withoutFolder(path: string, found: NoFolder): Attempt {
  if (found.kind === 'absent') return again();
  if (found.kind === 'hidden') return { kind: 'again', who: unknown(found.reason) };
  return found.kind === 'foreign' ? foreign(path, found) : found;
}

function foreign(
  path: string,
  { what, reason }: { readonly what: 'file' | 'other'; readonly reason: string },
): Foreign {
  return { kind: 'foreign', what, reason: `${path} ${reason}` };
}

function unknown(reason: string): string {
  return `somebody who cannot be asked, or by nobody: ${reason}`;
}

/** STR5, and sweeps what those left who died while they were at it. */
function mark(folder: LockFolder, own: string): void {
  try {
    fs.closeSync(fs.openSync(folder.pathOf(`held-${own}`), 'wx', 0o600));
    const names = new Set(folder.list());
    for (const name of names) {
      const left = name.startsWith('held-') && !names.has(`at-${name.slice('held-'.length)}`);
      if (left || name.startsWith('new-')) folder.remove(name);
    }
  } catch {
    // A full disk, perhaps: others are told a little later that it is held.
  }
}

class HeldLock implements StoreLock {
  readonly #folder: LockFolder;
  readonly #name: string;
  #server: Server | undefined;

  constructor(folder: LockFolder, name: string, server: Server) {
    this.#folder = folder;
    this.#name = name;
    this.#server = server;
  }

  release(): void {
    if (this.#server === undefined) return;
    this.#folder.remove(`held-${this.#name}`);
    this.#server.close();
    this.#server = undefined;
    this.#folder.remove(`at-${this.#name}`);
    this.#folder.leave();
  }
}

/** A name that nobody ever had. */
function nameOf(thing: bigint): string {
  return `${thing.toString(36)}-${randomBytes(8).toString('hex')}-${process.pid.toString(36)}-${pidSpace()}`;
}

function describe(pid: string, space: string): string {
  const number = Number.parseInt(pid, 36);
  if (space !== pidSpace()) return `process ${number} of another container (PID namespace)`;
  return number === process.pid ? `this process (${number})` : `process ${number}`;
}

function pause(): number {
  return 1 + ((randomBytes(1)[0] as number) % PAUSE_MS);
}
