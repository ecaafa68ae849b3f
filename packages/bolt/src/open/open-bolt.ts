/**
 * Opening: find or make the file, lock it, choose its state, learn what is free.
 *
 * OP1  A path that does not exist yet gets a whole file at once, or none; an empty file is filled where it is.
 * OP2  The lock is held before anything of the file is believed, and the file must still have the name then.
 * OP3  Opening changes nothing in a good file, but for the two conversions of the free list that `freelist` asks for.
 * OP4  The path is made absolute in the tick of the call, and links are followed once: from then on the file's own name counts.
 * OP5  What an opening for writing shows is durable, and so is the file's name: whoever died between a write and its sync, or
 *     between a rename and the sync of the folder, must not leave a commit that a power cut takes back after it was seen.
 *
 * bbolt: db.go (Open).
 */
import { check, checkOptions, isBoolean, isNumber, isOneOf, isPath, isSignal, type Rules } from '@varve/base/options';
import { nodeWorld } from '@varve/base/node/world';
import { Slice } from '@varve/base/pace';
import { NO_FILE, type FileLockRefusal, type OpenFile } from '@varve/base/files';
import { isWorld, type World } from '@varve/base/world';
import type { Bolt, OpenOptions, Problem } from '../bolt.ts';
import { isByteCount, isPageSize } from '../option-rules.ts';
import { chooseMeta } from './choose-meta.ts';
import type { MetaPages } from './choose-meta.ts';
import {
  createWhole,
  emptyFile,
  fillInPlace,
  isUnfinished,
  removeLeftovers,
  requireReadableFolder,
  temporaryName,
} from './create.ts';
import { Database } from '../commit/database.ts';
import { BoltError } from '../errors.ts';
import { findFreePages } from '../pages/free-pages.ts';
import type { FreePages } from '../pages/free-pages.ts';
import { PageFile } from '../pages/page-file.ts';
import { Store } from '../commit/store.ts';
import type { StoreOptions } from '../commit/store.ts';

const DEFAULT_CACHE = 64 * 1024 * 1024;
const DEFAULT_PAGE_SIZE = 4096;
const LOCK_POLL_MS = 50;
/** How often the name may change hands while we open it. */
const MOST_ATTEMPTS = 100;
const NO_PAGES: FreePages = { free: new Float64Array(0), waiting: new Float64Array(0), listPages: 0 };

const RULES: Rules<OpenOptions> = {
  readOnly: isBoolean,
  create: isBoolean,
  pageSize: isPageSize,
  freelist: isOneOf('persisted', 'deferred', 'scanned'),
  pageChecksums: isBoolean,
  cacheBytes: isByteCount,
  lockTimeoutMs: isNumber('a number of milliseconds, not negative', (ms) => ms >= 0),
  signal: isSignal,
  world: isWorld,
};

/**
 * Opens a BoltDB file, making it if it does not exist. Links are followed: their target is what is opened, or made.
 * @throws TypeError or RangeError for a wrong argument
 * @throws BoltError BOLT_LOCKED, BOLT_NOT_FOUND, BOLT_READ_ONLY (the file system does not let us write), BOLT_UNREADABLE,
 * BOLT_INVALID, BOLT_VERSION, BOLT_CHECKSUM, BOLT_TOO_SMALL, BOLT_TRUNCATED, BOLT_CORRUPT, BOLT_FREELIST (for writing),
 * BOLT_FAILED
 */
export async function openBolt(path: string, options: OpenOptions = {}): Promise<Bolt> {
  check(path, 'path', isPath);
  checkOptions(options, RULES);
  const { world = nodeWorld, ...asked } = options;
  asked.signal?.throwIfAborted();
  const place = await placeOf(world, path, asked.signal);
  return openPlace(world, place, asked);
}

/** OP4 */
async function placeOf({ files }: World, path: string, signal: AbortSignal | undefined): Promise<string> {
  return typed(path, signal, async () => {
    const absolute = files.absolute(path);
    try {
      return await files.place(absolute);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ELOOP') throw cause;
      const message = `${absolute} is a link that leads nowhere: it was left as it is`;
      throw new BoltError('BOLT_INVALID', message, { path: absolute, cause });
    }
  });
}

async function openPlace(world: World, path: string, options: OpenOptions): Promise<Bolt> {
  const { cacheBytes = DEFAULT_CACHE, freelist = 'persisted' } = options;
  const storeOptions: StoreOptions = {
    path,
    cacheBytes,
    persistFreelist: freelist !== 'scanned',
    pageChecksums: options.pageChecksums ?? true,
  };
  const { file, warnings } = await typed(path, options.signal, () => openLocked(world, path, options));
  return typed(path, options.signal, async () => {
    try {
      return await openChosen(world, file, storeOptions, options, warnings);
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  });
}

async function openChosen(
  world: World,
  file: OpenFile,
  storeOptions: StoreOptions,
  { readOnly = false, freelist = 'persisted', signal }: OpenOptions,
  noticed: readonly Problem[],
): Promise<Bolt> {
  const found = chooseMeta(file, storeOptions.path);
  const chosen: MetaPages = { ...found, warnings: [...noticed, ...found.warnings] };
  const open = (name: string): Promise<Store> => reopenStore(world, name, storeOptions);
  if (readOnly) {
    const store = new Store(world, file, chosen.active, NO_PAGES, chosen.warnings, storeOptions);
    return new Database(store, true, chosen, open);
  }
  await makeDurable(world, file, storeOptions.path);
  const free = await freePagesOf(file, chosen, new Slice(world.clock, { signal }));
  const warnings = [...chosen.warnings, ...(await removeLeftovers(world, storeOptions.path))];
  const store = new Store(world, file, chosen.active, free, warnings, storeOptions);
  if (freelist === 'persisted' && chosen.active.freelist === undefined) await store.commit(store.draft());
  return new Database(store, false, chosen, open);
}

/** Where the folder may not be read, or knows no sync, its names are the business of whoever made them. */
const NO_FOLDER_SYNC: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'ENOSYS']);

async function makeDurable(world: World, file: OpenFile, path: string): Promise<void> {
  await file.sync();
  try {
    await world.files.syncDirectory(path);
  } catch (error) {
    if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function freePagesOf(file: OpenFile, { active, other }: MetaPages, slice: Slice): Promise<FreePages> {
  return findFreePages(new PageFile(file, active.pageSize, 0), active, other, slice);
}

/** A file that a defragmentation has just made, opened under its temporary name and to be renamed to `options.path`. */
async function reopenStore(world: World, name: string, options: StoreOptions): Promise<Store> {
  const file = await world.files.open(name, 'update');
  try {
    const refusal = await file.lock({ path: options.path, exclusive: true });
    if (refusal !== undefined) throw locked(name, refusal);
    const chosen = chooseMeta(file, name);
    const free = await freePagesOf(file, chosen, new Slice(world.clock));
    return new Store(world, file, chosen.active, free, chosen.warnings, options);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

/** The system's errors become BOLT_FAILED; an abort stays what it is. */
async function typed<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BoltError || signal?.aborted === true) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BoltError('BOLT_FAILED', `${path} cannot be opened: ${reason}`, { path, cause });
  }
}

/** An open, locked, not empty file that has the name, and what was noticed on the way. */
async function openLocked(
  world: World,
  path: string,
  options: OpenOptions,
): Promise<{ readonly file: OpenFile; readonly warnings: readonly Problem[] }> {
  const { readOnly = false, create = true } = options;
  const deadline = world.clock.now() + (options.lockTimeoutMs ?? 0);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const file = await openExisting(world, path, readOnly);
    if (file === undefined) {
      if (readOnly || !create) throw new BoltError('BOLT_NOT_FOUND', `${path} does not exist`, { path });
      await makeFile(world, path, options);
      continue;
    }
    try {
      await waitForLock(world, file, path, deadline, options);
      if (world.files.identity(path) === file.identity()) {
        return { file, warnings: isUnfinished(file, path) ? await fillEmpty(world, file, path, options) : [] };
      }
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
    await file.close();
  }
  throw new BoltError('BOLT_LOCKED', `${path} changes hands too often`, { path });
}

async function openExisting(world: World, path: string, readOnly: boolean): Promise<OpenFile | undefined> {
  try {
    return await world.files.open(path, readOnly ? 'read' : 'update');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (REFUSED.has(code) && (readOnly || !(await isReadable(world, path)))) {
      throw new BoltError('BOLT_UNREADABLE', `${path} cannot be read: ${code}`, { path, cause });
    }
    throw openFailed(path, code, cause);
  }
}

/** Whether it is the right to write that is missing. */
async function isReadable(world: World, path: string): Promise<boolean> {
  try {
    await (await world.files.open(path, 'read')).close();
    return true;
  } catch (error) {
    return !REFUSED.has((error as NodeJS.ErrnoException).code ?? '');
  }
}

const REFUSED: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);
/** A folder on the way that is none; what is no file; a link that has come into the name; the opening of a socket. */
const NO_FILES: ReadonlySet<string> = new Set(['ENOTDIR', 'EISDIR', NO_FILE, 'ELOOP', 'ENXIO']);

function openFailed(path: string, code: string, cause: unknown): BoltError {
  if (REFUSED.has(code) || code === 'EROFS') {
    return new BoltError('BOLT_READ_ONLY', `${path} cannot be opened for writing: ${code}`, { path, cause });
  }
  if (NO_FILES.has(code)) {
    const said = code === NO_FILE ? (cause as Error).message : `${path} is no file`;
    return new BoltError('BOLT_INVALID', `${said}; it was left as it is`, { path, cause });
  }
  return new BoltError('BOLT_FAILED', `${path} cannot be opened: ${code}`, { path, cause });
}

async function makeFile(world: World, path: string, options: OpenOptions): Promise<void> {
  const bytes = newFile(world, options);
  await requireReadableFolder(world, path);
  try {
    await createWhole(world, path, temporaryName(world, path), (append) => append([bytes]));
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return; // somebody else was faster
    if (code === 'ENOENT' && world.files.identity(path) !== undefined) return; // and tidied up after us
    if (code === 'ENOENT')
      throw new BoltError('BOLT_NOT_FOUND', `the folder of ${path} does not exist`, { path, cause });
    throw openFailed(path, code, cause);
  }
}

function newFile(world: World, { pageSize = DEFAULT_PAGE_SIZE, pageChecksums = true }: OpenOptions): Buffer {
  return emptyFile(pageSize, pageChecksums, world.random.unique());
}

/** An empty file that is ours to fill becomes a store, with a warning. */
async function fillEmpty(
  world: World,
  file: OpenFile,
  path: string,
  options: OpenOptions,
): Promise<readonly Problem[]> {
  const { readOnly = false, create = true, pageSize = DEFAULT_PAGE_SIZE } = options;
  if (readOnly) throw new BoltError('BOLT_INVALID', `${path} is empty`, { path });
  if (!create) throw new BoltError('BOLT_NOT_FOUND', `${path} is empty`, { path });
  await fillInPlace(file, newFile(world, options), pageSize);
  return [{ rule: 'meta', page: undefined, message: 'the file was empty: a new one was made in its place' }];
}

async function waitForLock(
  world: World,
  file: OpenFile,
  path: string,
  deadline: number,
  options: OpenOptions,
): Promise<void> {
  for (;;) {
    options.signal?.throwIfAborted();
    const exclusive = options.readOnly !== true;
    const waitMs = Math.max(0, deadline - world.clock.now());
    const refusal = await file.lock({ path, exclusive, waitMs, signal: options.signal });
    if (refusal === undefined) return;
    const left = deadline - world.clock.now();
    if (refusal.kind !== 'busy' || left <= 0) throw locked(path, refusal);
    await world.clock.pause(Math.min(left, LOCK_POLL_MS), options.signal);
  }
}

function locked(path: string, { kind, what }: FileLockRefusal): BoltError {
  if (kind === 'busy') return new BoltError('BOLT_LOCKED', `${path} is in use by ${what}`, { path });
  return new BoltError(kind === 'foreign' ? 'BOLT_INVALID' : 'BOLT_LOCKED', what, { path });
}
