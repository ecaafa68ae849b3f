/**
 * Opening a BoltDB file as a store.
 *
 * OF1  Opening changes nothing in a file, not even the form of its free list: the first commit does.
 * OF2  For reading only, not even a folder is made; whoever else reads may have the file as well, a writer may not.
 * OF3  A BoltDB file that is neither ours nor etcd's is somebody's own and is left as it is (R37).
 * OF4  Links are followed once, by `openBolt`; what the path means is settled in the tick of the call.
 */
import { openBolt, openBoltOn, type Bolt, type Storage } from '@varve/bolt';
import type { Engine } from '../../contract/engine.ts';
import { BackendError } from '../../contract/errors.ts';
import { fileFailure } from './failure.ts';
import { FileEngine } from './file-engine.ts';
import { absolutePath, makeParents } from './place.ts';
import { foreignBecause } from './recognise.ts';

export interface OpenFileOptions {
  readonly create: boolean;
  readonly readOnly: boolean;
  readonly cacheBytes: number;
  readonly lockTimeoutMs: number;
}

export async function openFile(path: string, options: OpenFileOptions): Promise<Engine> {
  const place = absolutePath(path);
  if (options.create && !options.readOnly) await makeParents(place, path);
  return engineOver(path, () => openBolt(place, { ...options, freelist: 'deferred' }));
}

/** On another storage: the path is its business. */
export function openFileOn(storage: Storage, path: string, options: OpenFileOptions): Promise<Engine> {
  return engineOver(path, () => openBoltOn(storage, path, { ...options, freelist: 'deferred' }));
}

async function engineOver(path: string, opening: () => Promise<Bolt>): Promise<Engine> {
  let bolt: Bolt;
  try {
    bolt = await opening();
  } catch (error) {
    throw fileFailure(error, path);
  }
  try {
    requireStore(bolt, path);
    return new FileEngine(bolt);
  } catch (error) {
    await bolt.close();
    throw fileFailure(error, path);
  }
}

/** @throws BackendError `BACKEND_FOREIGN` for a BoltDB file that is no store; what reading it says, as it is */
export function requireStore(bolt: Bolt, path: string): void {
  const reason = foreignBecause(bolt);
  if (reason === undefined) return;
  const message = `${path} is a BoltDB file, but not of a store: ${reason}. It was left as it is; choose another path`;
  throw new BackendError('BACKEND_FOREIGN', message, { path });
}
