/**
 * The file an import reads: whether it ends in a hash, and whether the hash is true.
 *
 * etcd: server/storage/backend and etcdutl/snapshot (a snapshot is a BoltDB file and the SHA-256 of it).
 */
import { createHash } from 'node:crypto';
import type { Files } from '@varve/base/files';
import { BackendError } from '../contract/errors.ts';

const hashBytes = 32;
/** Pages are a multiple of it, so a longer file ends in something else. */
const sectorBytes = 512;
const chunkBytes = 1024 * 1024;

/** A file, and which one it was before it was opened and locked. */
export interface HashedFile {
  readonly place: string;
  /** As the caller named it, for messages. */
  readonly path: string;
  readonly identity: string | undefined;
}

/** Which file an absolute path leads to now; `undefined` if that cannot be said. */
export async function identityOf(files: Files, absolute: string): Promise<string | undefined> {
  try {
    return files.identity(await files.place(absolute));
  } catch {
    return undefined;
  }
}

/**
 * Reads the whole file, in pieces; resolves when its last 32 bytes are the SHA-256 of all before.
 * @throws BackendError `BACKEND_CORRUPT` when they are not, or are missing; `BACKEND_FAILED` when it cannot be read, or has
 * lost its name to another file
 */
export async function verifyHash(
  files: Files,
  { place, path, identity: expected }: HashedFile,
  signal: AbortSignal | undefined,
  onProgress: (readBytes: number, totalBytes: number) => void,
): Promise<void> {
  const file = await attempt(path, () => files.open(place, 'read'));
  try {
    if (file.identity() !== expected) {
      throw new BackendError('BACKEND_FAILED', `${path} was replaced while it was being read. Try again`, { path });
    }
    const size = file.size();
    if (size % sectorBytes !== hashBytes) {
      const message = `${path} does not end in a hash: it was cut short, or is a copy of a database file. For a copy, skip the hash check`;
      throw new BackendError('BACKEND_CORRUPT', message, { path });
    }
    const hash = createHash('sha256');
    const total = size - hashBytes;
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; at < total;) {
      signal?.throwIfAborted();
      const wanted = chunk.subarray(0, Math.min(chunkBytes, total - at));
      const readBytes = await attempt(path, () => file.readLater(wanted, at));
      if (readBytes === 0) throw wrongHash(path);
      hash.update(wanted.subarray(0, readBytes));
      at += readBytes;
      onProgress(at, total);
    }
    const last = new Uint8Array(hashBytes);
    await attempt(path, () => file.readLater(last, total));
    if (!hash.digest().equals(last)) throw wrongHash(path);
  } finally {
    await file.close();
  }
}

function wrongHash(path: string): BackendError {
  const message = `${path} is damaged: its last 32 bytes are not the SHA-256 of the rest. Take another copy`;
  return new BackendError('BACKEND_CORRUPT', message, { path });
}

async function attempt<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw new BackendError('BACKEND_FAILED', `${path} cannot be read: ${(cause as Error).message}`, { cause, path });
  }
}
