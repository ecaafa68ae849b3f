/**
 * A snapshot as a file: absent, or whole, durable and verifiable.
 *
 * BCK1  The bytes go to a temporary name beside the target, which no other process comes up with. The target gets its
 *     name when they are on the medium, and never replaces a file that is there.
 * BCK2  Whatever goes wrong, the temporary file is removed and the snapshot released. A target that cannot be made is
 *     `KV_BACKUP` before anything is read, where that can be known.
 * BCK3  The last 32 bytes are the SHA-256 of all before, which is how `etcdctl snapshot` tells a damaged copy.
 * BCK4  A copy is for its maker alone (R126), whoever may read the store.
 *
 * etcd: client/v3/snapshot/v3_snapshot.go. The only file of this package that touches the file system.
 */
import { KvError } from '@varve/api';
import { checkNames, checkOptionalFunction, checkSignal, invalidType } from '@varve/api/implement';
import { createHash, randomBytes } from 'node:crypto';
import { link, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Core } from './core.ts';
import type { BackupOptions, BackupResult } from './embedded.ts';

const optionNames = ['signal', 'onProgress'];

export function backupTo(core: Core, path: string, options: BackupOptions = {}): Promise<BackupResult> {
  return core.call(() => writeBackup(core, path, options));
}

async function writeBackup(core: Core, path: string, options: BackupOptions): Promise<BackupResult> {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw invalidType('the path of a backup must be a string that is not empty and has no zero character');
  checkNames(options, 'options', optionNames);
  checkOptionalFunction(options.onProgress, 'onProgress');
  checkSignal(options.signal);
  const target = resolve(path);
  await checkAbsent(target);
  const folder = await openFolder(target);
  try {
    return await writeInto(core, target, folder, options);
  } finally {
    await folder?.close();
  }
}

async function writeInto(
  core: Core,
  target: string,
  folder: FileHandle | undefined,
  options: BackupOptions,
): Promise<BackupResult> {
  const temporary = temporaryName(target);
  const handle = await io(target, () => open(temporary, 'wx', privateMode));
  try {
    let size: number;
    try {
      size = await writeSnapshot(core, handle, target, options);
    } finally {
      await handle.close();
    }
    await giveName(temporary, target, folder);
    return { path: target, size };
  } finally {
    // What went wrong before is the one to know.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** A copy holds what the store holds: it is for nobody else either (R126). */
const privateMode = 0o600;
/** What common file systems allow for a name, in bytes. */
const longestName = 255;

/** Beside the target; a long name of that is cut, so that this one is not too long. */
function temporaryName(target: string): string {
  const ending = `.${randomBytes(8).toString('hex')}.partial`;
  const kept = Array.from(basename(target));
  while (Buffer.byteLength(kept.join('') + ending) > longestName) kept.pop();
  return join(dirname(target), kept.join('') + ending);
}

async function writeSnapshot(core: Core, handle: FileHandle, path: string, options: BackupOptions): Promise<number> {
  const { signal, onProgress } = options;
  const snapshot = await core.store.snapshot({ signal });
  try {
    const hash = createHash('sha256');
    const totalBytes = snapshot.size + hashBytes;
    let writtenBytes = 0;
    const write = async (chunk: Uint8Array): Promise<void> => {
      await io(path, () => handle.writeFile(chunk));
      writtenBytes += chunk.length;
      onProgress?.({ writtenBytes, totalBytes });
    };
    for await (const chunk of snapshot) {
      signal?.throwIfAborted();
      hash.update(chunk);
      await write(chunk);
    }
    await write(hash.digest());
    await io(path, () => handle.sync());
    return writtenBytes;
  } finally {
    await snapshot.close();
  }
}

const hashBytes = 32;

/** Says before the work what `giveName` would say after it. */
async function checkAbsent(target: string): Promise<void> {
  try {
    await lstat(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw notWritten(target, error);
  }
  throw exists(target);
}

/** To make the target's name durable by. Whoever may not read the folder cannot, which is to be known before there is a target. */
async function openFolder(target: string): Promise<FileHandle | undefined> {
  if (process.platform === 'win32') return undefined; // names are durable there, and folders cannot be opened
  return io(target, () => open(dirname(target), 'r'));
}

async function giveName(temporary: string, target: string, folder: FileHandle | undefined): Promise<void> {
  await io(target, async () => {
    await publish(temporary, target);
    try {
      await folder?.sync();
    } catch (error) {
      await rm(target, { force: true }).catch(() => undefined); // ours, and nobody was told of it
      throw error;
    }
  });
}

/** A hard link fails where the name exists: unlike a rename, it can replace nothing. */
async function publish(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (!withoutLinks.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // A file system without hard links, such as FAT: look and rename, with a moment between them.
    await checkAbsent(target);
    await rename(temporary, target);
  }
}

const withoutLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

async function io<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (cause instanceof KvError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw exists(path, cause);
    throw notWritten(path, cause);
  }
}

function exists(path: string, cause?: unknown): KvError {
  return new KvError('KV_EXISTS', `${path} exists already; choose another name or remove it first`, { cause, path });
}

function notWritten(path: string, cause: unknown): KvError {
  return new KvError('KV_BACKUP', `${path} could not be written: ${(cause as Error).message}`, { cause, path });
}
