/**
 * Opening a BoltDB file as a store.
 *
 * O1  Opening changes nothing in a file, not even the form of its free list: the first commit does.
 * O2  For reading only, not even a folder is made; whoever else reads may have the file as well, a writer may not.
 * O3  A file is a store if it has etcd's `key` or `meta` bucket, or no bucket at all, or was written by us; any other
 *     BoltDB file is somebody's own and is left as it is (R37).
 */
import { openBolt, type Bolt } from '@varve/bolt';
import type { Engine } from '../engine.ts';
import { BackendError } from '../errors.ts';
import { fileFailure } from './failure.ts';
import { FileEngine } from './file-engine.ts';
import { makeParents, placeOf } from './place.ts';

export interface OpenFileOptions {
  readonly create: boolean;
  readonly readOnly: boolean;
  readonly cacheBytes: number;
  readonly lockTimeoutMs: number;
}

export async function openFile(path: string, options: OpenFileOptions): Promise<Engine> {
  const place = await placeOf(path);
  if (options.create && !options.readOnly) await makeParents(place, path);
  let bolt: Bolt;
  try {
    bolt = await openBolt(place, { ...options, freelist: 'deferred' });
  } catch (error) {
    throw fileFailure(error, path);
  }
  try {
    if (!isStore(bolt)) {
      throw new BackendError(
        'BACKEND_FOREIGN',
        `${path}: this BoltDB file has buckets, but none of a store; it was left as it is. Choose another path`,
        { path },
      );
    }
    return new FileEngine(bolt);
  } catch (error) {
    await bolt.close();
    throw fileFailure(error, path);
  }
}

function isStore(bolt: Bolt): boolean {
  if (bolt.sealedSince > 0) return true;
  const tx = bolt.read();
  try {
    return tx.bucket('key') !== undefined || tx.bucket('meta') !== undefined || !tx.root.cursor().first();
  } finally {
    tx.end();
  }
}
