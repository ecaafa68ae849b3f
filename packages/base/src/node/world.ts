/**
 * The world as Node has it: what every store gets that is given no other.
 *
 * NWO1  There is one, so that the stores of a process share the slice of a turn (law 10).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { worldOf, type World } from '../world.ts';
import { nodeClock } from './clock.ts';
import { nodeFiles } from './files.ts';
import { nodeFolders } from './real-folders.ts';
import { findHolder, takeStoreLock } from './store-lock.ts';
import { takeThreadLock } from './thread-lock.ts';

/** Node's clock, randomness, files and locks, as they were when this file was loaded. */
export const nodeWorld: World = worldOf({
  clock: nodeClock,
  random: { bytes: (count) => new Uint8Array(randomBytes(count)), unique: () => randomUUID() },
  files: nodeFiles,
  folders: nodeFolders,
  locks: { takeStoreLock, findHolder, takeThreadLock },
});
