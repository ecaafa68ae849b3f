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
 * etcd: client/v3/snapshot/v3_snapshot.go.
 */
import { KvError } from '@varve/api';
import { checkNames, checkOptionalFunction, checkSignal, invalidType } from '@varve/api/implement';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { writeFully, type OpenFile } from '@varve/base/files';
import type { World } from '@varve/base/world';
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
  const { files } = core.world;
  const target = files.absolute(path);
  checkAbsent(core.world, target);
  // Whoever may not make the target's name durable is to know before there is a target.
  await io(target, () => files.syncDirectory(target));
  return writeInto(core, target, options);
}

async function writeInto(core: Core, target: string, options: BackupOptions): Promise<BackupResult> {
  const { files } = core.world;
  const temporary = temporaryName(core.world, target);
  // For its maker alone: that is how files are made (BCK4).
  const file = await io(target, () => files.open(temporary, 'create'));
  try {
    let size: number;
    try {
      size = await writeSnapshot(core, file, target, options);
    } finally {
      await file.close();
    }
    await giveName(core.world, temporary, target);
    return { path: target, size };
  } finally {
    // What went wrong before is the one to know.
    await files.unlink(temporary).catch(() => undefined);
  }
}

/** What common file systems allow for a name, in bytes. */
const longestName = 255;

/** Beside the target; a long name of that is cut, so that this one is not too long. */
function temporaryName({ random }: World, target: string): string {
  const ending = `.${random.unique()}.partial`;
  const kept = Array.from(basename(target));
  while (Buffer.byteLength(kept.join('') + ending) > longestName) kept.pop();
  return join(dirname(target), kept.join('') + ending);
}

async function writeSnapshot(core: Core, file: OpenFile, path: string, options: BackupOptions): Promise<number> {
  const { signal, onProgress } = options;
  const snapshot = await core.store.snapshot({ signal });
  try {
    const hash = createHash('sha256');
    const totalBytes = snapshot.size + hashBytes;
    let writtenBytes = 0;
    const write = async (chunk: Uint8Array): Promise<void> => {
      await io(path, async () => writeFully(file, [chunk], writtenBytes));
      writtenBytes += chunk.length;
      onProgress?.({ writtenBytes, totalBytes });
    };
    for await (const chunk of snapshot) {
      signal?.throwIfAborted();
      hash.update(chunk);
      await write(chunk);
    }
    await write(hash.digest());
    await io(path, () => file.sync());
    return writtenBytes;
  } finally {
    await snapshot.close();
  }
}

const hashBytes = 32;

/** Says before the work what `giveName` would say after it. */
function checkAbsent({ files }: World, target: string): void {
  let found: string | undefined;
  try {
    found = files.identity(target);
  } catch (error) {
    throw notWritten(target, error);
  }
  if (found !== undefined) throw exists(target);
}

async function giveName({ files }: World, temporary: string, target: string): Promise<void> {
  await io(target, async () => {
    await files.publish(temporary, target);
    try {
      await files.syncDirectory(target);
    } catch (error) {
      await files.unlink(target).catch(() => undefined); // ours, and nobody was told of it
      throw error;
    }
  });
}

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
