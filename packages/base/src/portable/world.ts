/**
 * The world where there is no Node: time and chance, and neither files nor locks.
 *
 * PWO1  There is one, so that the stores of a page share the slice of a turn (law 10).
 */
import type { Files } from '../files.ts';
import { worldOf, type World } from '../world.ts';
import { portableClock } from './clock.ts';
import { portableRandom } from './random.ts';

function noFiles(): never {
  throw Object.assign(new Error('there are no files here: keep the store in memory'), { code: 'ENOSYS' });
}

const rejects = async (): Promise<never> => noFiles();

const files: Files = {
  absolute: noFiles,
  place: rejects,
  makeParents: rejects,
  open: rejects,
  identity: () => undefined,
  publish: rejects,
  rename: rejects,
  unlink: rejects,
  siblings: rejects,
  syncDirectory: rejects,
};

/** Clock and randomness as they were when this file was loaded. */
export const portableWorld: World = worldOf({
  clock: portableClock(),
  random: portableRandom(),
  files,
  locks: { takeStoreLock: rejects, findHolder: rejects, takeThreadLock: rejects },
});
