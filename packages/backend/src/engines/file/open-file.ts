/**
 * Opening a BoltDB file as a store.
 *
 * OF1  Opening changes nothing in a file, not even the form of its free list: the first commit does.
 * OF2  For reading only, not even a folder is made; whoever else reads may have the file as well, a writer may not.
 * OF3  A BoltDB file that is neither ours nor etcd's is somebody's own and is left as it is (R37).
 * OF4  Links are followed once, by `openBolt`; what the path means is settled in the tick of the call.
 */
import type { World } from '@varve/base/world';
import { openBolt, type Bolt } from '@varve/bolt';
import type { Engine } from '../../contract/engine.ts';
import { BackendError } from '../../contract/errors.ts';
import { fileFailure } from './failure.ts';
import { FileEngine } from './file-engine.ts';
import { foreignBecause } from './recognise.ts';

export interface OpenFileOptions {
  readonly create: boolean;
  readonly readOnly: boolean;
  readonly cacheBytes: number;
  readonly lockTimeoutMs: number;
  readonly world: World;
}

export async function openFile(path: string, { world, ...options }: OpenFileOptions): Promise<Engine> {
  const place = world.files.absolute(path);
  if (options.create && !options.readOnly) await makeParents(world, place, path);
  return engineOver(path, world, () => openBolt(place, { ...options, world, freelist: 'deferred' }));
}

/**
 * Makes the folders above the file that are missing. What is no folder is left to who opens the file: that says it better.
 * @throws BackendError `BACKEND_READ_ONLY`, `BACKEND_FAILED`
 */
async function makeParents({ files }: World, place: string, path: string): Promise<void> {
  try {
    await files.makeParents(place);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return;
    const isRefused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
    const message = `The folders above ${path} cannot be made: ${code}. Make them, or choose another path`;
    throw new BackendError(isRefused ? 'BACKEND_READ_ONLY' : 'BACKEND_FAILED', message, { cause, path });
  }
}

async function engineOver(path: string, world: World, opening: () => Promise<Bolt>): Promise<Engine> {
  let bolt: Bolt;
  try {
    bolt = await opening();
  } catch (error) {
    throw fileFailure(error, path);
  }
  try {
    requireStore(bolt, path);
    return new FileEngine(bolt, world.clock);
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
