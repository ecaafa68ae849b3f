/**
 * Opening: find or make the file, lock it, choose its state, learn what is free.
 *
 * O1  A path that does not exist yet gets a whole file at once, or none; an empty file is replaced by a whole one.
 * O2  The lock is held before anything of the file is believed, and the file must still have the name then.
 * O3  Opening changes nothing in a good file, but for the two conversions of the free list that `freelist` asks for.
 *
 * bbolt: db.go (Open).
 */
import type { Bolt, OpenOptions, Problem } from './bolt.ts';
import { chooseMeta } from './choose-meta.ts';
import type { MetaPages } from './choose-meta.ts';
import { createWhole, emptyFile, removeLeftovers } from './create.ts';
import { Database } from './database.ts';
import { BoltError } from './errors.ts';
import { findFreePages } from './free-pages.ts';
import type { FreePages } from './free-pages.ts';
import { isPageSize } from './meta.ts';
import { nodeStorage } from './node-storage.ts';
import { PageFile } from './page-file.ts';
import { Slices } from './slices.ts';
import type { Storage, StorageFile } from './storage-file.ts';
import { Store } from './store.ts';
import type { StoreOptions } from './store.ts';

const DEFAULT_CACHE = 64 * 1024 * 1024;
const LOCK_POLL_MS = 50;
/** How often the name may change hands while we open it. */
const MOST_ATTEMPTS = 100;
const NO_PAGES: FreePages = { free: new Float64Array(0), waiting: new Float64Array(0), listPages: 0 };

/**
 * Opens a BoltDB file, making it if it does not exist.
 * @throws BoltError BOLT_LOCKED, BOLT_NOT_FOUND, BOLT_READ_ONLY (the file system does not let us write), BOLT_INVALID,
 * BOLT_VERSION, BOLT_CHECKSUM, BOLT_TOO_SMALL, BOLT_TRUNCATED, BOLT_CORRUPT, BOLT_FREELIST (for writing), BOLT_FAILED
 */
export function openBolt(path: string, options: OpenOptions = {}): Promise<Bolt> {
  return openBoltOn(nodeStorage, path, options);
}

/** The same on another storage: for tests with a disk that fails. */
export async function openBoltOn(storage: Storage, path: string, options: OpenOptions = {}): Promise<Bolt> {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
  const { pageSize = 4096, cacheBytes = DEFAULT_CACHE, freelist = 'persisted' } = options;
  if (typeof path !== 'string' || path === '') throw new TypeError('path must be a text that is not empty');
  if (!isPageSize(pageSize)) throw new RangeError('pageSize must be a power of two from 512 to 65536');
  if (!(cacheBytes >= 0)) throw new RangeError('cacheBytes must not be negative');
  const storeOptions: StoreOptions = {
    path,
    cacheBytes,
    persistFreelist: freelist !== 'scanned',
    pageChecksums: options.pageChecksums ?? true,
  };
  const { file, warnings } = await typed(path, options.signal, () => openLocked(storage, path, options));
  return typed(path, options.signal, async () => {
    try {
      return await openChosen(storage, file, storeOptions, options, warnings);
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  });
}

async function openChosen(
  storage: Storage,
  file: StorageFile,
  storeOptions: StoreOptions,
  { readOnly = false, freelist = 'persisted', signal }: OpenOptions,
  noticed: readonly Problem[],
): Promise<Bolt> {
  const { path } = storeOptions;
  const found = chooseMeta(file, path);
  const chosen: MetaPages = { ...found, warnings: [...noticed, ...found.warnings] };
  const open = (name: string): Promise<Store> => reopenStore(storage, name, storeOptions);
  if (readOnly) {
    const store = new Store(storage, file, chosen.active, NO_PAGES, chosen.warnings, storeOptions);
    return new Database(store, true, chosen, open);
  }
  const store = await writableStore(storage, file, chosen, storeOptions, signal);
  await removeLeftovers(storage, path);
  if (freelist === 'persisted' && chosen.active.freelist === undefined) await store.commit(store.draft());
  return new Database(store, false, chosen, open);
}

async function writableStore(
  storage: Storage,
  file: StorageFile,
  chosen: MetaPages,
  options: StoreOptions,
  signal: AbortSignal | undefined,
): Promise<Store> {
  const { active, other, warnings } = chosen;
  const pages = new PageFile(file, active.pageSize, 0);
  const free = await findFreePages(pages, active, other, new Slices(storage, signal));
  return new Store(storage, file, active, free, warnings, options);
}

/** A file that a defragmentation has just made, opened under its temporary name and to be renamed to `options.path`. */
async function reopenStore(storage: Storage, name: string, options: StoreOptions): Promise<Store> {
  const file = await storage.open(name, 'update');
  try {
    const holder = await file.lock({ path: options.path, exclusive: true });
    if (holder !== undefined) throw new BoltError('BOLT_LOCKED', `${name} is in use by ${holder}`, { path: name });
    return await writableStore(storage, file, chooseMeta(file, name), options, undefined);
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
  storage: Storage,
  path: string,
  options: OpenOptions,
): Promise<{ readonly file: StorageFile; readonly warnings: readonly Problem[] }> {
  const { readOnly = false, create = true } = options;
  const deadline = storage.now() + (options.lockTimeoutMs ?? 0);
  const warnings: Problem[] = [];
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const file = await openExisting(storage, path, readOnly);
    if (file === undefined) {
      if (readOnly || !create) throw new BoltError('BOLT_NOT_FOUND', `${path} does not exist`, { path });
      await makeFile(storage, path, options, 'publish');
      continue;
    }
    try {
      await waitForLock(storage, file, path, deadline, options);
      if (storage.identity(path) === file.identity()) {
        if (file.size() > 0) return { file, warnings };
        if (readOnly) throw new BoltError('BOLT_INVALID', `${path} is empty`, { path });
        if (!create) throw new BoltError('BOLT_NOT_FOUND', `${path} is empty`, { path });
        await makeFile(storage, path, options, 'rename');
        warnings.push({
          rule: 'meta',
          page: undefined,
          message: 'the file was empty: a new one was made in its place',
        });
      }
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
    await file.close();
  }
  throw new BoltError('BOLT_LOCKED', `${path} changes hands too often`, { path });
}

async function openExisting(storage: Storage, path: string, readOnly: boolean): Promise<StorageFile | undefined> {
  try {
    return await storage.open(path, readOnly ? 'read' : 'update');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw openFailed(path, code, cause);
  }
}

function openFailed(path: string, code: string, cause: unknown): BoltError {
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) {
    return new BoltError('BOLT_READ_ONLY', `${path} cannot be opened: ${code}`, { path, cause });
  }
  if (code === 'EISDIR' || code === 'ENOTDIR')
    return new BoltError('BOLT_INVALID', `${path} is no file`, { path, cause });
  return new BoltError('BOLT_FAILED', `${path} cannot be opened: ${code}`, { path, cause });
}

async function makeFile(
  storage: Storage,
  path: string,
  options: OpenOptions,
  place: 'publish' | 'rename',
): Promise<void> {
  const bytes = emptyFile(options.pageSize ?? 4096, options.pageChecksums ?? true);
  try {
    await createWhole(storage, path, place, (append) => append([bytes]));
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return; // somebody else was faster
    if (code === 'ENOENT' && storage.identity(path) !== undefined) return; // and tidied up after us
    if (code === 'ENOENT')
      throw new BoltError('BOLT_NOT_FOUND', `the folder of ${path} does not exist`, { path, cause });
    throw openFailed(path, code, cause);
  }
}

async function waitForLock(
  storage: Storage,
  file: StorageFile,
  path: string,
  deadline: number,
  options: OpenOptions,
): Promise<void> {
  for (;;) {
    options.signal?.throwIfAborted();
    const exclusive = options.readOnly !== true;
    const waitMs = Math.max(0, deadline - storage.now());
    const holder = await file.lock({ path, exclusive, waitMs, signal: options.signal });
    if (holder === undefined) return;
    const left = deadline - storage.now();
    if (left <= 0) throw new BoltError('BOLT_LOCKED', `${path} is in use by ${holder}`, { path });
    await storage.wait(Math.min(left, LOCK_POLL_MS), options.signal);
  }
}
