/**
 * The file an import reads: whether it ends in a hash, and whether the hash is true.
 *
 * etcd: server/storage/backend and etcdutl/snapshot (a snapshot is a BoltDB file and the SHA-256 of it).
 */
import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { BackendError } from '../contract/errors.ts';

const hashBytes = 32;
/** Pages are a multiple of it, so a longer file ends in something else. */
const sectorBytes = 512;
const chunkBytes = 1024 * 1024;

/** Does not wait for the other end of a FIFO, should one have come into the name. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A file, and which one it was before it was opened and locked. */
export interface HashedFile {
  readonly place: string;
  /** As the caller named it, for messages. */
  readonly path: string;
  readonly identity: string | undefined;
}

/** Which file the name belongs to now; `undefined` if that cannot be said. */
export async function identityOf(place: string): Promise<string | undefined> {
  try {
    return identity(await stat(place, { bigint: true }));
  } catch {
    return undefined;
  }
}

function identity({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/**
 * Reads the whole file, in pieces; resolves when its last 32 bytes are the SHA-256 of all before.
 * @throws BackendError `BACKEND_CORRUPT` when they are not, or are missing; `BACKEND_FAILED` when it cannot be read, or has
 * lost its name to another file
 */
export async function verifyHash(
  { place, path, identity: expected }: HashedFile,
  signal: AbortSignal | undefined,
  onProgress: (readBytes: number, totalBytes: number) => void,
): Promise<void> {
  const file = await attempt(path, () => open(place, flags));
  try {
    const found = await attempt(path, () => file.stat({ bigint: true }));
    if (identity(found) !== expected) {
      throw new BackendError('BACKEND_FAILED', `${path} was replaced while it was being read. Try again`, { path });
    }
    const size = Number(found.size);
    if (size % sectorBytes !== hashBytes) {
      const message = `${path} does not end in a hash: it was cut short, or is a copy of a database file. For a copy, skip the hash check`;
      throw new BackendError('BACKEND_CORRUPT', message, { path });
    }
    const hash = createHash('sha256');
    const total = size - hashBytes;
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; at < total;) {
      signal?.throwIfAborted();
      const { bytesRead } = await attempt(path, () => file.read(chunk, 0, Math.min(chunkBytes, total - at), at));
      if (bytesRead === 0) throw wrongHash(path);
      hash.update(chunk.subarray(0, bytesRead));
      at += bytesRead;
      onProgress(at, total);
    }
    const { buffer } = await attempt(path, () => file.read(Buffer.alloc(hashBytes), 0, hashBytes, total));
    if (!hash.digest().equals(buffer)) throw wrongHash(path);
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
